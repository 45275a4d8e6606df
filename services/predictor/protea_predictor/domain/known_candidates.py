"""Candidates that no donor gives: what goes with the known terms of a query, and what is common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_predictor.domain.candidates import NO_REFERENCE, Candidates
from protea_predictor.domain.carried_terms import is_root
from protea_predictor.domain.features.alignment_voters import AlignedVoters
from protea_predictor.domain.features.association import KnownAssociations
from protea_predictor.domain.features.go_context import term_priors
from protea_predictor.domain.features.profile import ProfileVotes
from protea_predictor.domain.features.term_values import TermValues
from protea_predictor.domain.merging import merge_candidates, spread_indptr, spread_of
from protea_predictor.domain.ragged import group_starts, holds
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["MOST_ADDED", "add_pairs", "supported_pairs"]

MOST_ADDED = 500
"""Candidates added for each query and aspect; more are written for every protein and score next to nothing."""

_LEAST_ASSOCIATION = 0.1
_LEAST_PRIOR = 0.01
"""From which share on a known term, or how common it is, makes a term a candidate; lower ones add noise and rows."""


def supported_pairs(
    profile: ProfileVotes | None,
    associations: KnownAssociations | None,
    annotations: ReferenceAnnotations,
    graph: GoGraph,
    *,
    n_queries: int,
    known: NDArray[np.int64],
) -> NDArray[np.int64]:
    """List pairs of a query and a term that profiles, known terms or their frequency support.

    Parameters
    ----------
    profile, associations
        What speaks for them, where it was computed.
    annotations
        Of the whole bank; a term that more than one in a hundred references of its aspect carry is a candidate of all.
    n_queries
        Queries.
    known
        Pairs that are candidates anyway, as ``query * n_terms + term``, ascending.

    Returns
    -------
    keys
        The `MOST_ADDED` pairs of each query and aspect that are best supported, by the greatest of what supports them,
        as numbers like ``known``, ascending.
    """
    n_terms, priors = len(graph.go_ids), term_priors(annotations, graph)
    frequent = np.flatnonzero((priors > _LEAST_PRIOR) & ~is_root(graph))
    keys = [(np.arange(n_queries)[:, np.newaxis] * n_terms + frequent).ravel()]
    support = [np.tile(priors[frequent], n_queries)]
    for values, least in _supporting(profile, associations):
        is_enough = values.values >= least
        keys.append(values.keys[is_enough])
        support.append(values.values[is_enough])
    pairs, best = _greatest(np.concatenate(keys), np.concatenate(support))
    is_new = ~holds(known, pairs)
    return _best_of_cells(pairs[is_new], best[is_new], graph)


def add_pairs(
    candidates: Candidates,
    aligned: AlignedVoters | None,
    pairs: NDArray[np.int64],
    annotations: ReferenceAnnotations,
    graph: GoGraph,
) -> tuple[Candidates, AlignedVoters | None]:
    """Make pairs candidates that nobody votes for.

    They have no reference (`NO_REFERENCE`) and no distance, and their votes among neighbours and aligned references are
    none.

    Parameters
    ----------
    candidates, aligned
        Those there are, and the aligned references of each.
    pairs
        None of them, as `supported_pairs` gives them.
    """
    n_terms = len(graph.go_ids)
    known = candidates.query_row * n_terms + candidates.term_row
    places, n = np.searchsorted(np.sort(np.concatenate((known, pairs))), known), len(known) + len(pairs)
    query_row, term_row = np.divmod(pairs, n_terms)
    none, absent = np.zeros(len(pairs), dtype=np.int64), np.full(len(pairs), np.nan)
    nobody = none + NO_REFERENCE
    columns = {
        "query_row": query_row,
        "term_row": term_row,
        "reference_row": nobody,
        "distance": absent,
        "k_position": none,
        "sequence_rank": none,
        "same_sequence": none.astype(np.bool_),
        "evidence": nobody.astype(np.int16),
        "qualifier": nobody.astype(np.int16),
        "vote_count": none,
        "neighbor_vote_fraction": np.zeros(len(pairs)),
        "neighbor_mean_distance": absent,
        "neighbor_distance_std": spread_of(candidates, query_row),
        "go_term_frequency": annotations.term_frequency[term_row],
        "ref_annotation_density": none,
    }
    united = merge_candidates(candidates, columns, places=places, n=n)
    if aligned is not None:
        aligned = replace(aligned, indptr=spread_indptr(aligned.indptr, places, n))
    return united, aligned


def _supporting(
    profile: ProfileVotes | None, associations: KnownAssociations | None
) -> Sequence[tuple[TermValues, float]]:
    votes = () if profile is None else (profile.every.shares, profile.experimental.shares)
    pairs = () if associations is None else (associations.greatest,)
    return [*((each, 0.0) for each in votes), *((each, _LEAST_ASSOCIATION) for each in pairs)]


def _greatest(keys: NDArray[np.int64], support: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the greatest support of each key, by ascending key."""
    order = np.lexsort((-support, keys))
    first = order[group_starts(keys[order])]
    return keys[first], support[first]


def _best_of_cells(keys: NDArray[np.int64], support: NDArray[np.float64], graph: GoGraph) -> NDArray[np.int64]:
    query_row, term_row = np.divmod(keys, len(graph.go_ids))
    cells = query_row * len(ASPECTS) + graph.aspects[term_row]
    order = np.lexsort((keys, -support, cells))
    ranks = np.arange(len(order)) - np.searchsorted(cells[order], cells[order])
    return np.sort(keys[order[ranks < MOST_ADDED]])
