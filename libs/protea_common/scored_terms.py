"""Stored predictions as arrays, for those who measure or learn from millions of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Double, Text, cast, column, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db.numbers import read_numbers
from protea_common.orm import GOPrediction

__all__ = ["ScoredTerms", "read_scored_terms"]

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
    asked = (
        func.unnest(func.string_to_array(literal(_BETWEEN.join(accessions), Text), literal(_BETWEEN, Text)))
        .table_valued(column("accession", Text), with_ordinality="position", name="asked")
        .render_derived()
    )
    statement = (
        select(
            cast(asked.c.position - 1, BigInteger),
            cast(GOPrediction.go_term_id, BigInteger),
            cast(GOPrediction.score, Double),
        )
        .select_from(asked)
        .join(GOPrediction, GOPrediction.protein_accession == asked.c.accession)
        .where(GOPrediction.prediction_set_id == prediction_set_id)
    )
    if least_score is not None:
        statement = statement.where(GOPrediction.score >= least_score)
    return ScoredTerms(*await read_numbers(session, statement, (np.int64, np.int64, np.float64)))
