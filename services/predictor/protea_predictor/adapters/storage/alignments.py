"""Table ``sequence_alignment``: figures of pairs of sequences that were aligned before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, Text, and_, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import SequenceAlignment
from protea_predictor.domain.alignment.nearest import FIGURES

__all__ = ["AlignmentStore", "HashPair"]

HashPair = tuple[str, str]
"""MD5 of the query and of the reference."""

_PAIRS_PER_STATEMENT = 2_000
"""Rows written at a time; a statement takes 32,767 parameters."""


class AlignmentStore:
    """A cache: what it lacks is computed, and two that computed the same pair have the same figures."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def read(self, pairs: Sequence[HashPair]) -> dict[HashPair, list[float]]:
        """Read the figures of those pairs that were aligned before, in the order of `FIGURES`."""
        queries, references = ([pair[side] for pair in pairs] for side in range(2))
        wanted = (
            func.unnest(cast(queries, ARRAY(Text)), cast(references, ARRAY(Text)))
            .table_valued("query", "ref")
            .render_derived()
        )
        is_wanted = and_(SequenceAlignment.query_hash == wanted.c.query, SequenceAlignment.ref_hash == wanted.c.ref)
        columns = (getattr(SequenceAlignment, name) for name in FIGURES)
        statement = select(SequenceAlignment.query_hash, SequenceAlignment.ref_hash, *columns).join(wanted, is_wanted)
        return {(row[0], row[1]): list(row[2:]) for row in await self._session.execute(statement)}

    async def add(self, pairs: Sequence[HashPair], figures: NDArray[np.float64]) -> None:
        """Keep figures, shape ``(n_pairs, 12)``; those that another process kept meanwhile stay.

        Rows are written in the order of their key, so that two writers never wait for each other.
        """
        names = ("query_hash", "ref_hash", *FIGURES)
        rows = sorted((*pair, *values) for pair, values in zip(pairs, figures.tolist(), strict=True))
        for start in range(0, len(rows), _PAIRS_PER_STATEMENT):
            values = [dict(zip(names, row, strict=True)) for row in rows[start : start + _PAIRS_PER_STATEMENT]]
            await self._session.execute(insert(SequenceAlignment).values(values).on_conflict_do_nothing())
