"""What speaks for a term of a target, from annotations of before the window's start alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array, vstack

from protea_evaluator.domain.knowledge import Category
from support.matrix_signals.corpus import Corpus, Evidence, Matrix, Window, aspect_columns
from support.matrix_signals.hits import Hits
from support.matrix_signals.priors import gains_by_species, prior_by_species

__all__ = ["ALIGNMENT_DONORS", "Signals", "compute_signals", "votes"]

ALIGNMENT_DONORS = 50
_NEAR_DONORS = 10
_KMER_DONORS = 30
_PROFILE_DONORS = 50
_TARGETS_AT_ONCE = 256
_SMOOTHING = 5.0
"""Proteins added to those that have a term before the share that also has another is taken."""
_LEAST_CARRIERS = 3
_LEAST_ASSOCIATION = 0.02
_MOST_BITS = 10.0
"""Weight of a term in a profile at most; the rarest would decide alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Signals of all targets of a window.

    Attributes
    ----------
    by_term
        Values in [0, 1] by name, shape ``(n_targets, n_terms)`` each.
    priors
        Values that depend on the term, the target's species and the category alone: by name and category, shape
        ``(n_species, n_terms)``.
    species
        Row of each target in the priors, shape ``(n_targets,)``.
    """

    by_term: Mapping[str, Matrix]
    priors: Mapping[str, Mapping[Category, NDArray[np.float64]]]
    species: NDArray[np.int64]


def compute_signals(corpus: Corpus, window: Window, *, aligned: Hits, by_kmers: Hits) -> Signals:
    """Compute every signal of a window's targets."""
    experimental = corpus.annotated_before(window.start, Evidence.EXPERIMENTAL)
    curated = corpus.annotated_before(window.start, Evidence.OTHER)
    both = corpus.annotated_before(window.start, Evidence.EXPERIMENTAL, Evidence.OTHER)
    paralogs = aligned.where(corpus.taxa[aligned.targets] == corpus.taxa[aligned.references])
    targets = window.targets

    def of(hits: Hits, donors: Matrix, depth: int) -> Matrix:
        return votes(corpus, targets, hits, donors, depth=depth)

    def of_profile(profiles: Matrix) -> Matrix:
        hits = _search_by_profile(targets, profiles, profiles, window.accretion)
        return of(hits, profiles, _PROFILE_DONORS)

    association_max, association_mean = _associations(targets, experimental, window.accretion)
    prior = prior_by_species(corpus, experimental)
    return Signals(
        by_term={
            "alignment_experimental": of(aligned, experimental, ALIGNMENT_DONORS),
            "alignment_all": of(aligned, both, ALIGNMENT_DONORS),
            "alignment_curated": of(aligned, curated, ALIGNMENT_DONORS),
            "alignment_near": of(aligned, both, _NEAR_DONORS),
            "alignment_species": of(paralogs, both, ALIGNMENT_DONORS),
            "alignment_similarity": _best_similarity(targets, aligned, both),
            "kmer_experimental": of(by_kmers, experimental, _KMER_DONORS),
            "kmer_all": of(by_kmers, both, _KMER_DONORS),
            "own_curated": Matrix(curated[targets]),
            "profile_experimental": of_profile(experimental),
            "profile_all": of_profile(both),
            "association_max": association_max,
            "association_mean": association_mean,
        },
        priors={"prior": dict.fromkeys(window.delta.truth, prior), "gains": gains_by_species(corpus, window.start)},
        species=np.searchsorted(np.unique(corpus.taxa), corpus.taxa[targets]) + 1,
    )


def votes(corpus: Corpus, targets: NDArray[np.int64], hits: Hits, donors: Matrix, *, depth: int) -> Matrix:
    """Let the best hits that have a term in an aspect vote for the terms of that aspect.

    Parameters
    ----------
    donors
        What each protein has, with ancestors, shape ``(n_proteins, n_terms)``.
    depth
        Hits that vote in each aspect.

    Returns
    -------
    shares
        Weight of the hits with the term / weight of all that vote, in [0, 1], shape ``(n_targets, n_terms)``.
    """
    parts = []
    for columns in aspect_columns(corpus.graph):
        of_aspect = _only(donors, columns)
        voters = _best(hits.where(np.diff(of_aspect.indptr)[hits.references] > 0), depth)
        weights = _by_target(targets, voters, voters.weights, donors.shape[0])
        total = np.maximum(np.asarray(weights.sum(axis=1)).ravel(), 1e-9)
        parts.append(Matrix(diags_array(1 / total) @ (weights @ of_aspect)))
    shares = Matrix(parts[0] + parts[1] + parts[2])
    shares.sort_indices()
    return shares


def _best(hits: Hits, depth: int) -> Hits:
    """Keep the first hits of each target."""
    starts = np.flatnonzero(np.diff(hits.targets, prepend=-1))
    ranks = np.arange(len(hits.targets)) - np.repeat(starts, np.diff(np.append(starts, len(hits.targets))))
    return hits.where(ranks < depth)


