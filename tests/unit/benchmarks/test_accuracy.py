"""The accuracy benchmark: its windows share nothing, nothing of later is known, and its measure is the evaluator's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations, pairwise

import numpy as np
import pytest
from accuracy import REPORTING, SELECTION, TRAINING, read_data
from accuracy_data import Corpus, Evidence, Window, cut_window
from accuracy_measures import expected_calibration_errors, measure
from accuracy_rows import CandidateRows, truth_by_cell, vote_rows
from accuracy_search import Hits
from accuracy_signals import Signals, compute_signals, votes

from protea_common.domain.ontology import Aspect
from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.measurement import Measurement, measure_category
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.protein_terms import pair_keys
from protea_evaluator.domain.recipe import EvaluatorRecipe


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return read_data(None)


@pytest.fixture(scope="module")
def windows(corpus: Corpus) -> list[Window]:
    return [cut_window(corpus, *days) for days in (*TRAINING, SELECTION, REPORTING)]


@pytest.fixture(scope="module")
def hits(corpus: Corpus) -> Hits:
    """Ten strangers for each protein: what counts here is not whom they resemble."""
    rng = np.random.default_rng(0)
    n_proteins = len(corpus.accessions)
    targets = np.repeat(np.arange(n_proteins), 10)
    references = (targets + rng.integers(1, n_proteins, size=len(targets))) % n_proteins
    weights = rng.uniform(0.1, 1.0, size=len(targets)).astype(np.float32)
    order = np.lexsort((-weights, targets))
    return Hits(targets[order], references[order], weights[order], weights[order])


def gained(corpus: Corpus, window: Window) -> set[tuple[int, int]]:
    return {
        (int(window.targets[protein]), int(term))
        for pairs in window.delta.truth.values()
        for protein, term in zip(pairs.proteins, pairs.terms, strict=True)
    }


def test_windows_share_no_annotation(corpus: Corpus, windows: list[Window]) -> None:
    pairs = [gained(corpus, window) for window in windows]
    assert all(pairs)
    assert not any(one & other for one, other in combinations(pairs, 2))


def test_training_ends_before_selection_and_selection_before_reporting() -> None:
    days = [*TRAINING, SELECTION, REPORTING]
    assert all(end <= start for (_, end), (start, _) in pairwise(days))
    assert TRAINING[-1][1] <= date(2017, 1, 1)


def test_signals_know_nothing_of_after_the_start(corpus: Corpus, windows: list[Window], hits: Hits) -> None:
    window = windows[-2]
    is_before = corpus.days < 20170101
    past = replace(
        corpus,
        proteins=corpus.proteins[is_before],
        terms=corpus.terms[is_before],
        kinds=corpus.kinds[is_before],
        days=corpus.days[is_before],
        negated=corpus.negated[is_before],
    )
    assert len(past.days) < len(corpus.days)
    with_future, without = (compute_signals(one, window, aligned=hits, by_kmers=hits) for one in (corpus, past))
    assert_same(with_future, without)


def assert_same(ones: Signals, others: Signals) -> None:
    for name, matrix in ones.by_term.items():
        assert matrix.nnz or name.startswith("profile")
        assert (matrix != others.by_term[name]).nnz == 0, name
    for name, by_category in ones.priors.items():
        for category, table in by_category.items():
            np.testing.assert_array_equal(table, others.priors[name][category])


@pytest.mark.parametrize("category", list(Category))
def test_the_measure_is_the_evaluators(corpus: Corpus, windows: list[Window], hits: Hits, category: Category) -> None:
    window, graph = windows[-1], corpus.graph
    donors = corpus.annotated_before(window.start, Evidence.EXPERIMENTAL)
    shares = votes(corpus, window.targets, hits, donors, depth=50)
    rows = shares.tocoo()
    table = PredictionTable.best_of(
        pair_keys(rows.row, rows.col, graph), np.minimum(rows.data, 1.0).astype(np.float64), graph
    )
    recipe = EvaluatorRecipe(n_resamples=0)
    expected = measure_category(window.delta, category, table, Measurement(graph, window.accretion, recipe))
    for name, truth in truth_by_cell(corpus, window).items():
        if name[0] is category:
            ours = measure(*vote_rows(corpus, window, shares, name, truth), truth, accretion=window.accretion)
            theirs = expected[name[1].value]
            assert ours.cohort == theirs.cohort
            assert ours.fmax == pytest.approx(theirs.fmax, abs=1e-9)
            assert theirs.weighted is not None
            assert ours.weighted_fmax == pytest.approx(theirs.weighted.fmax, abs=1e-9)


def test_calibration_error_of_scores_that_promise_too_much() -> None:
    name = (Category.NO_KNOWLEDGE, Aspect.MOLECULAR_FUNCTION)
    scores = np.full(100, 0.5)
    learnt, judged = (rows_with(share, scores) for share in (0.5, 0.2))
    errors = expected_calibration_errors({name: (learnt, scores)}, {name: (judged, scores)})
    assert errors == {"MFO": pytest.approx(0.3)}


def rows_with(share: float, scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> CandidateRows:
    """Rows of which a share is true."""
    positions = np.arange(len(scores))
    return CandidateRows(positions, positions, {}, positions < share * len(scores), np.ones(len(scores)))
