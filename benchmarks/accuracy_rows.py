"""Candidates of one category and aspect with their signals and what became of them, and the measure of their scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from accuracy_data import Corpus, Matrix, Window, aspect_columns
from accuracy_signals import Signals
from numpy.typing import NDArray
from scipy.sparse import diags_array

from protea_common.domain.ontology import ASPECTS, Aspect
from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms

__all__ = ["CandidateRows", "CellName", "Truth", "candidate_rows", "measured_cell", "truth_by_cell", "vote_rows"]

CellName = tuple[Category, Aspect]

_CANDIDATES = {Aspect.MOLECULAR_FUNCTION: 150, Aspect.BIOLOGICAL_PROCESS: 400, Aspect.CELLULAR_COMPONENT: 150}
"""Terms kept of each target, those with most support: on the selection window .65 to .96 of what was gained is among
them."""
_LEAST_PRIOR = 0.01
"""Terms that are so frequent are candidates of every target."""


@dataclass(frozen=True, slots=True, eq=False)
class CandidateRows:
    """Candidates of the targets of one cell, by target and term.

    Attributes
    ----------
    targets
        Position of each row's target among those of the window, shape ``(n,)``.
    terms
        Its term, same shape.
    signals
        Values in [0, 1] by name, same shape each.
    labels
        Whether the target gained the term.
    weights
        Information accretion of the term, in bits.
    """

    targets: NDArray[np.int64]
    terms: NDArray[np.int64]
    signals: Mapping[str, NDArray[np.float32]]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What the targets of one cell gained, roots and known terms left out: keys ``target * n_terms + term``."""

    gained: NDArray[np.int64]
    known: NDArray[np.int64]


def truth_by_cell(corpus: Corpus, window: Window) -> dict[CellName, Truth]:
    """Cut what was gained in a window, with ancestors, into nine cells; one without any is absent."""
    known = _keys(propagate_terms(window.delta.known, corpus.graph), corpus)
    none = np.empty(0, dtype=np.int64)
    cells = {}
    for category, pairs in window.delta.truth.items():
        excluded = known if category is Category.PARTIAL_KNOWLEDGE else none
        keys = np.setdiff1d(_keys(propagate_terms(pairs, corpus.graph), corpus), excluded)
        for aspect, columns in zip(ASPECTS, aspect_columns(corpus.graph), strict=True):
            gained = keys[np.isin(keys % corpus.shape[1], columns)]
            if len(gained):
                cells[category, aspect] = Truth(gained, excluded)
    return cells


