"""Transfer of GO terms from neighbours to queries: every term of a neighbour is a candidate, every neighbour a vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.candidates import Candidates, DonorLedger
from protea_predictor.domain.donors import ANY_ASPECT, Donors, SequenceIds, distance_spread, list_donors
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.pools import PoolNeighbours
from protea_predictor.domain.ragged import gather_rows, group_starts
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["transfer_annotations"]


@dataclass(frozen=True, slots=True, eq=False)
class _Votes:
    """Entries that donors hold for candidates, by query, term and rank of the donor.

    Attributes
    ----------
    donor, entry
        Row in `Donors` and position in `ReferenceAnnotations`, shape ``(n_votes,)``.
    starts
        Position of each candidate's first vote, shape ``(n_candidates,)``.
    """

    donor: NDArray[np.int64]
    entry: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Votes per candidate."""
        return np.diff(self.starts, append=len(self.donor))


def transfer_annotations(
    found: Sequence[PoolNeighbours], annotations: ReferenceAnnotations, graph: GoGraph, *, sequences: SequenceIds
) -> Candidates:
    """Make every term of a query's neighbours a candidate and count its donors.

    Parameters
    ----------
    found
        Neighbours by pool; those of an aspect's pool give terms of that aspect only.
    annotations
        Terms of the references; propagated to ancestors if votes are to count for ancestors too.
    graph
        The graph their term rows belong to.
    sequences
        Sequence of each query and each reference.

    Returns
    -------
    candidates
        One per query and term, sorted by both. Queries without neighbours have none.

    Raises
    ------
    ShapeMismatchError
        If the pools differ in queries or K, or the sequences do not fit queries and references.

    References
    ----------
    Littmann et al. 2021, Sci Rep 11:1160.
    """
    require_shape(
        len(sequences.references) == len(annotations.density),
        f"{len(sequences.references)} sequence ids for {len(annotations.density)} references; give one per reference.",
    )
    donors = list_donors(found, sequences)
    votes = _sorted_votes(donors, annotations, graph)
    nearest, entry = votes.donor[votes.starts], votes.entry[votes.starts]
    query_row, reference_row = donors.query_row[nearest], donors.reference_row[nearest]
    term_row = annotations.term_rows[entry].astype(np.int64)
    return Candidates(
        query_row=query_row,
        term_row=term_row,
        reference_row=reference_row,
        distance=donors.distance[nearest],
        k_position=donors.k_position[nearest],
        sequence_rank=donors.sequence_rank[nearest],
        same_sequence=donors.same_sequence[nearest],
        evidence=annotations.evidence[entry],
        qualifier=annotations.qualifier[entry],
        vote_count=votes.counts,
        neighbor_vote_fraction=votes.counts / found[0].neighbours.rows.shape[1],
        neighbor_mean_distance=np.add.reduceat(donors.distance[votes.donor], votes.starts) / votes.counts,
        neighbor_distance_std=distance_spread(found)[query_row],
        go_term_frequency=annotations.term_frequency[term_row],
        ref_annotation_density=annotations.density[reference_row],
        donors=_ledger(donors, votes, annotations),
    )


def _sorted_votes(donors: Donors, annotations: ReferenceAnnotations, graph: GoGraph) -> _Votes:
    """Join donors with their terms, keep those of the pool's aspect and bring each candidate's together."""
    donor, entry = gather_rows(annotations.indptr, donors.reference_row)
    terms = annotations.term_rows[entry]
    aspect = donors.aspect[donor]
    given = np.flatnonzero((aspect == ANY_ASPECT) | (aspect == graph.aspects[terms]))
    donor, entry = donor[given], entry[given]
    candidates = donors.query_row[donor] * len(graph.go_ids) + terms[given]
    depth = int(donors.k_position.max(initial=0)) + 1
    order = np.argsort(candidates * depth + donors.k_position[donor])
    return _Votes(donor[order], entry[order], group_starts(candidates[order]))


def _ledger(donors: Donors, votes: _Votes, annotations: ReferenceAnnotations) -> DonorLedger:
    return DonorLedger(
        indptr=np.append(votes.starts, len(votes.donor)),
        reference_rows=donors.reference_row[votes.donor],
        k_positions=donors.k_position[votes.donor],
        sequence_ranks=donors.sequence_rank[votes.donor],
        distances=donors.distance[votes.donor],
        same_sequence=donors.same_sequence[votes.donor],
        evidence=annotations.evidence[votes.entry],
    )
