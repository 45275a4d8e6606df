"""Predictions as rows of their tables, in the order of the tables' columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from math import isnan
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.features import FEATURE_JSONB_KEYS
from protea_predictor.adapters.score_lists import ScoreList
from protea_predictor.domain.candidates import NO_REFERENCE
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.frame import FeatureFrame
from protea_predictor.domain.prediction import Prediction, Queries
from protea_predictor.domain.ragged import group_starts
from protea_predictor.domain.reference_bank import ReferenceBank
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = [
    "PREDICTION_COLUMNS",
    "feature_columns",
    "feature_rows",
    "prediction_columns",
    "prediction_rows",
    "score_lists",
]

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
"""Columns of ``go_prediction`` that every prediction has, in the order in which `prediction_rows` gives them."""

_ALIGNED_COLUMNS = ("aligned_accessions", "aligned_bit_scores", "aligned_identities", "aligned_e_values")
"""What follows them where there is an alignment channel."""

_WHOLE = frozenset(
    {
        "length_query",
        "length_ref",
        "go_term_frequency",
        "ref_annotation_density",
        "query_taxonomy_id",
        "ref_taxonomy_id",
        "taxonomic_lca",
        "taxonomic_distance",
        "taxonomic_common_ancestors",
    }
)
"""Columns of ``go_prediction_features`` that hold integers."""


_PRECISE = frozenset(
    {
        "go_term_frequency",
        "neighbor_distance_std",
        "neighbor_vote_fraction",
        "neighbor_min_distance",
        "neighbor_mean_distance",
    }
)
"""Columns of ``go_prediction_features`` that candidates have as they were counted or in double precision."""


def prediction_columns(prediction: Prediction) -> tuple[str, ...]:
    """Name the columns of ``go_prediction`` in the order in which `prediction_rows` gives them."""
    return PREDICTION_COLUMNS if prediction.aligned is None else (*PREDICTION_COLUMNS, *_ALIGNED_COLUMNS)


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
    nearest = _nearest(candidates.reference_row[kept], bank)
    return zip(
        ids,
        repeat(prediction_set_id),
        _pick(queries.accessions, candidates.query_row[kept]),
        ontology.term_ids[candidates.term_row[kept]].tolist(),
        nearest,
        _or_null(candidates.distance[kept]),
        prediction.scores[kept].tolist(),
        _pick([*_or_none(bank.annotations.qualifiers), None], candidates.qualifier[kept]),
        _pick([*_or_none(bank.annotations.evidence_codes), None], candidates.evidence[kept]),
        candidates.vote_count[kept].tolist(),
        [position or None for position in candidates.k_position[kept].tolist()],
        candidates.same_sequence[kept].tolist(),
        *_ledger_columns(prediction, bank),
        candidates.vote_count[kept].tolist(),
        *_aligned_columns(prediction, bank),
        strict=False,  # the set's id repeats without end
    )


def score_lists(pairs: ScoredPairs, *, accessions: Sequence[str], ontology: StoredOntology) -> Iterator[ScoreList]:
    """Give the list of each protein of which there is a pair; ``accessions`` name the proteins."""
    owners, term_ids = pairs.query_row, ontology.term_ids[pairs.term_row]
    starts = group_starts(owners)
    for start, end in zip(starts, np.append(starts, len(owners))[1:], strict=True):
        order = start + np.argsort(term_ids[start:end])
        yield ScoreList(accessions[owners[start]], term_ids[order], pairs.scores[order])


def feature_columns(frame: FeatureFrame) -> tuple[str, ...]:
    """Name the columns of ``go_prediction_features`` that a frame fills, behind the id; the others stay null."""
    names = [name for name in FEATURE_JSONB_KEYS if name not in PREDICTION_COLUMNS]
    return ("prediction_id", *(name for name in names if FEATURES[name].family in frame.families))


def feature_rows(prediction: Prediction, *, ids: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Give a row of ``go_prediction_features`` for each prediction kept, in the order of `feature_columns`."""
    frame = prediction.frame.take(prediction.kept)
    _, *names = feature_columns(frame)
    return zip(ids, *(_values(prediction, frame, name) for name in names), strict=True)


def _values(prediction: Prediction, frame: FeatureFrame, name: str) -> list[Any]:
    """Values of a column as the database takes them: null where absent."""
    definition = FEATURES[name]
    if definition.is_category:
        return [definition.vocabulary[code] if code >= 0 else None for code in frame[name].tolist()]
    if name in _PRECISE:  # in double precision, where the frame has single
        return _or_null(getattr(prediction.candidates, name)[prediction.kept])
    whole = int if name in _WHOLE else float
    return [None if isnan(value) else whole(value) for value in frame[name].tolist()]


def _ledger_columns(prediction: Prediction, bank: ReferenceBank) -> list[Iterator[list[Any]]]:
    """Give the four arrays of donors of each prediction kept."""
    ledger, kept = prediction.candidates.donors, prediction.kept
    columns = (
        _texts_of(ledger.reference_rows, bank.proteins.accessions),
        ledger.k_positions.tolist(),
        ledger.sequence_ranks.tolist(),
        ledger.distances.tolist(),
    )
    return _cut(columns, ledger.indptr, kept)


def _aligned_columns(prediction: Prediction, bank: ReferenceBank) -> list[Iterator[list[Any]]]:
    """Give the four arrays of aligned references of each prediction kept."""
    aligned = prediction.aligned
    if aligned is None:
        return []
    columns = (
        _texts_of(aligned.reference_rows, bank.proteins.accessions),
        aligned.bit_scores.tolist(),
        aligned.identities.tolist(),
        aligned.e_values.tolist(),
    )
    return _cut(columns, aligned.indptr, prediction.kept)


def _cut(columns: Sequence[list[Any]], indptr: NDArray[np.int64], kept: NDArray[np.int64]) -> list[Iterator[list[Any]]]:
    """Cut each column into the rows that are kept."""
    starts, ends = indptr[kept].tolist(), indptr[kept + 1].tolist()
    # Cut while they are written: half a million small lists at once would cost the garbage collector more than COPY.
    return [map(column.__getitem__, map(slice, starts, ends)) for column in columns]


def _texts_of(rows: NDArray[np.int64], texts: NDArray[np.bytes_]) -> list[str]:
    """Look texts up by row; each of them is decoded once."""
    distinct, positions = np.unique(rows, return_inverse=True)
    decoded = [text.decode() for text in texts[distinct].tolist()]
    return _pick(decoded, positions)


def _nearest(rows: NDArray[np.int64], bank: ReferenceBank) -> list[str | None]:
    """Look the accession of each reference up; null for a candidate that none gives."""
    texts: list[str | None] = [*_texts_of(np.maximum(rows, 0), bank.proteins.accessions)]
    return [None if row == NO_REFERENCE else text for row, text in zip(rows.tolist(), texts, strict=True)]


def _or_null(values: NDArray[np.float64]) -> list[float | None]:
    return [None if isnan(value) else value for value in values.tolist()]


def _pick(values: Sequence[Any], positions: NDArray[np.integer[Any]]) -> list[Any]:
    return list(map(values.__getitem__, positions.tolist()))


def _or_none(texts: Sequence[str]) -> list[str | None]:
    return [text or None for text in texts]
