"""Table ``information_accretion_set``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.errors import PermanentError
from protea_common.orm import InformationAccretionSet as Row

__all__ = ["AccretionSet", "AccretionSetNotFoundError", "AccretionStore"]


class AccretionSetNotFoundError(PermanentError):
    """No information accretion set has this id."""

    slug: ClassVar[str] = "information-accretion-set-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class AccretionSet:
    """Information accretion of an ontology's terms; for its fields see the table."""

    id: UUID
    ontology_snapshot_id: UUID
    annotation_set_id: UUID
    evidence_regime: str
    evidence_codes: list[str]
    artifact_uri: str
    content_sha256: str
    term_count: int
    nonzero_count: int
    annotation_count: int
    protein_count: int
    propagated_pairs: int
    ia_max: float
    ia_mean: float


class AccretionStore:
    """Reads and writes information accretion sets."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, accretion_set_id: UUID) -> AccretionSet:
        """Read a set.

        Raises
        ------
        AccretionSetNotFoundError
            If there is none.
        """
        row = await self._session.scalar(select(Row).where(Row.id == accretion_set_id))
        if row is None:
            raise AccretionSetNotFoundError(
                f"There is no information accretion set {accretion_set_id}; compute one (operation "
                "compute_information_accretion)."
            )
        return AccretionSet(**{name: getattr(row, name) for name in AccretionSet.__dataclass_fields__})

    async def add(self, new: AccretionSet, *, job_id: UUID) -> bool:
        """Write a set; one of the same ontology, annotations and regime that is there already stays as it is.

        Returns
        -------
        is_new
            Whether it was written.
        """
        written = await self._session.scalar(
            insert(Row).values(**asdict(new), job_id=job_id).on_conflict_do_nothing().returning(Row.id)
        )
        return written is not None
