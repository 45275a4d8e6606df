from __future__ import annotations

import numpy as np
import pytest

from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.measures.curve import draw_curve
from protea_evaluator.domain.measures.summary import summarise
from protea_evaluator.domain.measures.sums import sum_at_every_score
from protea_evaluator.domain.recipe import EvaluatorRecipe
from protea_predictor.domain.reranking.selection import best_f


def test_a_worked_example() -> None:
    # At .6: protein 0 shows 2 terms, 1 right of 2; protein 1 shows 1, right, of 1. P = 3/4, R = 3/4.
    # At .9: only protein 0, 1 right of 2: P = 1, R = 1/4, F = .4. At .3: P = (1/2 + 1/2)/2, R = 3/4, F = .6.
    curve = best_f(
        np.array([0.9, 0.6, 0.7, 0.3]),
        np.array([True, False, True, False]),
        np.array([0, 0, 1, 1]),
        truth=np.array([2.0, 1.0]),
    )

    assert curve.fmax == pytest.approx(6 / 7)  # at .7: P = 1, R = 3/4
    assert (curve.precision, curve.recall, curve.tau, curve.proteins) == (1.0, 0.75, 0.7, 2)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("is_weighted", [False, True])
def test_it_measures_what_the_evaluator_measures(seed: int, is_weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    n, n_proteins = 400, 13
    proteins = rng.integers(0, n_proteins - 1, n)  # the last one is predicted nothing
    labels = rng.random(n) < 0.3
    scores = (rng.random(n) * (0.3 + 0.7 * labels)).round(2).astype(np.float64)
    weights = np.where(rng.random(n) < 0.1, 0.0, rng.random(n) * 8) if is_weighted else np.ones(n)
    truth = np.bincount(proteins, np.where(labels, weights, 0.0), minlength=n_proteins) + rng.random(n_proteins) + 0.1
    shown = (scores > 0) & (weights > 0)
    cell = Cell(
        proteins=proteins[shown].astype(np.int32),
        scores=scores[shown],
        is_true=labels[shown],
        weights=weights[shown],
        truth=truth,
        accessions=np.arange(n_proteins, dtype=np.int32),
        cohort=n_proteins,
    )
    summary = summarise(draw_curve(sum_at_every_score(cell), EvaluatorRecipe().normalisation), cohort=n_proteins)

    curve = best_f(scores, labels, proteins, truth=truth, weights=weights if is_weighted else None)

    assert summary is not None
    assert curve.fmax == pytest.approx(summary.fmax, abs=1e-12)


def test_nothing_predicted_finds_nothing() -> None:
    curve = best_f(np.zeros(2), np.array([True, False]), np.array([0, 0]), truth=np.array([1.0]))

    assert (curve.fmax, curve.proteins) == (0.0, 1)
