"""Where a candidate lies to the terms known of its query."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.term_lists import TermLists, counts_of
from protea_predictor.domain.ragged import gather_rows, group_starts, holds

__all__ = ["lineage_features"]

_QUERIES_AT_ONCE = 128
"""Queries whose known terms are laid out at a time, a byte for each term of the graph."""


def lineage_features(candidates: Candidates, known: TermLists, graph: GoGraph) -> dict[str, NDArray[Any]]:
    """Family ``lineage``; a query of which nothing is known has 0 throughout."""
    above = _known_below(candidates, known, graph)
    below = _known_above(candidates, known, graph)
    return {
        "lineage_is_ancestor_of_known": above > 0,
        "lineage_is_descendant_of_known": below > 0,
        "lineage_ancestor_of_count": above,
        "lineage_descendant_of_count": below,
    }


def _known_below(candidates: Candidates, known: TermLists, graph: GoGraph) -> NDArray[np.int64]:
    """Count the known terms whose ancestors the candidate is one of."""
    owners, positions = gather_rows(graph.closure_indptr, known.term_row)
    ancestors = graph.closure_indices[positions]
    is_other = ancestors != known.term_row[owners]
    keys = known.query_row[owners[is_other]] * known.n_terms + ancestors[is_other]
    return counts_of(keys, candidates.query_row * known.n_terms + candidates.term_row)


def _known_above(candidates: Candidates, known: TermLists, graph: GoGraph) -> NDArray[np.int64]:
    """Count the known terms among the candidate's ancestors; candidates of unknown queries are not looked at."""
    counts = np.zeros(len(candidates), dtype=np.int64)
    distinct = known.query_row[group_starts(known.query_row)]
    for first in range(0, len(distinct), _QUERIES_AT_ONCE):
        some = distinct[first : first + _QUERIES_AT_ONCE]
        is_known = np.zeros((len(some), known.n_terms), dtype=np.bool_)
        mine = slice(*np.searchsorted(known.query_row, (some[0], some[-1] + 1)))
        is_known[np.searchsorted(some, known.query_row[mine]), known.term_row[mine]] = True
        start, end = np.searchsorted(candidates.query_row, (some[0], some[-1] + 1))
        asked = start + np.flatnonzero(holds(some, candidates.query_row[start:end]))
        terms, places = candidates.term_row[asked], np.searchsorted(some, candidates.query_row[asked])
        owners, positions = gather_rows(graph.closure_indptr, terms)
        found = is_known[places[owners], graph.closure_indices[positions]]
        counts[asked] = np.bincount(owners[found], minlength=len(asked)) - is_known[places, terms]
    return counts
