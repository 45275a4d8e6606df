"""The candidates of both channels: what neighbours by embedding give, and what aligned references add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_predictor.domain.alignment.hits import AlignedHits
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.donors import SequenceIds
from protea_predictor.domain.features.alignment_voters import ALIGNMENT_DONORS, AlignedVoters
from protea_predictor.domain.merging import merge_candidates, spread_of
from protea_predictor.domain.ragged import distinct_keys, gather_rows, group_starts, holds, indptr_of
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["NOT_A_NEIGHBOUR", "unite_channels"]

NOT_A_NEIGHBOUR = 0
"""Rank of a donor that the alignment alone found; ranks among neighbours begin with 1."""


@dataclass(frozen=True, slots=True, eq=False)
class _HitVotes:
    """Terms of the hits, by query, term and rank of the hit; shape ``(n_votes,)`` each.

    Attributes
    ----------
    pair
        Query and term as one number.
    hit, entry
        Position in `AlignedHits` and in `ReferenceAnnotations`.
    """

    pair: NDArray[np.int64]
    hit: NDArray[np.int64]
    entry: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_]) -> _HitVotes:
        """Keep the votes that the mask marks."""
        return _HitVotes(self.pair[mask], self.hit[mask], self.entry[mask])


_NO_PAIRS = np.empty(0, dtype=np.int64)


def unite_channels(
    candidates: Candidates,
    hits: AlignedHits,
    annotations: ReferenceAnnotations,
    graph: GoGraph,
    *,
    distances: NDArray[np.float64],
    sequences: SequenceIds,
    voted: NDArray[np.int64] = _NO_PAIRS,
) -> tuple[Candidates, AlignedVoters]:
    """Make every term of the best aligned references a candidate too, and tell which of them carry each.

    What neighbours by embedding say of a candidate stays as it is. A candidate that no neighbour carries has no vote
    and an empty row in the ledger of neighbours. Its reference, evidence and qualifier are those of the aligned
    reference with the highest bit score, its distances the distance to that one, its ranks `NOT_A_NEIGHBOUR`.

    Parameters
    ----------
    candidates
        Of the neighbours by embedding.
    hits
        Aligned references of the same queries; the `ALIGNMENT_DONORS` best of each are donors.
    annotations, graph, sequences
        As for `transfer_annotations`.
    distances
        Embedding distance of each hit's pair, shape ``(n_hits,)``.
    voted
        Pairs that the hits of an aspect vote for, as `AlignedByAspect.keys` has them; they are candidates even where
        only hits beyond the best carry the term, the first of which is then their reference.

    Returns
    -------
    candidates
        Of both channels, one per query and term, sorted by both.
    aligned
        Aligned references of each of them, by falling bit score; ranks count the query's hits that carry any term of
        the candidate's aspect.
    """
    n_terms = len(graph.go_ids)
    votes = _votes(hits, annotations, n_terms=n_terms)
    is_best = hits.among_best(ALIGNMENT_DONORS)
    is_kept = is_best[votes.hit]
    deeper = np.flatnonzero(~is_kept)
    is_kept[deeper] = holds(voted, votes.pair[deeper])
    votes = votes.where(is_kept)
    known = candidates.query_row * n_terms + candidates.term_row
    pairs = distinct_keys(np.concatenate((known, votes.pair)))
    starts = group_starts(votes.pair)
    is_added = ~holds(known, votes.pair[starts])
    added = _added(candidates, votes, starts[is_added], hits, annotations, distances=distances, sequences=sequences)
    united = merge_candidates(candidates, added, places=np.searchsorted(pairs, known), n=len(pairs))
    of_best = votes.where(is_best[votes.hit])
    owners = np.searchsorted(pairs, of_best.pair)
    return united, _voters(of_best, hits, annotations, graph, indptr=indptr_of(owners, len(pairs)))


def _votes(hits: AlignedHits, annotations: ReferenceAnnotations, *, n_terms: int) -> _HitVotes:
    hit, entry = gather_rows(annotations.indptr, hits.reference_row)
    pair = hits.query_row[hit] * n_terms + annotations.term_rows[entry]
    order = np.argsort(pair, kind="stable")  # hits of a query come by falling bit score
    return _HitVotes(pair[order], hit[order], entry[order])


def _added(
    candidates: Candidates,
    votes: _HitVotes,
    chosen: NDArray[np.int64],
    hits: AlignedHits,
    annotations: ReferenceAnnotations,
    *,
    distances: NDArray[np.float64],
    sequences: SequenceIds,
) -> dict[str, NDArray[Any]]:
    """Columns of the candidates that only alignments give, from the best hit's vote for each."""
    hit, entry = votes.hit[chosen], votes.entry[chosen]
    query_row, reference_row = hits.query_row[hit], hits.reference_row[hit]
    none = np.zeros(len(chosen), dtype=np.int64)
    return {
        "query_row": query_row,
        "term_row": annotations.term_rows[entry].astype(np.int64),
        "reference_row": reference_row,
        "distance": distances[hit],
        "k_position": none + NOT_A_NEIGHBOUR,
        "sequence_rank": none + NOT_A_NEIGHBOUR,
        "same_sequence": sequences.queries[query_row] == sequences.references[reference_row],
        "evidence": annotations.evidence[entry],
        "qualifier": annotations.qualifier[entry],
        "vote_count": none,
        "neighbor_vote_fraction": np.zeros(len(chosen)),
        "neighbor_mean_distance": distances[hit],
        "neighbor_distance_std": spread_of(candidates, query_row),
        "go_term_frequency": annotations.term_frequency[annotations.term_rows[entry]],
        "ref_annotation_density": annotations.density[reference_row],
    }


def _voters(
    votes: _HitVotes,
    hits: AlignedHits,
    annotations: ReferenceAnnotations,
    graph: GoGraph,
    *,
    indptr: NDArray[np.int64],
) -> AlignedVoters:
    aspects = graph.aspects[annotations.term_rows[votes.entry]]
    return AlignedVoters(
        indptr=indptr,
        reference_rows=hits.reference_row[votes.hit],
        ranks=_ranks(votes.hit, aspects, hits),
        bit_scores=hits.bit_score[votes.hit],
        identities=hits.identity[votes.hit],
        e_values=hits.e_value[votes.hit],
        evidence=annotations.evidence[votes.entry],
    )


def _ranks(hit: NDArray[np.int64], aspects: NDArray[np.integer], hits: AlignedHits) -> NDArray[np.int64]:
    """Rank each vote's hit among those hits of its query that give a term of the same aspect, from 1."""
    gives = np.zeros((len(hits), len(ASPECTS)), dtype=np.int64)
    gives[hit, aspects] = 1
    before = np.cumsum(gives, axis=0) - gives  # hits of the aspect before each, over all queries
    first = np.searchsorted(hits.query_row, hits.query_row)
    ranks: NDArray[np.int64] = (before - before[first] + 1)[hit, aspects]
    return ranks
