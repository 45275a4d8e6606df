"""Releases of the ontology, read from the database once each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_predictor.adapters.storage import OntologyStore
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.recently_used import RecentlyUsed

__all__ = ["Ontologies"]


class Ontologies:
    """Releases in memory, the ones used last.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    capacity
        Releases kept.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], capacity: int) -> None:
        self._unit_of_work = unit_of_work
        self._kept = RecentlyUsed[UUID, StoredOntology](capacity=capacity)

    async def get(self, ontology_snapshot_id: UUID) -> StoredOntology:
        """Give a release."""
        return await self._kept.get(ontology_snapshot_id, partial(self._read, ontology_snapshot_id))

    async def _read(self, ontology_snapshot_id: UUID) -> StoredOntology:
        async with self._unit_of_work() as work:
            return await OntologyStore(work.session).read(ontology_snapshot_id)
