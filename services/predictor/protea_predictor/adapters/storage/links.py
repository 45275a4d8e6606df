"""Links between proteins that annotations state: partners of physical interactions, and papers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from protea_common.orm import ProteinGOAnnotation
from protea_predictor.adapters.storage.annotation_dates import dated_until
from protea_predictor.domain.features.links import LinkedPairs, StatedLinks

__all__ = ["LinkStore"]

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""

_PARTNER = re.compile(r"\bUniProtKB:([A-Z0-9]{1,20})")
"""An accession in column 8 of a GAF, without its isoform."""

_PAPER = re.compile(r"\bPMID:([0-9]{1,9})")


class LinkStore:
    """Table ``protein_go_annotation``, which ingest writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_set(self, annotation_set_id: UUID, *, until: date | None) -> StatedLinks:
        """Read what an annotation set states, negated annotations left out.

        Parameters
        ----------
        until
            Annotations of later days, or of none, are left out; ``None`` where all are read.
        """
        stated = [
            ProteinGOAnnotation.annotation_set_id == annotation_set_id,
            ~ProteinGOAnnotation.is_negated,
            *dated_until(until),
        ]
        physical = ProteinGOAnnotation.evidence_code == "IPI"
        return StatedLinks(
            interactions=await self._pairs(ProteinGOAnnotation.with_from, [*stated, physical], _PARTNER.findall),
            publications=await self._pairs(ProteinGOAnnotation.db_reference, stated, _PAPER.findall),
        )

    async def _pairs(
        self,
        column: InstrumentedAttribute[Any],
        conditions: Iterable[ColumnElement[bool]],
        find: Callable[[str], list[str]],
    ) -> LinkedPairs:
        statement = select(ProteinGOAnnotation.protein_accession, column).where(column.is_not(None), *conditions)
        found: set[tuple[str, str]] = set()
        stream = await self._session.stream(statement.distinct())
        async for rows in stream.partitions(_ROWS_PER_FETCH):
            found.update((accession, partner) for accession, text in rows for partner in find(text))
        return LinkedPairs(_encoded(pair[0] for pair in found), _encoded(pair[1] for pair in found))


def _encoded(names: Iterable[str]) -> np.ndarray[Any, np.dtype[np.bytes_]]:
    return np.array([name.encode() for name in names], dtype=np.bytes_)
