from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_predictor.domain.datasets.thinning import Thinning, draw_rows

THINNING = Thinning(best_per_aspect=20, share_of_others=0.1, seed=0)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Candidates of 200 proteins and aspects, up to 300 each; the higher the score, the more often true."""

    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]
    cells: NDArray[np.int64]
    terms: NDArray[np.int64]

    def draw(self, thinning: Thinning) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return draw_rows(self.scores, self.labels, cells=self.cells, terms=self.terms, thinning=thinning)


@pytest.fixture(scope="module")
def candidates() -> Candidates:
    rng = np.random.default_rng(11)
    cells = np.repeat(np.arange(200), rng.integers(5, 300, size=200))
    scores = rng.random(len(cells)).round(2)
    terms = np.concatenate([rng.permutation(40_000)[:size] for size in np.bincount(cells)])
    return Candidates(scores, rng.random(len(cells)) < 0.1 * scores, cells, terms)


def test_the_best_and_the_true_are_kept_and_stand_for_themselves(candidates: Candidates) -> None:
    kept, multiplicities = candidates.draw(THINNING)

    counted = dict(zip(kept.tolist(), multiplicities.tolist(), strict=True))
    assert all(counted[row] == 1.0 for row in np.flatnonzero(candidates.labels).tolist())
    for cell in range(200):
        members = np.flatnonzero(candidates.cells == cell)
        ranked = -np.sort(-candidates.scores[members])
        least = ranked[min(len(ranked), THINNING.best_per_aspect) - 1]
        better = members[candidates.scores[members] > least]
        assert all(counted[row] == 1.0 for row in better.tolist())
        sure = members[[counted.get(row) == 1.0 for row in members.tolist()]]
        assert (~candidates.labels[sure]).sum() <= THINNING.best_per_aspect
        assert len(sure) >= min(len(members), THINNING.best_per_aspect)


def test_sums_over_drawn_rows_are_those_over_all(candidates: Candidates) -> None:
    rng = np.random.default_rng(1)
    feature = rng.random(len(candidates.scores)) + candidates.scores

    estimates = []
    for seed in range(40):
        kept, multiplicities = candidates.draw(replace(THINNING, seed=seed))
        estimates.append(float((feature[kept] * multiplicities).sum()))

    error = float(np.std(estimates) / np.sqrt(len(estimates)))
    assert np.mean(estimates) == pytest.approx(feature.sum(), abs=4 * error)
    assert len(kept) < 0.5 * len(feature)


def test_a_row_is_drawn_or_not_whatever_stands_beside_it(candidates: Candidates) -> None:
    whole, counted = candidates.draw(THINNING)

    half = np.flatnonzero(candidates.cells >= 100)[::-1]  # other blocks, in another order
    part = Candidates(*(getattr(candidates, name)[half] for name in ("scores", "labels", "cells", "terms")))
    kept, multiplicities = part.draw(THINNING)

    expected = dict(zip(whole.tolist(), counted.tolist(), strict=True))
    found = dict(zip(half[kept].tolist(), multiplicities.tolist(), strict=True))
    assert found == {row: times for row, times in expected.items() if candidates.cells[row] >= 100}


def test_a_share_of_one_keeps_every_candidate(candidates: Candidates) -> None:
    kept, multiplicities = candidates.draw(replace(THINNING, best_per_aspect=1, share_of_others=1.0))

    assert kept.tolist() == list(range(len(candidates.scores)))
    assert set(multiplicities.tolist()) == {1.0}


def test_another_seed_draws_others(candidates: Candidates) -> None:
    assert candidates.draw(THINNING)[0].tolist() != candidates.draw(replace(THINNING, seed=1))[0].tolist()


def test_no_candidates_are_no_rows() -> None:
    nothing = Candidates(np.empty(0), np.empty(0, np.bool_), np.empty(0, np.int64), np.empty(0, np.int64))

    kept, multiplicities = nothing.draw(THINNING)

    assert (len(kept), len(multiplicities)) == (0, 0)
