"""Predictions of a set read back, protein by protein, to be scored anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    SQLColumnExpression,
    Text,
    case,
    cast,
    func,
    literal,
    select,
    union,
)
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import read_binary
from protea_common.db.numbers import read_numbers
from protea_common.domain.scoring import Signal
from protea_common.orm import GOPrediction, GOPredictionFeatures, PredictedScores
from protea_common.scored_terms import numbered_accessions
from protea_predictor.adapters.score_lists import LIST_COLUMNS, unpack_lists
from protea_predictor.domain.candidates import NO_REFERENCE
from protea_predictor.domain.rescoring import StoredEvidence, StoredTerms
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.stored_ontology import StoredOntology

__all__ = ["StoredTermStore"]

_COLUMNS: Mapping[str, Any] = MappingProxyType(
    {
        Signal.EMBEDDING_SIMILARITY: GOPrediction.distance,
        Signal.EVIDENCE_WEIGHT: GOPrediction.ref_protein_accession,  # a donor without a code has the fallback weight
        Signal.NEIGHBOR_VOTE_FRACTION: GOPredictionFeatures.neighbor_vote_fraction,
        Signal.IDENTITY_NW: GOPredictionFeatures.identity_nw,
        Signal.IDENTITY_SW: GOPredictionFeatures.identity_sw,
        Signal.TAXONOMIC_PROXIMITY: GOPredictionFeatures.taxonomic_distance,
    }
)
"""Where each signal that is stored can be told from."""

_NUMBERS = (
    GOPrediction.distance,
    GOPredictionFeatures.neighbor_vote_fraction,
    GOPredictionFeatures.identity_nw,
    GOPredictionFeatures.identity_sw,
    GOPredictionFeatures.taxonomic_distance,
)
"""What a recipe can weigh, in the order in which it is read."""


_SCORE = cast(GOPrediction.score, Double)


class StoredTermStore:
    """Reads what was predicted: scores alone, or with the evidence that recipes weigh."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def proteins(self, prediction_set_id: UUID) -> list[str]:
        """List the proteins of which a set says something, in order."""
        rows, listed = GOPrediction, PredictedScores
        statement = union(
            select(rows.protein_accession).where(rows.prediction_set_id == prediction_set_id),
            select(listed.protein_accession).where(listed.prediction_set_id == prediction_set_id),
        ).order_by("protein_accession")
        return list(await self._session.scalars(statement))

    async def any_term(self, prediction_set_id: UUID) -> bool:
        """Tell whether a set has predictions with their evidence."""
        statement = select(literal(1)).where(GOPrediction.prediction_set_id == prediction_set_id).limit(1)
        return await self._session.scalar(statement) is not None

    async def signals_held(self, prediction_set_id: UUID, *, among: Iterable[str]) -> frozenset[str]:
        """Tell which of some signals at least one prediction of a set has; those that are never stored are not."""
        held = set()
        for signal in sorted(set(among) & set(_COLUMNS)):
            statement = (
                select(literal(1))
                .select_from(GOPrediction)
                .join(GOPredictionFeatures, GOPredictionFeatures.prediction_id == GOPrediction.id)
                .where(GOPrediction.prediction_set_id == prediction_set_id, _COLUMNS[signal].is_not(None))
                .limit(1)
            )
            if await self._session.scalar(statement) is not None:
                held.add(signal)
        return frozenset(held)

    async def read_scores(
        self, prediction_set_id: UUID, accessions: Sequence[str], *, ontology: StoredOntology
    ) -> StoredTerms:
        """Read the scores of some proteins that follow each other in `proteins`, numbered by their position."""
        asked = numbered_accessions(accessions)
        statement = (
            select(cast(asked.c.position - 1, BigInteger), cast(GOPrediction.go_term_id, BigInteger), _SCORE)
            .select_from(asked)
            .join(GOPrediction, GOPrediction.protein_accession == asked.c.accession)
            .where(*_between(GOPrediction, prediction_set_id, accessions))
        )
        rows = await read_numbers(self._session, statement, (np.int64, np.int64, np.float64))
        lists = await self._read_lists(prediction_set_id, accessions)
        columns = [np.concatenate(pair) for pair in zip(rows, lists, strict=True)]
        query_row, term_ids, scores = _by_protein(columns)
        return StoredTerms(ScoredPairs(query_row, ontology.rows_of(term_ids), scores))

    async def read_evidence(
        self, prediction_set_id: UUID, accessions: Sequence[str], *, ontology: StoredOntology
    ) -> StoredTerms:
        """Read what `read_scores` reads, of predictions with their evidence, and what recipes can weigh of it."""
        codes = await self._evidence_codes(prediction_set_id, accessions)
        asked = numbered_accessions(accessions)
        integers = (asked.c.position - 1, GOPrediction.go_term_id, _number_of(codes))
        statement = (
            select(*(cast(column, BigInteger) for column in integers), _SCORE, *map(_or_nan, _NUMBERS))
            .select_from(asked)
            .join(GOPrediction, GOPrediction.protein_accession == asked.c.accession)
            .join(GOPredictionFeatures, GOPredictionFeatures.prediction_id == GOPrediction.id)
            .where(*_between(GOPrediction, prediction_set_id, accessions))
        )
        kinds: list[type[np.int64 | np.float64]] = [*[np.int64] * len(integers), *[np.float64] * (1 + len(_NUMBERS))]
        return _stored(await read_numbers(self._session, statement, kinds), codes, ontology)

    async def _read_lists(
        self, prediction_set_id: UUID, accessions: Sequence[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Read the lists of bare scores; give the position of each protein, the ids of terms, and the scores."""
        content = bytearray()
        columns = (getattr(PredictedScores, name) for name in LIST_COLUMNS)
        statement = select(*columns).where(*_between(PredictedScores, prediction_set_id, accessions))
        await read_binary(self._session, statement, partial(_append, content))
        found = list(unpack_lists(bytes(content)))
        row_of = {accession: row for row, accession in enumerate(accessions)}
        lengths = [len(each.scores) for each in found]
        return (
            np.repeat(np.array([row_of[each.accession] for each in found], dtype=np.int64), lengths),
            np.concatenate([np.empty(0, np.int64), *(each.term_ids for each in found)]),
            np.concatenate([np.empty(0), *(each.scores for each in found)]),
        )

    async def _evidence_codes(self, prediction_set_id: UUID, accessions: Sequence[str]) -> tuple[str, ...]:
        code = func.coalesce(GOPrediction.evidence_code, "")
        statement = select(code).where(*_between(GOPrediction, prediction_set_id, accessions)).distinct()
        return tuple(sorted(await self._session.scalars(statement)))


async def _append(content: bytearray, data: bytes) -> None:
    content += data


def _between(
    table: type[GOPrediction | PredictedScores], prediction_set_id: UUID, accessions: Sequence[str]
) -> tuple[ColumnElement[bool], ...]:
    """Choose the rows of some proteins by the ends of their range: a plan by their number would look at all rows."""
    accession = table.protein_accession
    return table.prediction_set_id == prediction_set_id, accession.between(accessions[0], accessions[-1])


def _number_of(codes: Sequence[str]) -> SQLColumnExpression[int]:
    """Give the position of a donor's evidence code, `NO_REFERENCE` where there is no donor."""
    numbers = {code: number for number, code in enumerate(codes)}
    known = case(numbers, value=func.coalesce(GOPrediction.evidence_code, ""), else_=NO_REFERENCE)
    return case((GOPrediction.ref_protein_accession.is_(None), NO_REFERENCE), else_=known)


def _or_nan(column: SQLColumnExpression[Any]) -> SQLColumnExpression[float]:
    return func.coalesce(cast(column, Double), cast(literal("NaN", Text), Double))


def _stored(columns: Sequence[NDArray[Any]], codes: tuple[str, ...], ontology: StoredOntology) -> StoredTerms:
    query_row, term_ids, evidence, scores, *numbers = _by_protein(columns)
    distance, neighbor_vote_fraction, identity_nw, identity_sw, taxonomic_distance = numbers
    told = StoredEvidence(
        distance=distance,
        neighbor_vote_fraction=neighbor_vote_fraction,
        identity_nw=identity_nw,
        identity_sw=identity_sw,
        taxonomic_distance=taxonomic_distance,
        evidence=evidence.astype(np.int16),
        evidence_codes=codes,
    )
    return StoredTerms(ScoredPairs(query_row, ontology.rows_of(term_ids), scores), told)


def _by_protein(columns: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Bring the rows of each protein, whose number is in the first column, together."""
    order = np.argsort(columns[0], kind="stable")
    return [column[order] for column in columns]
