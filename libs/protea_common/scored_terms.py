"""Stored predictions as arrays, for those who measure or learn from millions of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, Double, Text, any_, bindparam, cast, column, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import TableValuedAlias

from protea_common.db.numbers import read_numbers
from protea_common.orm import GOPrediction, PredictedScores
from protea_common.stored_predictions import predictions_of

__all__ = ["ScoredTerms", "count_scored_terms", "numbered_accessions", "read_scored_terms"]

_BETWEEN = "\n"
"""Separates accessions on their way to the database; no identifier of a FASTA file holds it."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTerms:
    """Stored predictions, in any order; shape ``(n,)`` each.

    Attributes
    ----------
    query_row
        Position of the protein among those asked for.
    term_ids
        Database id of the term.
    scores
        As stored.
    """

    query_row: NDArray[np.int64]
    term_ids: NDArray[np.int64]
    scores: NDArray[np.float64]


async def read_scored_terms(
    session: AsyncSession, prediction_set_id: UUID, accessions: Sequence[str], *, least_score: float | None = None
) -> ScoredTerms:
    """Read the predictions of a set for some proteins, 24 bytes each.

    Parameters
    ----------
    session
        A session in a transaction.
    accessions
        Distinct; one without predictions is no error.
    least_score
        Predictions that score less are left in the database; ``None`` for all.
    """
    if not accessions:
        nothing = np.empty(0, np.int64)
        return ScoredTerms(nothing, nothing, np.empty(0, np.float64))
    asked = numbered_accessions(accessions)
    found = predictions_of(prediction_set_id)
    statement = (
        select(cast(asked.c.position - 1, BigInteger), cast(found.go_term_id, BigInteger), cast(found.score, Double))
        .select_from(asked)
        .join(found, found.protein_accession == asked.c.accession)
    )
    if least_score is not None:
        statement = statement.where(found.score >= least_score)
    return ScoredTerms(*await read_numbers(session, statement, (np.int64, np.int64, np.float64)))


def numbered_accessions(accessions: Sequence[str]) -> TableValuedAlias:
    """Lay accessions out as a table of ``accession`` and ``position``, from 1; for statements without parameters."""
    return (
        func.unnest(func.string_to_array(literal(_BETWEEN.join(accessions), Text), literal(_BETWEEN, Text)))
        .table_valued(column("accession", Text), with_ordinality="position", name="asked")
        .render_derived()
    )


async def count_scored_terms(session: AsyncSession, prediction_set_id: UUID, accessions: Sequence[str]) -> int:
    """Count what `read_scored_terms` would read, without reading it."""
    wanted = bindparam("accessions", list(accessions), type_=ARRAY(Text))
    rows = select(func.count()).where(
        GOPrediction.prediction_set_id == prediction_set_id, GOPrediction.protein_accession == any_(wanted)
    )
    listed = select(func.coalesce(func.sum(func.cardinality(PredictedScores.scores)), 0)).where(
        PredictedScores.prediction_set_id == prediction_set_id, PredictedScores.protein_accession == any_(wanted)
    )
    return int(await session.scalar(select(rows.scalar_subquery() + listed.scalar_subquery())) or 0)
