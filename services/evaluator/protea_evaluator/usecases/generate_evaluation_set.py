"""What was learnt between two annotation sets, kept as the ground truth that predictions are measured against."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID, uuid5

from protea_common.db import UnitOfWork
from protea_common.domain.temporal import Window, WindowRole, require_order
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job
from protea_common.operations import GenerateEvaluationSet
from protea_common.snapshot_dates import read_snapshot_dates
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.ground_truth_table import ground_truth_table
from protea_evaluator.adapters.storage import (
    AnnotationSet,
    AnnotationStore,
    EvaluationSet,
    EvaluationSetStore,
    OntologyRelease,
    WindowStore,
)
from protea_evaluator.domain.ground_truth import ground_truth_files
from protea_evaluator.usecases.read_delta import DeltaReader, GainedTerms

__all__ = ["DifferentOntologiesError", "DifferentRoleError", "KeepGroundTruth", "SameAnnotationSetError"]


class SameAnnotationSetError(PermanentError):
    """The job compares an annotation set with itself, between which nothing can have been learnt."""

    slug: ClassVar[str] = "same-annotation-set"


class DifferentOntologiesError(PermanentError):
    """The two annotation sets were read with different releases of the Gene Ontology, and no pivot was given."""

    slug: ClassVar[str] = "different-ontologies"


class DifferentRoleError(PermanentError):
    """The window is there already and is for something else; what a window is for does not change."""

    slug: ClassVar[str] = "different-window-role"
    status: ClassVar[int] = 409


class KeepGroundTruth:
    """Use case of ``generate_evaluation_set``; a pair that was compared before by these rules keeps its evaluation set.

    The id follows from the pair and the rules, so a repetition after a failure writes the same files again.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        delta_reader: DeltaReader,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._delta_reader = delta_reader
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Compare the sets unless that was done, keep the files, then the row that names them."""
        request = GenerateEvaluationSet.read(claim.payload, operation=claim.operation)
        pair = await self._read_pair(request)
        existing = await self._find(request, pair)
        if existing is not None:
            _require_role(existing, request)
            async with self._unit_of_work() as work:
                await finish_job(work, claim, result=_result(existing, is_new=False))
            return
        await self._require_protocol(request, pair)
        uncounted = _evaluation_set(request, pair)
        gained = await self._delta_reader.read(uncounted)
        new = replace(uncounted, stats=_stats(gained))
        uri = await self._keep_files(new.id, gained)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await EvaluationSetStore(work.session).add(new, groundtruth_uri=uri, job_id=claim.job_id)
            await finish_job(work, claim, result=_result(new, is_new=True))

    async def _find(self, request: GenerateEvaluationSet, pair: _Pair) -> EvaluationSet | None:
        async with self._unit_of_work() as work:
            return await EvaluationSetStore(work.session).find(
                old_annotation_set_id=request.old_annotation_set_id,
                new_annotation_set_id=request.new_annotation_set_id,
                pivot_id=pair.pivot.id,
                drops_binding_only=request.drop_binding_only,
            )

    async def _read_pair(self, request: GenerateEvaluationSet) -> _Pair:
        """Read both sets and the ontology that they are compared in."""
        if request.old_annotation_set_id == request.new_annotation_set_id:
            raise SameAnnotationSetError(
                f"Both annotation sets are {request.old_annotation_set_id}; give the one of t0 and a later one."
            )
        async with self._unit_of_work() as work:
            store = AnnotationStore(work.session)
            old = await store.get(request.old_annotation_set_id)
            new = await store.get(request.new_annotation_set_id)
            if request.pivot_ontology_snapshot_id is not None:
                return _Pair(old, new, await store.get_release(request.pivot_ontology_snapshot_id))
        if old.ontology != new.ontology:
            raise DifferentOntologiesError(
                f"The annotation set {old.id} was read with the ontology {old.ontology.version}, {new.id} with "
                f"{new.ontology.version}. Give the release to compare them in as pivot_ontology_snapshot_id, or load "
                "both annotation sets with one release."
            )
        return _Pair(old, new, old.ontology)

    async def _require_protocol(self, request: GenerateEvaluationSet, pair: _Pair) -> None:
        """Refuse a role that the window cannot have; one without a role is not looked at."""
        if request.window_role is None:
            return
        async with self._unit_of_work() as work:
            windows = WindowStore(work.session)
            old, new = [await read_snapshot_dates(work.session, each.id) for each in (pair.old, pair.new)]
            others = await windows.with_roles()
        window = Window(_identify(request, pair), WindowRole(request.window_role), old, new)
        require_order(window, others, waiver=request.holdout_waiver)

    async def _keep_files(self, evaluation_set_id: UUID, gained: GainedTerms) -> str:
        """Put the ground truth into the artifact store; give the URI of its folder."""
        loop = asyncio.get_running_loop()
        files = await loop.run_in_executor(self._executor, ground_truth_files, gained.delta, gained.graph)
        folder = f"evaluations/sets/{evaluation_set_id}"
        files["ground-truth.parquet"] = await loop.run_in_executor(
            self._executor, ground_truth_table, gained.delta, gained.graph
        )
        for name, content in files.items():
            await self._artifacts.put(f"{folder}/{name}", content)
        return self._artifacts.url(folder)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two annotation sets and the ontology that they are compared in."""

    old: AnnotationSet
    new: AnnotationSet
    pivot: OntologyRelease

    @property
    def is_pivoted(self) -> bool:
        return any(release.ontology != self.pivot for release in (self.old, self.new))


def _identify(request: GenerateEvaluationSet, pair: _Pair) -> UUID:
    """Give the id of the evaluation set of this pair in this ontology by this rule."""
    pivoted = f" in {pair.pivot.id}" if pair.is_pivoted else ""
    rule = " without binding only" if request.drop_binding_only else ""
    return uuid5(request.old_annotation_set_id, f"{request.new_annotation_set_id}{pivoted}{rule}")


def _evaluation_set(request: GenerateEvaluationSet, pair: _Pair) -> EvaluationSet:
    """Describe what is to be made; it is not counted yet."""
    return EvaluationSet(
        id=_identify(request, pair),
        old_annotation_set_id=request.old_annotation_set_id,
        new_annotation_set_id=request.new_annotation_set_id,
        ontology=pair.pivot,
        native_ontology_ids=(pair.old.ontology.id, pair.new.ontology.id),
        stats={},
        window_role=request.window_role,
        holdout_waiver=request.holdout_waiver,
        drops_binding_only=request.drop_binding_only,
    )


def _stats(gained: GainedTerms) -> dict[str, int]:
    return gained.delta.stats | {"unmapped_annotations": gained.delta.unmapped_annotations}


def _require_role(existing: EvaluationSet, request: GenerateEvaluationSet) -> None:
    if request.window_role not in {None, existing.window_role}:
        raise DifferentRoleError(
            f"Evaluation set {existing.id} of these annotation sets has the role {existing.window_role}, not "
            f"{request.window_role}; leave window_role out to use it as it is."
        )


def _result(evaluation_set: EvaluationSet, *, is_new: bool) -> dict[str, Any]:
    return {"evaluation_set_id": str(evaluation_set.id), "existing": not is_new, **evaluation_set.stats}
