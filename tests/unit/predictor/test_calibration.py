from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

from protea_common.domain.ontology import ASPECTS, Aspect
from protea_predictor.domain.calibration import (
    AspectCurve,
    Calibration,
    InvalidCalibrationError,
    expected_calibration_error,
    fit_calibration,
    fit_isotonic,
    reliability,
)
from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.hierarchy import raise_parents
from support.annotated_references import diamond_graph


def drawn(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Scores on a grid of 50, true with a probability of their square."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 50, n) / 50
    return scores, rng.random(n) < scores**2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 400))
def test_the_fit_is_that_of_scikit_learn(seed: int, n: int) -> None:
    scores, labels = drawn(seed, n)
    peer = IsotonicRegression(out_of_bounds="clip").fit(scores, labels.astype(float))
    grid = np.linspace(-0.1, 1.1, 200)
    np.testing.assert_allclose(fit_isotonic(scores, labels)(grid), peer.predict(grid), atol=1e-9)


def test_a_worked_example_of_pooling() -> None:
    # .2 is true once in two, .4 never: pooled they are true once in three; .6 is true twice in two.
    scores, labels = np.array([0.2, 0.2, 0.4, 0.6, 0.6]), np.array([True, False, False, True, True])
    curve = fit_isotonic(scores, labels)
    assert curve.scores.tolist() == [0.2, 0.4, 0.6]
    assert curve.probabilities.tolist() == pytest.approx([1 / 3, 1 / 3, 1])
    assert curve(np.array([0.0, 0.3, 0.5, 0.9])) == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1])


def test_the_calibrated_error_is_small_where_the_plain_one_is_not() -> None:
    scores, labels = drawn(1, 20_000)
    other, truth = drawn(2, 20_000)
    curve = fit_isotonic(scores, labels)
    assert expected_calibration_error(other, truth) > 0.1
    assert expected_calibration_error(curve(other), truth) < 0.02


def test_reliability_is_that_of_scikit_learn() -> None:
    scores, labels = drawn(3)
    scores = np.minimum(scores + 0.003, 1.0)  # none on the edge of a bin
    found = reliability(scores, labels)
    share, said = calibration_curve(labels, scores, n_bins=10)
    filled = found.counts > 0
    np.testing.assert_allclose(found.share_true[filled], share)
    np.testing.assert_allclose(found.mean_predicted[filled], said)


def test_a_worked_example_of_the_calibration_error() -> None:
    # Two bins: .1 and .2 with none true are .15 off; .8 and .9 with one true in two are .35 off.
    probabilities, labels = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, False])
    assert expected_calibration_error(probabilities, labels, n_bins=2) == pytest.approx((0.15 + 0.35) / 2)
    assert np.isnan(expected_calibration_error(np.empty(0), np.empty(0, np.bool_)))


def test_each_aspect_has_its_own_curve_and_one_without_predictions_none() -> None:
    scores, labels = drawn(4)
    function, process = ASPECTS.index(Aspect.MOLECULAR_FUNCTION), ASPECTS.index(Aspect.BIOLOGICAL_PROCESS)
    aspects = np.repeat([function, process], [200, 200])
    fitted = fit_calibration(scores, labels, aspects)
    assert set(fitted.curves) == {Aspect.MOLECULAR_FUNCTION, Aspect.BIOLOGICAL_PROCESS}
    mapped = fitted(scores, aspects)
    np.testing.assert_array_equal(mapped[:200], fit_isotonic(scores[:200], labels[:200])(scores[:200]))
    elsewhere = np.full(400, ASPECTS.index(Aspect.CELLULAR_COMPONENT))
    np.testing.assert_array_equal(fitted(scores, elsewhere), scores)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_no_term_comes_below_a_descendant(seed: int) -> None:
    rng, graph = np.random.default_rng(seed), diamond_graph()
    scores, labels = drawn(seed)
    terms, queries = np.tile(np.arange(6), 5), np.repeat(np.arange(5), 6)
    raised = raise_parents(queries, terms, rng.random(30), graph)
    fitted = fit_calibration(scores, labels, np.full(400, graph.aspects[0]))
    mapped = fitted(raised, graph.aspects[terms])
    np.testing.assert_array_equal(raise_parents(queries, terms, mapped, graph), mapped)


def test_a_calibration_survives_json_and_keeps_silent_below_its_level() -> None:
    scores, labels = drawn(5)
    aspects = np.zeros(400, dtype=np.int8)
    fitted = fit_calibration(scores, labels, aspects, abstain_below=0.25)
    read = Calibration.from_json(json.loads(json.dumps(fitted.as_json())))
    assert read(scores, aspects).tobytes() == fitted(scores, aspects).tobytes()
    assert read.is_told(np.array([0.2, 0.25, 0.9])).tolist() == [False, True, True]


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"format": 2, "curves": {}, "abstain_below": 0},
        {"format": 1, "curves": {"molecular_function": {"scores": [0, 1]}}, "abstain_below": 0},
        {"format": 1, "curves": {"spelling": {"scores": [0], "probabilities": [0]}}, "abstain_below": 0},
        {
            "format": 1,
            "curves": {"molecular_function": {"scores": [0, 1], "probabilities": [1, 0]}},
            "abstain_below": 0,
        },
        {"format": 1, "curves": {}, "abstain_below": 1.5},
    ],
)
def test_what_is_no_calibration_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(InvalidCalibrationError):
        Calibration.from_json(document)


def test_too_few_rows_or_rows_of_one_kind_are_refused() -> None:
    scores, labels = drawn(6)
    with pytest.raises(InvalidCalibrationError, match="has 50 predictions"):
        fit_calibration(scores[:50], labels[:50], np.zeros(50, dtype=np.int8))
    with pytest.raises(InvalidCalibrationError, match="0 of them true"):
        fit_calibration(scores, np.zeros(400, dtype=np.bool_), np.zeros(400, dtype=np.int8))
    with pytest.raises(ShapeMismatchError):
        fit_isotonic(scores, labels[:3])
    with pytest.raises(ShapeMismatchError):
        AspectCurve(np.empty(0), np.empty(0))
