"""What two annotation sets have in common and apart, counted by the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import GOTerm, ProteinGOAnnotation
from protea_evaluator.domain.evolution import ChangedRows, GainedRows

__all__ = ["EvolutionStore"]

_KEY = ("protein_accession", "go_id", "evidence_code", "is_negated")
"""What makes two annotations one; terms by identifier, since the sets may be of two ontologies."""


class EvolutionStore:
    """Compares annotation sets; nothing but counts leaves the database."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def changes(self, old_id: UUID, new_id: UUID) -> list[ChangedRows]:
        """Count what stayed, came and went, by aspect, evidence code and sign."""
        old, new = _annotations(old_id, "old"), _annotations(new_id, "new")
        key = [func.coalesce(new.c[name], old.c[name]) for name in ("aspect", "evidence_code", "is_negated")]
        is_in_old, is_in_new = old.c.go_id.is_not(None), new.c.go_id.is_not(None)
        statement: Select[Any] = (
            select(
                *key,
                func.count().filter(is_in_old & is_in_new),
                func.count().filter(~is_in_old),
                func.count().filter(~is_in_new),
            )
            .select_from(old.join(new, _is_same(old, new), full=True))
            .group_by(*key)
        )
        return [ChangedRows(*row) for row in await self._session.execute(statement)]

    async def gained(self, old_id: UUID, new_id: UUID) -> list[GainedRows]:
        """Count what came, by source, evidence code and day."""
        old, new = _annotations(old_id, "old"), _annotations(new_id, "new")
        key = [new.c[name] for name in ("assigned_by", "evidence_code", "annotation_date")]
        statement: Select[Any] = (
            select(*key, func.count())
            .select_from(new.outerjoin(old, _is_same(old, new)))
            .where(old.c.go_id.is_(None))
            .group_by(*key)
        )
        return [GainedRows(*row) for row in await self._session.execute(statement)]


def _annotations(annotation_set_id: UUID, name: str) -> Subquery:
    """Select a set with nothing missing: what is not told is empty."""
    columns = ProteinGOAnnotation
    return (
        select(
            columns.protein_accession,
            GOTerm.go_id,
            func.coalesce(GOTerm.aspect, literal("")).label("aspect"),
            columns.is_negated,
            *(
                func.coalesce(column, literal("")).label(column.key)
                for column in (columns.evidence_code, columns.assigned_by, columns.annotation_date)
            ),
        )
        .join(GOTerm, GOTerm.id == columns.go_term_id)
        .where(columns.annotation_set_id == annotation_set_id)
        .subquery(name)
    )


def _is_same(old: Subquery, new: Subquery) -> ColumnElement[bool]:
    return and_(*(old.c[name] == new.c[name] for name in _KEY))
