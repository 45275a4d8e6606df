from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from protea_common.domain.ontology import ASPECTS
from protea_common.domain.scoring import CELLS
from protea_predictor.domain.calibrating import calibrated, without_unlikely
from protea_predictor.domain.calibration import Calibration, fit_calibration
from protea_predictor.domain.calibration_measures import measure_calibration
from protea_predictor.domain.features.compute import FeatureSources, compute_features
from protea_predictor.domain.hierarchy import raise_parents
from protea_predictor.domain.isotonic import Curve
from protea_predictor.domain.prediction import Prediction
from protea_predictor.domain.reliability import expected_calibration_error
from protea_predictor.domain.reranking.categories import cells_of
from protea_predictor.domain.stored_ontology import StoredOntology
from support.transferred import random_transfer


def predicted(seed: int) -> tuple[Prediction, StoredOntology]:
    """Candidates with scores that are drawn at random and agree with the ontology."""
    made = random_transfer(seed)
    frame = compute_features(made.candidates, made.context, FeatureSources())
    drawn = np.random.default_rng(seed).uniform(0.01, 1, len(made.candidates))
    scores = raise_parents(made.candidates.query_row, made.candidates.term_row, drawn, made.graph)
    ontology = StoredOntology(made.graph, np.arange(len(made.graph.go_ids), dtype=np.int64))
    return Prediction(made.candidates, frame, scores, np.arange(len(scores))), ontology


LEVELS = np.linspace(0.1, 0.9, len(CELLS))


def curves() -> Calibration:
    """A curve per cell that is 0 up to a score of .2 and then rises to the cell's level."""
    points = np.array([0.0, 0.2, 1.0])
    made = {cell: Curve(points, np.array([0, 0, level])) for cell, level in zip(CELLS, LEVELS, strict=True)}
    return Calibration(MappingProxyType(made))


def drawn_categories(prediction: Prediction, seed: int) -> np.ndarray:
    n_queries = int(prediction.candidates.query_row.max()) + 1
    return np.random.default_rng(seed).integers(0, 3, (n_queries, len(ASPECTS)), dtype=np.int8)


@pytest.mark.parametrize("seed", range(10))
def test_each_cell_has_its_curve_and_no_term_comes_below_a_descendant(seed: int) -> None:
    prediction, ontology = predicted(seed)
    categories = drawn_categories(prediction, seed)

    told = calibrated(prediction, curves(), ontology, categories=categories)

    aspects = ontology.graph.aspects[prediction.candidates.term_row]
    levels = LEVELS.reshape(3, 3)[categories[prediction.candidates.query_row, aspects], aspects]
    np.testing.assert_allclose(told.scores, levels * np.clip((prediction.scores - 0.2) / 0.8, 0, 1), atol=1e-12)
    candidates = told.candidates
    again = raise_parents(candidates.query_row, candidates.term_row, told.scores, ontology.graph)
    np.testing.assert_array_equal(again, told.scores)


def test_what_has_no_chance_is_not_kept() -> None:
    prediction, ontology = predicted(3)
    told = calibrated(prediction, curves(), ontology, categories=drawn_categories(prediction, 3))
    kept = (prediction.scores > 0.2) & ~ontology.is_root[prediction.candidates.term_row]
    assert 0 < len(told.kept) < len(told.scores)
    np.testing.assert_array_equal(told.kept, np.flatnonzero(kept))


def test_what_is_unlikely_is_left_out_and_the_level_itself_is_said() -> None:
    prediction, _ = predicted(4)
    level = float(np.median(prediction.scores))
    said = without_unlikely(prediction, abstain_below=level)
    np.testing.assert_array_equal(said.kept, np.flatnonzero(prediction.scores >= level))
    np.testing.assert_array_equal(without_unlikely(prediction, abstain_below=0).kept, prediction.kept)


def test_measures_tell_the_error_before_after_and_on_other_proteins() -> None:
    rng = np.random.default_rng(5)
    scores, proteins = rng.random(4_000), rng.integers(0, 200, 4_000)
    labels, aspects = rng.random(4_000) < scores**2, np.repeat([0, 1], 2_000)
    cells = cells_of(rng.integers(0, 3, 4_000), aspects)
    calibration = fit_calibration(scores, labels, cells)

    measures = measure_calibration(calibration, scores, labels, cells, proteins=proteins)

    assert set(measures) == {ASPECTS[0].value, ASPECTS[1].value}
    for number, aspect in enumerate(ASPECTS[:2]):
        mine, found = aspects == number, measures[aspect.value]
        assert (found["predictions"], found["true"]) == (2_000, int(labels[mine].sum()))
        # The mean of x - x^2 over [0, 1] is 1/6.
        assert found["before"] == pytest.approx(1 / 6, abs=0.03)
        assert found["before"] == expected_calibration_error(scores[mine], labels[mine])
        assert found["fitted"] < 0.01
        assert found["fitted"] < found["held_out"] < 0.06


def test_one_half_without_predictions_leaves_nothing_held_out() -> None:
    scores = np.linspace(0, 1, 200)
    labels, cells = scores > 0.5, np.zeros(200, dtype=np.int64)
    calibration = fit_calibration(scores, labels, cells)
    even = np.full(200, 2)
    assert measure_calibration(calibration, scores, labels, cells, proteins=even)[ASPECTS[0].value]["held_out"] is None
