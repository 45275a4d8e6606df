"""Finding one row by its key, and deleting one that nothing refers to."""

from __future__ import annotations

from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import delete, func, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from protea_common.orm import (
    AnnotationSet,
    ApiKey,
    Base,
    CalibrationModel,
    Dataset,
    EmbeddingConfig,
    EvaluationResult,
    EvaluationSet,
    ExperimentRun,
    Job,
    OntologySnapshot,
    PredictionSet,
    QuerySet,
    RerankerModel,
    ScoringConfig,
)
from protea_gateway.domain.errors import InUseError, NotFoundError

__all__ = ["KINDS", "delete_unused", "find"]

KINDS: Final[dict[type[Base], str]] = {
    AnnotationSet: "annotation set",
    ApiKey: "API key",
    CalibrationModel: "calibration",
    EmbeddingConfig: "embedding configuration",
    EvaluationResult: "evaluation result",
    EvaluationSet: "evaluation set",
    ExperimentRun: "experiment run",
    Job: "job",
    OntologySnapshot: "ontology snapshot",
    Dataset: "dataset",
    PredictionSet: "prediction set",
    QuerySet: "query set",
    RerankerModel: "re-ranker",
    ScoringConfig: "scoring configuration",
}
"""What people call a row of each table."""

_Row = TypeVar("_Row", bound=Base)


async def find(session: AsyncSession, row_class: type[_Row], key: UUID) -> _Row:
    """Read a row by its id.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    row = await session.get(row_class, key)
    if row is None:
        raise NotFoundError(KINDS[row_class], key)
    return row


async def delete_unused(
    session: AsyncSession, row_class: type[_Row], key: UUID, *, users: dict[str, InstrumentedAttribute[Any]]
) -> _Row:
    """Delete a row unless another table refers to it; give what it was.

    Parameters
    ----------
    users
        Columns that may refer to it, by what people call their rows. They are asked before the deletion, which would
        otherwise cascade through millions of rows and then be refused.

    Raises
    ------
    NotFoundError
        If there is no such row.
    InUseError
        Naming who uses it.
    """
    row = await find(session, row_class, key)
    counts = [(name, await session.scalar(_referring(column, key))) for name, column in users.items()]
    if used := [f"{count} {name}" for name, count in counts if count]:
        raise InUseError(f"The {KINDS[row_class]} {key} is used by {' and '.join(used)}; delete them first.")
    try:
        await session.execute(delete(row_class).where(inspect(row_class).primary_key[0] == key))
    except IntegrityError as exc:
        raise InUseError(f"The {KINDS[row_class]} {key} has just come into use.") from exc
    return row


def _referring(column: InstrumentedAttribute[Any], key: UUID) -> Any:
    # Up to a hundred: the number is for people, and an embedding configuration may have millions of vectors.
    some = select(column).where(column == key).limit(100).subquery()
    return select(func.count()).select_from(some)
