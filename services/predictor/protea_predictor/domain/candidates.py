"""What a prediction consists of before it is scored: candidate terms, and the donors behind each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_REFERENCE", "Candidates", "DonorLedger"]

NO_REFERENCE = -1
"""Row of a reference, and number of an evidence code or qualifier, of a candidate that no reference gives."""


@dataclass(frozen=True, slots=True, eq=False)
class DonorLedger:
    """Every donor of every candidate as CSR rows, so that a shallower cut can count its voters anew.

    Attributes
    ----------
    indptr
        Row boundaries, shape ``(n_candidates + 1,)``; a candidate that no neighbour carries has none.
    reference_rows
        The donors, nearest first within a candidate, shape ``(n_donors,)``.
    k_positions
        1-based rank of the donor among the query's neighbours in its pool, same shape.
    sequence_ranks
        The same counted in distinct sequences: donors of one sequence share the rank of the first of them.
    distances
        Distance from the query.
    same_sequence
        Whether the donor's sequence is the query's own.
    evidence
        Of the donor's annotation, as a number in its `ReferenceAnnotations`.
    """

    indptr: NDArray[np.int64]
    reference_rows: NDArray[np.int64]
    k_positions: NDArray[np.int64]
    sequence_ranks: NDArray[np.int64]
    distances: NDArray[np.float64]
    same_sequence: NDArray[np.bool_]
    evidence: NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Terms that neighbours vote for, one per query and term, sorted by both; all arrays of shape ``(n_candidates,)``.

    A field that has a name in `FEATURE_JSONB_KEYS` is that feature.

    Attributes
    ----------
    query_row, term_row
        The pair, as rows among the queries and in the `GoGraph`.
    reference_row, k_position, sequence_rank, same_sequence, distance
        Of the nearest donor, as in `DonorLedger`; `NO_REFERENCE`, and no distance (NaN), where no reference gives it.
    evidence, qualifier
        Of the nearest donor's annotation, as numbers in its `ReferenceAnnotations`.
    vote_count
        Distinct donors.
    neighbor_vote_fraction
        ``vote_count`` / K, in (0, 1], where K is the neighbours asked for, not those found.
    neighbor_mean_distance
        Mean distance of the donors.
    neighbor_distance_std
        Population standard deviation of the distances of all the query's neighbours, over all pools; a reference
        found in several pools counts in each. 0 where there is at most one.
    go_term_frequency
        References of the whole bank that carry the term.
    ref_annotation_density
        Terms the nearest donor is directly annotated with.
    donors
        All donors of each candidate.
    """

    query_row: NDArray[np.int64]
    term_row: NDArray[np.int64]
    reference_row: NDArray[np.int64]
    distance: NDArray[np.float64]
    k_position: NDArray[np.int64]
    sequence_rank: NDArray[np.int64]
    same_sequence: NDArray[np.bool_]
    evidence: NDArray[np.int16]
    qualifier: NDArray[np.int16]
    vote_count: NDArray[np.int64]
    neighbor_vote_fraction: NDArray[np.float64]
    neighbor_mean_distance: NDArray[np.float64]
    neighbor_distance_std: NDArray[np.float64]
    go_term_frequency: NDArray[np.int64]
    ref_annotation_density: NDArray[np.int64]
    donors: DonorLedger

    def __len__(self) -> int:
        return len(self.query_row)

    @property
    def has_reference(self) -> NDArray[np.bool_]:
        """Whether a reference gives the candidate, and not only what is known of the query or of the term."""
        is_given: NDArray[np.bool_] = self.reference_row != NO_REFERENCE
        return is_given

    @property
    def neighbor_min_distance(self) -> NDArray[np.float64]:
        """Smallest distance of the donors, which is the nearest one's."""
        return self.distance
