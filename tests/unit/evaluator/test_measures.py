from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.measures.curve import average_precision, draw_curve
from protea_evaluator.domain.measures.summary import summarise
from protea_evaluator.domain.measures.sums import count_by_protein, grid, sum_at_every_score, sum_counts

TWO_PROTEINS = Cell(
    proteins=np.array([0, 0, 0, 1, 1], dtype=np.int32),
    scores=np.array([0.9, 0.5, 0.5, 0.8, 0.2]),
    is_true=np.array([True, False, True, False, True]),
    weights=np.array([1.0, 1.0, 2.0, 1.0, 1.0]),
    truth=np.array([4.0, 1.0]),
    accessions=np.array([3, 7], dtype=np.int32),
    cohort=2,
)
"""The first protein finds 3 of its 4 bits at 0.5, with one false bit; the second finds its one bit at 0.2."""


def test_the_grid_ends_below_one() -> None:
    assert grid(0.25).tolist() == [0.25, 0.5, 0.75]


def test_precision_is_averaged_over_the_predicted_and_recall_over_all() -> None:
    curve = draw_curve(sum_at_every_score(TWO_PROTEINS))

    assert curve.thresholds.tolist() == [0.2, 0.5, 0.8, 0.9]
    np.testing.assert_allclose(curve.precision, [(3 / 4 + 1 / 2) / 2, (3 / 4 + 0) / 2, (1 + 0) / 2, 1])
    np.testing.assert_allclose(curve.recall, [(3 / 4 + 1) / 2, (3 / 4) / 2, (1 / 4) / 2, (1 / 4) / 2])
    np.testing.assert_allclose(curve.coverage, [1, 1, 1, 0.5])


def test_micro_measures_are_of_the_sums() -> None:
    curve = draw_curve(sum_at_every_score(TWO_PROTEINS))

    np.testing.assert_allclose(curve.micro_precision, [4 / 6, 3 / 5, 1 / 2, 1])
    np.testing.assert_allclose(curve.micro_recall, [4 / 5, 3 / 5, 1 / 5, 1 / 5])


def test_the_semantic_distance_joins_what_is_wrong_and_what_is_missed() -> None:
    curve = draw_curve(sum_at_every_score(TWO_PROTEINS))

    np.testing.assert_allclose(curve.misinformation, [2 / 2, 2 / 2, 1 / 2, 0])
    np.testing.assert_allclose(curve.remaining_uncertainty, [1 / 2, 2 / 2, 4 / 2, 4 / 2])
    np.testing.assert_allclose(curve.semantic_distance[0], np.sqrt(1 + 0.25))


def test_the_summary_takes_the_best_of_the_curve() -> None:
    summary = summarise(draw_curve(sum_at_every_score(TWO_PROTEINS)), cohort=2)

    assert summary is not None
    assert summary.tau == 0.2
    assert summary.fmax == pytest.approx(2 * 0.625 * 0.875 / 1.5)
    assert (summary.n_proteins, summary.cohort, summary.coverage) == (2, 2, 1.0)
    assert summary.smin == pytest.approx(np.sqrt(1.25))


def test_a_cell_without_predictions_has_no_summary() -> None:
    nothing = Cell(
        proteins=np.empty(0, dtype=np.int32),
        scores=np.empty(0),
        is_true=np.empty(0, dtype=np.bool_),
        weights=np.empty(0),
        truth=np.array([1.0]),
        accessions=np.array([0], dtype=np.int32),
        cohort=1,
    )

    assert summarise(draw_curve(sum_counts(count_by_protein(nothing, grid(0.01)))), cohort=1) is None
    assert summarise(draw_curve(sum_at_every_score(nothing)), cohort=1) is None


def test_the_area_of_one_protein_is_the_average_precision_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    is_true, scores = rng.random(300) < 0.2, np.round(rng.random(300), 2)
    cell = Cell(
        proteins=np.zeros(300, dtype=np.int32),
        scores=scores,
        is_true=is_true,
        weights=np.ones(300),
        truth=np.array([float(is_true.sum())]),
        accessions=np.array([0], dtype=np.int32),
        cohort=1,
    )
    curve = draw_curve(sum_at_every_score(cell))

    area = average_precision(curve.precision, curve.recall)

    assert area == pytest.approx(average_precision_score(is_true, scores), abs=1e-12)
