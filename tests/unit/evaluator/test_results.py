from __future__ import annotations

from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.results import NamespaceResult, is_too_small, results_as_json

RESULT = NamespaceResult(fmax=0.5, precision=0.6, recall=0.43, tau=0.21, coverage=0.75, n_proteins=30, cohort=40)


def test_results_nest_by_category_and_cafa_name() -> None:
    nested = results_as_json({Category.NO_KNOWLEDGE: {"biological_process": RESULT}})

    assert nested == {
        "NK": {
            "BPO": {
                "fmax": 0.5,
                "precision": 0.6,
                "recall": 0.43,
                "tau": 0.21,
                "coverage": 0.75,
                "n_proteins": 30,
                "cohort": 40,
            }
        }
    }


def test_what_was_not_measured_is_absent_and_never_zero() -> None:
    assert results_as_json({Category.LIMITED_KNOWLEDGE: {}}) == {"LK": {}}


def test_a_cell_of_29_proteins_is_too_small_and_one_of_30_is_not() -> None:
    assert is_too_small(29)
    assert not is_too_small(30)
