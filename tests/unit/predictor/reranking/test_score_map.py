from __future__ import annotations

import numpy as np
import pytest

from protea_predictor.domain.reranking.errors import UninformativeRerankerError
from protea_predictor.domain.reranking.score_map import IDENTITY, SIGMOID, fit_score_map, sigmoid


def test_sigmoid_has_its_known_values_and_never_overflows() -> None:
    # From the definition: logit(.8) = ln 4.
    np.testing.assert_allclose(sigmoid(np.array([0.0, np.log(4.0), -np.log(4.0)])), [0.5, 0.8, 0.2])
    assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]


def test_the_fit_finds_the_probabilities_that_labels_were_drawn_with() -> None:
    rng = np.random.default_rng(3)
    outputs = rng.normal(5.0, 20.0, size=200_000)
    labels = rng.random(len(outputs)) < sigmoid(0.1 * outputs - 1.5)

    fitted = fit_score_map(outputs, labels)

    assert fitted.slope == pytest.approx(0.1, rel=0.03)
    assert fitted.intercept == pytest.approx(-1.5, rel=0.03)


def test_a_row_that_stands_for_several_counts_as_often() -> None:
    rng = np.random.default_rng(3)
    outputs = rng.normal(size=500)
    labels = rng.random(500) < sigmoid(outputs)
    times = rng.integers(1, 5, size=500)

    fitted = fit_score_map(outputs, labels, multiplicities=times.astype(np.float64))

    repeated = fit_score_map(np.repeat(outputs, times), np.repeat(labels, times))
    for score in (-2.0, 0.0, 2.0):
        assert fitted(np.array([score]))[0] == pytest.approx(repeated(np.array([score]))[0], abs=1e-9)


def test_the_map_keeps_the_order_across_proteins() -> None:
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=1_000)

    scores = fit_score_map(outputs, outputs > rng.normal(size=1_000))(outputs)

    assert np.array_equal(np.argsort(outputs), np.argsort(scores))
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_labels_that_are_cleanly_apart_are_fitted_too() -> None:
    fitted = fit_score_map(np.array([-1.0, -2.0, 3.0, 4.0]), np.array([False, False, True, True]))

    assert fitted(np.array([-1.0]))[0] < 0.5 < fitted(np.array([3.0]))[0]


def test_outputs_that_say_the_opposite_are_refused() -> None:
    with pytest.raises(UninformativeRerankerError, match="no better than chance"):
        fit_score_map(np.array([-1.0, -2.0, 3.0, 4.0]), np.array([True, True, False, False]))


def test_probabilities_pass_and_other_outputs_go_through_a_sigmoid() -> None:
    outputs = np.array([0.25, 0.75])

    assert IDENTITY(outputs).tolist() == [0.25, 0.75]
    np.testing.assert_allclose(SIGMOID(outputs), 1 / (1 + np.exp(-outputs)))