def _by_target(targets: NDArray[np.int64], hits: Hits, values: NDArray[np.float32], n_proteins: int) -> Matrix:
    """Lay the values of hits out, shape ``(n_targets, n_proteins)``; hits of other proteins are passed over."""
    row_of = np.full(n_proteins, -1)
    row_of[targets] = np.arange(len(targets))
    rows = row_of[hits.targets]
    chosen = rows >= 0
    return Matrix((values[chosen], (rows[chosen], hits.references[chosen])), shape=(len(targets), n_proteins))


def _only(matrix: Matrix, columns: NDArray[np.int64]) -> Matrix:
    """Empty all columns but some."""
    kept = np.zeros(matrix.shape[1], dtype=np.float32)
    kept[columns] = 1
    cut = Matrix(matrix @ diags_array(kept))
    cut.eliminate_zeros()
    return cut


def _best_similarity(targets: NDArray[np.int64], hits: Hits, donors: Matrix) -> Matrix:
    """Greatest similarity of a near hit that has the term."""
    near = _best(hits.where(np.diff(donors.indptr)[hits.references] > 0), _NEAR_DONORS)
    rest, best = near, Matrix((len(targets), donors.shape[1]), dtype=np.float32)
    while len(rest.targets):
        is_first = np.diff(rest.targets, prepend=-1) != 0
        first = rest.where(is_first)
        best = best.maximum(Matrix(_by_target(targets, first, first.similarities, donors.shape[0]) @ donors))
        rest = rest.where(~is_first)
    return Matrix(best)


def _search_by_profile(
    targets: NDArray[np.int64], profiles: Matrix, donors: Matrix, accretion: NDArray[np.float64]
) -> Hits:
    """Find the proteins annotated most like each target: the cosine of terms weighted by information accretion."""
    weights = diags_array(np.minimum(accretion, _MOST_BITS).astype(np.float32))

    def unit_rows(matrix: Matrix) -> Matrix:
        weighted = Matrix(matrix @ weights)
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        return Matrix(diags_array(1 / np.maximum(lengths, 1e-6)) @ weighted)

    carriers = np.flatnonzero(np.diff(donors.indptr))
    bank, queries = Matrix(unit_rows(Matrix(donors[carriers])).T), unit_rows(Matrix(profiles[targets]))
    depth = min(_PROFILE_DONORS + 1, len(carriers) - 1)  # one of them may be the target itself
    blocks = []
    for first in range(0, len(targets), _TARGETS_AT_ONCE):
        cosines = (queries[first : first + _TARGETS_AT_ONCE] @ bank).toarray()
        nearest = np.argpartition(-cosines, depth, axis=1)[:, :depth]
        owners = np.repeat(targets[first : first + _TARGETS_AT_ONCE], depth)
        blocks.append((owners, carriers[nearest].ravel(), np.take_along_axis(cosines, nearest, axis=1).ravel()))
    found, references, cosines = (np.concatenate(column) for column in zip(*blocks, strict=True))
    order = np.lexsort((references, -cosines, found))
    order = order[(found[order] != references[order]) & (cosines[order] > 0)]
    return Hits(found[order], references[order], cosines[order] ** 2, cosines[order])


def _associations(targets: NDArray[np.int64], known: Matrix, accretion: NDArray[np.float64]) -> tuple[Matrix, Matrix]:
    """Share of proteins with a known term that also have another: the greatest over the known terms, and the mean.

    The mean weighs known terms by their information accretion.
    """
    carriers = np.asarray(known.sum(axis=0)).ravel()
    shares = Matrix(
        diags_array(np.where(carriers >= _LEAST_CARRIERS, 1 / (carriers + _SMOOTHING), 0)) @ (known.T @ known)
    )
    shares.data[shares.data < _LEAST_ASSOCIATION] = 0
    shares.eliminate_zeros()
    shares = shares.astype(np.float32)
    informative = _only(Matrix(known[targets]), np.flatnonzero(accretion > 0))
    known_terms = [informative.indices[first:last] for first, last in pairwise(informative.indptr)]
    greatest = [_greatest(Matrix(shares[terms])) for terms in known_terms]
    weighted = Matrix(informative @ diags_array(accretion.astype(np.float32)))
    total = np.maximum(np.asarray(weighted.sum(axis=1)).ravel(), 1e-9)
    return Matrix(vstack(greatest)), Matrix(diags_array((1 / total).astype(np.float32)) @ (weighted @ shares))


def _greatest(rows: Matrix) -> Matrix:
    """Greatest value of each column, shape ``(1, n_columns)``; of no rows 0."""
    if rows.shape[0] == 0:
        return Matrix((1, rows.shape[1]), dtype=np.float32)
    return Matrix(rows.max(axis=0).reshape(1, -1))