def candidate_rows(corpus: Corpus, window: Window, signals: Signals, name: CellName, truth: Truth) -> CandidateRows:
    """List the candidates of each target of a cell: what anything speaks for, and frequent terms."""
    category, aspect = name
    n_terms = corpus.shape[1]
    targets = np.unique(truth.gained // n_terms)
    columns = aspect_columns(corpus.graph)[ASPECTS.index(aspect)]
    keys = _candidates(signals, category, targets, columns, limit=_CANDIDATES[aspect], excluded=truth.known)
    owners, terms = np.divmod(keys, n_terms)
    values = {signal: _looked_up(matrix, owners, terms) for signal, matrix in signals.by_term.items()}
    for prior, by_category in signals.priors.items():
        table = by_category[category]
        values[prior] = table[0, terms].astype(np.float32)
        values[f"{prior}_in_species"] = table[signals.species[owners], terms].astype(np.float32)
    return CandidateRows(
        targets=owners,
        terms=terms,
        signals=values,
        labels=np.isin(keys, truth.gained),
        weights=window.accretion[terms],
    )


def vote_rows(
    corpus: Corpus, window: Window, shares: Matrix, name: CellName, truth: Truth
) -> tuple[CandidateRows, NDArray[np.float64]]:
    """List everything that was voted for in a cell, with the votes as scores."""
    targets = np.unique(truth.gained // corpus.shape[1])
    columns = aspect_columns(corpus.graph)[ASPECTS.index(name[1])]
    rows = shares[targets].tocoo()
    keys = targets[rows.row] * corpus.shape[1] + rows.col
    kept = np.isin(rows.col, columns) & ~np.isin(keys, truth.known)
    keys, scores = keys[kept], rows.data[kept].astype(np.float64)
    owners, terms = np.divmod(keys, corpus.shape[1])
    labels = np.isin(keys, truth.gained)
    return CandidateRows(owners, terms, {}, labels, window.accretion[terms]), np.minimum(scores, 1.0)


def measured_cell(
    rows: CandidateRows, scores: NDArray[np.float64], truth: Truth, *, weights: NDArray[np.float64]
) -> Cell:
    """Bring scored rows into the form that the evaluator measures.

    Parameters
    ----------
    scores
        In [0, 1], consistent with the ontology, so that there is nothing to propagate.
    weights
        Weight of each term of the ontology.
    """
    owners, terms = np.divmod(truth.gained, len(weights))
    counts = weights[terms] > 0
    accessions, true_owners = np.unique(owners[counts], return_inverse=True)
    kept = (scores > 0) & (weights[rows.terms] > 0) & np.isin(rows.targets, accessions)
    return Cell(
        proteins=np.searchsorted(accessions, rows.targets[kept]).astype(np.int32),
        scores=scores[kept],
        is_true=rows.labels[kept],
        weights=weights[rows.terms[kept]],
        truth=np.bincount(true_owners, weights[terms[counts]], len(accessions)).astype(np.float64),
        accessions=accessions.astype(np.int32),
        cohort=len(accessions),
    )


def _keys(pairs: ProteinTerms, corpus: Corpus) -> NDArray[np.int64]:
    return pairs.proteins.astype(np.int64) * corpus.shape[1] + pairs.terms


def _candidates(
    signals: Signals,
    category: Category,
    targets: NDArray[np.int64],
    columns: NDArray[np.int64],
    *,
    limit: int,
    excluded: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Keys of the best supported terms of each target, ascending."""
    n_terms = next(iter(signals.by_term.values())).shape[1]
    prior, gains = signals.priors["prior"][category], signals.priors["gains"][category]
    chosen = np.zeros(n_terms, dtype=np.float32)
    chosen[columns] = 1
    frequent = columns[(prior[0] + gains[0])[columns] > _LEAST_PRIOR]
    support = Matrix((len(targets), n_terms), dtype=np.float32)
    for matrix in signals.by_term.values():
        support = Matrix(support + matrix[targets])
    rows = Matrix(support @ diags_array(chosen)).tocoo()
    found = targets[rows.row] * n_terms + rows.col
    offered = (targets[:, np.newaxis] * n_terms + frequent).ravel()
    keys, position = np.unique(np.concatenate([found, offered]), return_inverse=True)
    totals = np.bincount(position[: len(found)], rows.data, len(keys)).astype(np.float64)
    owners, terms = np.divmod(keys, n_terms)
    totals += gains[signals.species[owners], terms] + prior[signals.species[owners], terms]
    eligible = np.flatnonzero((totals > 0) & ~np.isin(keys, excluded))
    order = eligible[np.lexsort((terms[eligible], -totals[eligible], owners[eligible]))]
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    ranks = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return np.sort(keys[order[ranks < limit]])


def _looked_up(matrix: Matrix, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Values at some places, 0 where nothing is stored."""
    n_columns = matrix.shape[1]
    stored = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * n_columns + matrix.indices
    if not len(stored):
        return np.zeros(len(rows), dtype=np.float32)
    wanted = rows * n_columns + columns
    places = np.minimum(np.searchsorted(stored, wanted), len(stored) - 1)
    values: NDArray[np.float32] = np.where(stored[places] == wanted, matrix.data[places], 0).astype(np.float32)
    return values
