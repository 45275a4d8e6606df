"""Predictions as rows of their two tables, in the order of the tables' columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.prediction import Prediction, Queries
from protea_predictor.domain.reference_bank import ReferenceBank
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["FEATURE_COLUMNS", "PREDICTION_COLUMNS", "feature_rows", "prediction_rows"]

PREDICTION_COLUMNS = (
    "id",
    "prediction_set_id",
    "protein_accession",
    "go_term_id",
    "ref_protein_accession",
    "distance",
    "score",
    "qualifier",
    "evidence_code",
    "vote_count",
    "k_position",
    "same_sequence",
    "donor_accessions",
    "donor_k_positions",
    "donor_sequence_ranks",
    "donor_distances",
    "donor_count",
)
"""Columns of ``go_prediction`` in the order in which `prediction_rows` gives them."""

FEATURE_COLUMNS = (
    "prediction_id",
    "length_query",
    "length_ref",
    "go_term_frequency",
    "ref_annotation_density",
    "neighbor_distance_std",
    "neighbor_vote_fraction",
    "neighbor_min_distance",
    "neighbor_mean_distance",
)
"""Columns of ``go_prediction_features`` that are computed, in the order of `feature_rows`; the others stay null."""


def prediction_rows(
    prediction: Prediction,
    *,
    prediction_set_id: UUID,
    queries: Queries,
    bank: ReferenceBank,
    ontology: StoredOntology,
    ids: Sequence[int],
) -> Iterator[tuple[Any, ...]]:
    """Give a row of ``go_prediction`` for each prediction kept, by protein and term."""
    candidates, kept = prediction.candidates, prediction.kept
    nearest = _texts_of(candidates.reference_row[kept], bank.proteins.accessions)
    return zip(
        ids,
        repeat(prediction_set_id),
        _pick(queries.accessions, candidates.query_row[kept]),
        ontology.term_ids[candidates.term_row[kept]].tolist(),
        nearest,
        candidates.distance[kept].tolist(),
        prediction.scores[kept].tolist(),
        _pick(_or_none(bank.annotations.qualifiers), candidates.qualifier[kept]),
        _pick(_or_none(bank.annotations.evidence_codes), candidates.evidence[kept]),
        candidates.vote_count[kept].tolist(),
        candidates.k_position[kept].tolist(),
        candidates.same_sequence[kept].tolist(),
        *_ledger_columns(prediction, bank),
        candidates.vote_count[kept].tolist(),
        strict=False,  # the set's id repeats without end
    )


def feature_rows(
    prediction: Prediction, *, queries: Queries, bank: ReferenceBank, ids: Sequence[int]
) -> Iterator[tuple[Any, ...]]:
    """Give a row of ``go_prediction_features`` for each prediction kept, in the order of `prediction_rows`."""
    candidates, kept = prediction.candidates, prediction.kept
    columns: tuple[NDArray[Any], ...] = (
        queries.lengths[candidates.query_row[kept]],
        bank.proteins.lengths[candidates.reference_row[kept]],
        candidates.go_term_frequency[kept],
        candidates.ref_annotation_density[kept],
        candidates.neighbor_distance_std[kept],
        candidates.neighbor_vote_fraction[kept],
        candidates.neighbor_min_distance[kept],
        candidates.neighbor_mean_distance[kept],
    )
    return zip(ids, *(column.tolist() for column in columns), strict=True)


def _ledger_columns(prediction: Prediction, bank: ReferenceBank) -> list[Iterator[list[Any]]]:
    """Give the four arrays of donors of each prediction kept."""
    ledger, kept = prediction.candidates.donors, prediction.kept
    starts, ends = ledger.indptr[kept].tolist(), ledger.indptr[kept + 1].tolist()
    columns = (
        _texts_of(ledger.reference_rows, bank.proteins.accessions),
        ledger.k_positions.tolist(),
        ledger.sequence_ranks.tolist(),
        ledger.distances.tolist(),
    )
    # Cut while they are written: half a million small lists at once would cost the garbage collector more than COPY.
    return [map(column.__getitem__, map(slice, starts, ends)) for column in columns]


def _texts_of(rows: NDArray[np.int64], texts: NDArray[np.bytes_]) -> list[str]:
    """Look texts up by row; each of them is decoded once."""
    distinct, positions = np.unique(rows, return_inverse=True)
    decoded = [text.decode() for text in texts[distinct].tolist()]
    return _pick(decoded, positions)


def _pick(values: Sequence[Any], positions: NDArray[np.integer[Any]]) -> list[Any]:
    return list(map(values.__getitem__, positions.tolist()))


def _or_none(texts: Sequence[str]) -> list[str | None]:
    return [text or None for text in texts]
