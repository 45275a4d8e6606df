from __future__ import annotations

import numpy as np

from protea_evaluator.domain.measures.sums import ProteinCounts
from protea_evaluator.domain.strata import UNKNOWN, are_unknown, homology_band, length_band, pool

COUNTS = ProteinCounts(
    thresholds=np.array([0.5]),
    true=np.ones((4, 1)),
    predicted=np.array([[1.0], [1.0], [2.0], [4.0]]),
    truth=np.array([1.0, 1.0, 2.0, 2.0]),
    cohort=4,
)


def test_strata_go_from_the_least_band_to_the_greatest_and_what_is_unknown_comes_last() -> None:
    lengths = [(length_band(residues),) for residues in (None, 1_200, 50, 300)]
    identities = [(homology_band(identity),) for identity in (0.9, None, 0.45, 0.1)]

    assert [each.labels[0] for each in pool(COUNTS, lengths, min_population=1)] == [
        "under 200", "200 to 499", "1000 and more", UNKNOWN
    ]  # fmt: skip
    assert [each.labels[0] for each in pool(COUNTS, identities, min_population=1)] == [
        "under 30 %", "30 to 59 %", "60 % and more", UNKNOWN
    ]  # fmt: skip


def test_a_stratum_pools_its_proteins() -> None:
    first, second = pool(COUNTS, [("a",), ("a",), ("b",), ("b",)], min_population=3)

    assert (first.n_proteins, first.precision, first.recall, first.micro_f) == (2, 1.0, 1.0, 1.0)
    # 2 of 6 predicted are true, 2 of 4 true are predicted.
    assert (second.precision, second.recall, second.micro_f) == (2 / 6, 2 / 4, 0.4)
    assert not second.is_reportable


def test_an_axis_of_which_nothing_is_known_is_told_from_one_of_which_something_is() -> None:
    nothing = pool(COUNTS, [(UNKNOWN,)] * 4, min_population=1)
    something = pool(COUNTS, [(UNKNOWN,)] * 3 + [("under 200",)], min_population=1)

    assert are_unknown(nothing)
    assert not are_unknown(something)
