"""How often the references that carry a known term of the query carry a candidate too."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, vstack

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import Matrix, pick_entries
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.features.term_values import TermValues
from protea_predictor.domain.ragged import gather_rows, group_starts
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["Associations", "KnownAssociations", "associate", "association_features"]

_SMOOTHING = 5.0
"""References added to those with a known term before the share that also has another is taken."""

_LEAST_CARRIERS = 3
"""A known term that fewer references carry says nothing of others."""

_LEAST_SHARE = 0.02
"""Smaller shares count as 0: they are most of all pairs, and no more than chance."""

_TERMS_AT_ONCE = 2_000
_QUERIES_AT_ONCE = 32
"""Terms whose pairs are counted, and queries whose sums are laid out, at a time; more cost memory and save no time."""

_QUERIES_SHARING = 512
"""Queries that share the counts of pairs: most of these are of common terms, which nearly all queries have."""


@dataclass(frozen=True, slots=True, eq=False)
class Associations:
    """Share of the references with a term that have another, by experimental evidence.

    Attributes
    ----------
    shares
        Row: the term that is known; float32, in [0, 1), shape ``(n_terms, n_terms)``. Of ``n`` references with it, of
        which ``m`` have the other too, ``m / (n + 5)``; 0 where ``n`` is below 3 or the share below .02.
    """

    shares: Matrix

    @classmethod
    def build(cls, experimental: Matrix) -> Associations:
        """Count pairs of terms on the references of a bank, as `CarriedTerms.experimental` has them."""
        carriers = np.asarray(experimental.sum(axis=0)).ravel()
        scales = np.where(carriers >= _LEAST_CARRIERS, 1 / (carriers + _SMOOTHING), 0.0)
        of_terms, parts = experimental.T.tocsr(), []
        for first in range(0, of_terms.shape[0], _TERMS_AT_ONCE):
            some = slice(first, first + _TERMS_AT_ONCE)
            parts.append(_frequent(Matrix(diags_array(scales[some]) @ (of_terms[some] @ experimental))))
        return cls(Matrix(vstack(parts)))


@dataclass(frozen=True, slots=True, eq=False)
class KnownAssociations:
    """What the known terms of each query say of other terms.

    Attributes
    ----------
    greatest, mean
        Over the known terms; the mean weighs them by their information accretion.
    is_known
        Whether anything that says something is known, shape ``(n_queries,)``.
    """

    greatest: TermValues
    mean: TermValues
    is_known: NDArray[np.bool_]

    def features(self, candidates: Candidates) -> dict[str, NDArray[Any]]:
        """Two more of the family ``association``; NaN for a query of which nothing is known."""
        values = {"association_max": self.greatest, "association_mean": self.mean}
        is_known = self.is_known[candidates.query_row]
        return {
            name: np.where(is_known, each.at(candidates.query_row, candidates.term_row), np.nan)
            for name, each in values.items()
        }


def associate(
    associations: Associations, known: TermLists, accretion: NDArray[np.floating], *, n_queries: int
) -> KnownAssociations:
    """Tell what goes with the known terms of queries.

    Parameters
    ----------
    known
        Experimental terms of each query with the terms above them; those without information accretion are passed over.
    accretion
        In bits, shape ``(n_terms,)``.
    """
    shares = associations.shares
    listed = known.matrix(n_queries=n_queries)
    informative = pick_entries(listed, accretion[listed.indices] > 0)
    greatest = [_greatest(shares, informative.indices[first:last]) for first, last in pairwise(informative.indptr)]
    weighted = Matrix(informative @ diags_array(accretion.astype(np.float64)))
    totals = np.asarray(weighted.sum(axis=1)).ravel()
    mean = Matrix(diags_array(1 / np.maximum(totals, 1e-9)) @ (weighted @ shares))
    return KnownAssociations(TermValues.of(_stacked(greatest, shares)), TermValues.of(mean), totals > 0)


def association_features(
    candidates: Candidates, known: TermLists, annotations: ReferenceAnnotations, graph: GoGraph
) -> dict[str, NDArray[Any]]:
    """Three of the family ``association``.

    ``association_total`` is the sum over the query's known terms k of ``cooc(k, g) / freq(k)``, where both count
    references; a known term that no reference carries adds nothing. 0 for a query of which nothing is known.
    """
    carried = _carried(annotations, n_terms=known.n_terms)
    carriers = carried.T.tocsr()
    aspects = graph.aspects[candidates.term_row]
    parts = [
        _conditional_sums(candidates, known, carried, carriers, chosen=graph.aspects[known.term_row] == aspect)
        for aspect in range(len(ASPECTS))
    ]
    total, cross = np.zeros(len(candidates)), np.zeros(len(candidates))
    for aspect, part in enumerate(parts):
        total += part
        cross += np.where(aspects == aspect, 0.0, part)
    return {"association_total": total, "association_cross": cross, "association_present": total > 0}


def _frequent(shares: Matrix) -> Matrix:
    return Matrix(pick_entries(shares, shares.data >= _LEAST_SHARE).astype(np.float32))


def _greatest(shares: Matrix, terms: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Greatest value above 0 of each column over some rows: the columns, and the values."""
    _, places = gather_rows(shares.indptr, terms)
    best = np.zeros(shares.shape[1], dtype=np.float32)
    np.maximum.at(best, shares.indices[places], shares.data[places])
    columns = np.flatnonzero(best)
    return columns, best[columns]


