"""Information accretion of an ontology's terms, computed from one annotation set and kept as a table."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from uuid import UUID, uuid5

import numpy as np

from protea_common.db import UnitOfWork
from protea_common.domain.ontology import GoGraph
from protea_common.jobs import JobClaim, finish_job, guard_job
from protea_common.ontology_store import read_go_graph, read_live_ids
from protea_common.operations import ComputeInformationAccretion
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.storage import AccretionSet, AccretionStore, AnnotationStore
from protea_evaluator.domain.accretion_file import write_accretion
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.evidence_regime import EvidenceRegime
from protea_evaluator.domain.information_accretion import information_accretion
from protea_evaluator.domain.knowledge import known_pairs
from protea_evaluator.domain.propagation import propagate_terms

__all__ = ["KeepInformationAccretion"]


@dataclass(frozen=True, slots=True)
class _Computed:
    """The table, and the counts that are kept beside it."""

    content: bytes
    counts: Mapping[str, int | float]


class KeepInformationAccretion:
    """Use case of ``compute_information_accretion``; the id follows from ontology, annotations and regime."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Read, compute, keep the file, then the row that names it."""
        request = ComputeInformationAccretion.read(claim.payload, operation=claim.operation)
        regime = EvidenceRegime(request.regime)
        snapshot_id, compute = await self._read(request, regime)
        computed = await asyncio.get_running_loop().run_in_executor(self._executor, compute)
        new_id = uuid5(snapshot_id, f"{request.annotation_set_id} {regime}")
        uri = await self._artifacts.put(f"information-accretion/{new_id}.tsv", computed.content)
        new = AccretionSet(
            id=new_id,
            ontology_snapshot_id=snapshot_id,
            annotation_set_id=request.annotation_set_id,
            evidence_regime=regime.value,
            evidence_codes=sorted(regime.codes),
            artifact_uri=uri,
            content_sha256=hashlib.sha256(computed.content).hexdigest(),
            **computed.counts,  # type: ignore[arg-type]  # named as the fields are, a test tells
        )
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            is_new = await AccretionStore(work.session).add(new, job_id=claim.job_id)
            shown = {name: value for name, value in asdict(new).items() if not isinstance(value, UUID)}
            result = {"information_accretion_set_id": str(new_id), "existing": not is_new, **shown}
            await finish_job(work, claim, result=result)

    async def _read(
        self, request: ComputeInformationAccretion, regime: EvidenceRegime
    ) -> tuple[UUID, Callable[[], _Computed]]:
        """Read what is counted; give the ontology's id and what remains to be computed."""
        async with self._unit_of_work() as work:
            store = AnnotationStore(work.session)
            native = (await store.get(request.annotation_set_id)).ontology
            wanted = request.ontology_snapshot_id
            ontology = native if wanted is None else await store.get_release(wanted)
            graph = await read_go_graph(work.session, ontology.id)
            live_ids = await read_live_ids(work.session, ontology.id)
            rows = await store.rows(request.annotation_set_id, codes=regime.codes)
        return ontology.id, partial(_compute, rows, regime, graph, live_ids)


def _compute(
    rows: list[tuple[str, str, str, str | None]],
    regime: EvidenceRegime,
    graph: GoGraph,
    live_ids: Mapping[str, str],
) -> _Computed:
    annotated = known_pairs(AnnotationTable.from_rows(rows, codes=regime.codes), graph, live_ids=live_ids)
    propagated = propagate_terms(annotated, graph)
    accretion = information_accretion(propagated, graph)
    counts: dict[str, int | float] = {
        "term_count": len(accretion),
        "nonzero_count": int(np.count_nonzero(accretion)),
        "annotation_count": len(annotated),
        "protein_count": annotated.count_proteins(),
        "propagated_pairs": len(propagated),
        "ia_max": float(accretion.max()),
        "ia_mean": float(accretion.mean()),
    }
    return _Computed(write_accretion(accretion, graph), counts)
