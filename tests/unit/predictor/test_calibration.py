from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

from protea_common.domain.scoring import CELLS
from protea_predictor.domain.calibration import Calibration, fit_calibration
from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.hierarchy import raise_parents
from protea_predictor.domain.isotonic import Curve, InvalidCalibrationError, fit_isotonic
from protea_predictor.domain.reliability import expected_calibration_error, reliability
from protea_predictor.domain.reranking.categories import CATEGORIES, cells_of
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


def cell(name: str, n: int) -> np.ndarray:
    return np.full(n, CELLS.index(name))


def test_each_cell_has_its_own_curve_and_an_aspect_without_predictions_none() -> None:
    scores, labels = drawn(4, 600)
    cells = np.concatenate([cell("nk-mfo", 200), cell("pk-mfo", 200), cell("pk-bpo", 200)])
    fitted = fit_calibration(scores, labels, cells)
    assert set(fitted.curves) == {name for name in CELLS if not name.endswith("cco")}
    mapped = fitted(scores, cells)
    for start in (0, 200, 400):
        rows = slice(start, start + 200)
        np.testing.assert_array_equal(mapped[rows], fit_isotonic(scores[rows], labels[rows])(scores[rows]))
    np.testing.assert_array_equal(fitted(scores, cell("lk-cco", 600)), scores)


def test_a_cell_with_too_few_predictions_has_the_curve_of_its_aspect() -> None:
    scores, labels = drawn(7, 600)
    labels[300:450] = False
    cells = np.concatenate([cell("nk-mfo", 299), cell("lk-mfo", 1), cell("pk-mfo", 150), cell("pk-bpo", 150)])
    fitted = fit_calibration(scores, labels, cells)
    aspect = fit_isotonic(scores[:450], labels[:450])
    for sparse in ("lk-mfo", "pk-mfo"):
        np.testing.assert_array_equal(fitted(scores, cell(sparse, 600)), aspect(scores))
    process = fit_isotonic(scores[450:], labels[450:])
    np.testing.assert_array_equal(fitted(scores, cell("nk-bpo", 600)), process(scores))


def test_categories_of_unlike_worth_are_both_calibrated_where_one_curve_for_both_is_not() -> None:
    rng = np.random.default_rng(8)
    categories, aspects = rng.integers(0, len(CATEGORIES), 60_000), np.ones(60_000, dtype=np.int8)
    scores = rng.random(60_000)
    labels = rng.random(60_000) < scores * np.array([0.2, 0.5, 0.9])[categories]
    half = np.arange(60_000) < 30_000
    cells = cells_of(categories, aspects)
    told = fit_calibration(scores[half], labels[half], cells[half])(scores, cells)
    together = fit_isotonic(scores[half], labels[half])(scores)
    for number in range(len(CATEGORIES)):
        members = ~half & (categories == number)
        assert expected_calibration_error(told[members], labels[members]) < 0.02
    apart = ~half & (categories == 0)
    assert expected_calibration_error(together[apart], labels[apart]) > 0.1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_no_term_comes_below_a_descendant(seed: int) -> None:
    rng, graph = np.random.default_rng(seed), diamond_graph()
    scores, labels = drawn(seed)
    terms, queries = np.tile(np.arange(6), 5), np.repeat(np.arange(5), 6)
    raised = raise_parents(queries, terms, rng.random(30), graph)
    drawn_cells = cells_of(rng.integers(0, 3, 400), np.full(400, graph.aspects[0]))
    fitted = fit_calibration(scores, labels, drawn_cells)
    aspects = graph.aspects[terms]
    categories = rng.integers(0, 3, (5, 3))[queries, aspects]
    mapped = fitted(raised, cells_of(categories, aspects))
    np.testing.assert_array_equal(raise_parents(queries, terms, mapped, graph), mapped)


def test_a_calibration_survives_json() -> None:
    scores, labels = drawn(5)
    cells = np.arange(400) % len(CELLS)
    fitted = fit_calibration(scores, labels, cells)
    read = Calibration.from_json(json.loads(json.dumps(fitted.as_json())))
    assert read(scores, cells).tobytes() == fitted(scores, cells).tobytes()


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"format": 1, "curves": {}},
        {"format": 2, "curves": {"nk-mfo": {"scores": [0, 1]}}},
        {"format": 2, "curves": {"mfo": {"scores": [0], "probabilities": [0]}}},
        {"format": 2, "curves": {"nk-mfo": {"scores": [0, 1], "probabilities": [1, 0]}}},
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
        Curve(np.empty(0), np.empty(0))
