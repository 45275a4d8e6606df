"""Reliability diagrams and expected calibration errors, against scikit-learn's curve and a worked example."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.measures.sums import count_by_protein, grid
from protea_evaluator.domain.reliability import Reliability, predicted_below, reliability

THRESHOLDS = grid(0.01)


def cell(scores: NDArray[np.float64], is_true: NDArray[np.bool_]) -> Cell:
    """One protein of which all these terms are predicted."""
    n = len(scores)
    return Cell(
        proteins=np.zeros(n, np.int32),
        scores=scores,
        is_true=is_true,
        weights=np.ones(n),
        truth=np.array([float(is_true.sum())]),
        accessions=np.zeros(1, np.int32),
        cohort=1,
    )


def judged(scores: NDArray[np.float64], is_true: NDArray[np.bool_]) -> Reliability:
    of = cell(scores, is_true)
    return reliability(count_by_protein(of, THRESHOLDS), below=predicted_below(of, THRESHOLDS[0]))


def test_what_reaches_no_threshold_counts_in_the_error_of_all_alone() -> None:
    """Worked by hand: three below .01 of which one is true, one of two at .053, and one of one at .953."""
    found = judged(
        np.array([0.002, 0.004, 0.006, 0.053, 0.053, 0.953]), np.array([True, False, False, True, False, True])
    )
    assert found.below is not None
    assert found.below.n_predictions == 3
    assert (found.below.score, found.below.observed) == pytest.approx((0.004, 1 / 3))
    # Told scores count as the middle of their step, .055 and .955.
    assert found.expected_error == pytest.approx((2 * (0.5 - 0.055) + 0.045) / 3)
    lowest = 2 - (0.002 + 0.004 + 0.006 + 2 * 0.055)
    assert found.expected_error_of_all == pytest.approx((lowest + 0.045) / 6)


def test_without_scores_below_both_errors_are_one() -> None:
    found = judged(np.array([0.2, 0.7, 0.7]), np.array([False, True, False]))
    assert found.below is None
    assert found.expected_error_of_all == found.expected_error > 0


def test_scores_below_alone_make_no_bins() -> None:
    found = judged(np.array([0.004]), np.array([False]))
    assert list(found.bins) == []
    assert (found.expected_error, found.expected_error_of_all) == pytest.approx((0.0, 0.004))


def test_bins_are_those_of_scikit_learn() -> None:
    """To half a step of the grid: scores count as the middle of theirs."""
    random = np.random.default_rng(7)
    scores = random.uniform(0.0, 1.0, 20_000) ** 3
    is_true = random.uniform(size=len(scores)) < scores**0.8
    observed, mean_score = calibration_curve(is_true, scores, n_bins=10)
    sizes = np.histogram(scores, bins=10, range=(0, 1))[0]

    found = judged(scores, is_true)

    error = float((np.abs(observed - mean_score) * sizes).sum() / sizes.sum())
    assert found.expected_error_of_all == pytest.approx(error, abs=0.005)
    assert [each.observed for each in found.bins[1:]] == pytest.approx(observed[1:].tolist())
    assert [each.score for each in found.bins[1:]] == pytest.approx(mean_score[1:].tolist(), abs=0.005)
