"""What proteins gained between the two annotation sets of an evaluation set, read from the database anew each time."""

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
from protea_evaluator.adapters.storage import AnnotationStore, EvaluationSet
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.binding_only import drop_binding_only
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
    """Reads two annotation sets and compares them by the rules of their evaluation set.

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

    async def read(self, evaluation_set: EvaluationSet) -> GainedTerms:
        """Find what was gained from the old set to the new one; no transaction is open while that is computed.

        The evaluation set need not be stored; its counts are not looked at.
        """
        async with self._unit_of_work() as work:
            graph = await read_go_graph(work.session, evaluation_set.ontology.id)
            live_ids = await read_live_ids(work.session, evaluation_set.ontology.id)
        old = await self._read_table(evaluation_set.old_annotation_set_id)
        new = await self._read_table(evaluation_set.new_annotation_set_id)
        compare = partial(_compare, old, new, graph, live_ids=live_ids, rules=evaluation_set)
        delta = await asyncio.get_running_loop().run_in_executor(self._executor, compare)
        return GainedTerms(delta, graph, live_ids, old)

    async def _read_table(self, annotation_set_id: UUID) -> AnnotationTable:
        async with self._unit_of_work() as work:
            rows = await AnnotationStore(work.session).rows(annotation_set_id)
        return await asyncio.get_running_loop().run_in_executor(self._executor, AnnotationTable.from_rows, rows)


def _compare(
    old: AnnotationTable, new: AnnotationTable, graph: GoGraph, *, live_ids: Mapping[str, str], rules: EvaluationSet
) -> Delta:
    delta = split_by_knowledge(old, new, graph, live_ids=live_ids, closes=rules.is_pivoted)
    return drop_binding_only(delta, graph) if rules.drops_binding_only else delta