def _stacked(rows: list[tuple[NDArray[np.int64], NDArray[np.float32]]], shares: Matrix) -> Matrix:
    indptr = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([np.empty(0, np.int64), *(columns for columns, _ in rows)])
    values = np.concatenate([np.empty(0, np.float32), *(values for _, values in rows)])
    return Matrix((values, columns, indptr), shape=(len(rows), shares.shape[1]))


def _carried(annotations: ReferenceAnnotations, *, n_terms: int) -> csr_array:
    """Which reference carries which term, as 0 and 1."""
    ones = np.ones(len(annotations.term_rows))
    shape = (len(annotations.density), n_terms)
    return csr_array((ones, annotations.term_rows, annotations.indptr), shape=shape)


def _conditional_sums(
    candidates: Candidates,
    known: TermLists,
    carried: csr_array,
    carriers: csr_array,
    *,
    chosen: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Sum of P(term | k) over the chosen known terms k of each query; ``carriers`` is ``carried`` turned."""
    queries, terms = known.query_row[chosen], known.term_row[chosen]
    distinct, sums = queries[group_starts(queries)], np.zeros(len(candidates))
    for first in range(0, len(distinct), _QUERIES_SHARING):
        some = distinct[first : first + _QUERIES_SHARING]
        mine = slice(*np.searchsorted(queries, (some[0], some[-1] + 1)))
        asked, places = np.unique(terms[mine], return_inverse=True)
        weights = 1.0 / np.maximum(np.diff(carriers.indptr)[terms[mine]], 1)
        rows = np.searchsorted(some, queries[mine])
        said = csr_array((weights, (rows, places)), shape=(len(some), len(asked)))
        _add_sums(sums, candidates, said, carriers[asked] @ carried, queries=some)
    return sums


def _add_sums(
    sums: NDArray[np.float64], candidates: Candidates, said: csr_array, pairs: csr_array, *, queries: NDArray[np.int64]
) -> None:
    """Add what the known terms of some queries, ``said`` with weights, say by the counts of pairs."""
    for first in range(0, len(queries), _QUERIES_AT_ONCE):
        some = queries[first : first + _QUERIES_AT_ONCE]
        values = (said[first : first + _QUERIES_AT_ONCE] @ pairs).toarray()
        start, end = np.searchsorted(candidates.query_row, (some[0], some[-1] + 1))
        place = np.searchsorted(some, candidates.query_row[start:end])
        is_known = some[place] == candidates.query_row[start:end]
        sums[start:end] += np.where(is_known, values[place, candidates.term_row[start:end]], 0.0)
