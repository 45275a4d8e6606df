"""What proteins gained between two annotation sets, read from the database; both operations begin with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.domain.ontology import GoGraph
from protea_common.ontology_store import read_go_graph, read_live_ids
from protea_evaluator.adapters.storage import AnnotationStore
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.knowledge import Delta, split_by_knowledge

__all__ = ["DeltaReader", "GainedTerms"]


@dataclass(frozen=True, slots=True, eq=False)
class GainedTerms:
    """The gained terms, and the ontology that they are rows of.

    Attributes
    ----------
    live_ids
        Live identifier of each merged one, as `split_by_knowledge` takes it.
    old
        The release at t0.
    """

    delta: Delta
    graph: GoGraph
    live_ids: Mapping[str, str]
    old: AnnotationTable


class DeltaReader:
    """Reads two annotation sets and compares them.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    executor
        Threads that compute.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._executor = executor

    async def read(
        self,
        *,
        old_annotation_set_id: UUID,
        new_annotation_set_id: UUID,
        ontology_snapshot_id: UUID,
        closes: bool = False,
    ) -> GainedTerms:
        """Find what was gained from the old set to the new one; no transaction is open while that is computed.

        Parameters
        ----------
        closes
            See `split_by_knowledge`.
        """
        async with self._unit_of_work() as work:
            graph = await read_go_graph(work.session, ontology_snapshot_id)
            live_ids = await read_live_ids(work.session, ontology_snapshot_id)
        old = await self._read_table(old_annotation_set_id)
        new = await self._read_table(new_annotation_set_id)
        split = partial(split_by_knowledge, old, new, graph, live_ids=live_ids, closes=closes)
        delta = await asyncio.get_running_loop().run_in_executor(self._executor, split)
        return GainedTerms(delta, graph, live_ids, old)

    async def _read_table(self, annotation_set_id: UUID) -> AnnotationTable:
        async with self._unit_of_work() as work:
            rows = await AnnotationStore(work.session).rows(annotation_set_id)
        return await asyncio.get_running_loop().run_in_executor(self._executor, AnnotationTable.from_rows, rows)
