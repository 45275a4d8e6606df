"""A world in which re-rankers have something to learn: proteins on a circle, whose terms follow from where they lie."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import insert, select

from protea_common.db import session_scope
from protea_common.jobs import NewJob, submit_job
from protea_common.operations import ExportResearchDataset, PredictGoTerms, TrainReranker, get_operation
from protea_common.orm import AnnotationSet, Dataset, EvaluationSet, Job, RerankerModel
from protea_common.runtime import Platform
from protea_common.storage import ArtifactSource, ArtifactStoreUnavailable, LocalFsArtifactStore
from protea_predictor.entrypoints.consumer import build_service
from protea_predictor.settings import PredictorSettings
from support.predictor_bench import A, Annotation, B, C, M, PredictorBench

__all__ = ["AwayArtifactStore", "Circle", "TrainingBench", "open_training_bench", "small_training"]

REFERENCES, LEARNT, SELECTED, NEW = 60, 90, 60, 12


@dataclass(frozen=True, slots=True)
class Circle:
    """What was written.

    Attributes
    ----------
    request
        Predicts the proteins that nobody has annotated, from what was known in 2017.
    training, selection, test
        Windows of 2015 to 2016, 2017 to 2018, and 2018 to 2019.
    """

    request: PredictGoTerms
    training: UUID
    selection: UUID
    test: UUID

    def export(self, **changes: Any) -> ExportResearchDataset:
        """Ask for a dataset."""
        fields: dict[str, Any] = {
            "embedding_config_id": self.request.embedding_config_id,
            "ontology_snapshot_id": self.request.ontology_snapshot_id,
            "limit_per_entry": 5,
            "output_name": "circle",
            "train_evaluation_set_ids": (self.training,),
            "selection_evaluation_set_id": self.selection,
            "proteins_per_block": 40,
            "alarm_waivers": {
                "qualifier": "nobody gives one here",
                "knn_vote_curated": "all annotations here are experimental",
                "knn_vote_electronic": "all annotations here are experimental",
            },
        }
        return ExportResearchDataset.model_validate(fields | changes)


class TrainingBench(PredictorBench):
    """Windows with ground truth, datasets and re-rankers."""

    async def circle(self, *, dated: bool = True, role: str | None = "valid") -> Circle:
        """Write the world: references, proteins that gain terms in three windows, and new ones."""
        rng = np.random.default_rng(1)
        names = [f"P{number:04d}" for number in range(REFERENCES + 2 * LEARNT + 2 * SELECTED)]
        angles = dict(zip(names, rng.uniform(0, np.pi, len(names)), strict=True))
        groups = np.split(np.array(names), np.cumsum([REFERENCES, LEARNT, LEARNT, SELECTED]))
        known, learnt, between, selected, tested = (list(map(str, group)) for group in groups)
        async with self.world() as world:
            request = await world.create()
            for name in names:
                residues = f"MK{name}" + "A" * int(rng.integers(0, 40))
                await world.add_reference(request, name, _vector(angles[name]), residues=residues)
            for number in range(NEW):
                await world.add_query(request, f"Q{number:02d}", _vector(0.1 + number * 0.25))
        terms = {name: list(_annotations(name, angles[name], rng)) for name in names}
        sets: list[tuple[UUID, list[Annotation]]] = []
        for year, members in ((2015, known), (2016, learnt), (2017, between), (2018, selected), (2019, tested)):
            annotated = [*(sets[-1][1] if sets else []), *(row for name in members for row in terms[name])]
            sets.append((await self._annotation_set(request, year if dated else None, annotated), annotated))
        ids = [set_id for set_id, _ in sets]
        windows = [
            await self.window(ids[0], ids[1], gained=[row for name in learnt for row in terms[name]], role=role),
            await self.window(ids[2], ids[3], gained=[row for name in selected for row in terms[name]], role=role),
            await self.window(ids[3], ids[4], gained=[row for name in tested for row in terms[name]], role="test"),
        ]
        return Circle(request.model_copy(update={"annotation_set_id": ids[2], "limit_per_entry": 5}), *windows)

    async def window(
        self,
        old: UUID,
        new: UUID,
        *,
        gained: Iterable[Annotation],
        role: str | None,
        category: str = "NK",
        known: Iterable[Annotation] = (),
    ) -> UUID:
        """Write an evaluation set with its files."""
        set_id = uuid4()
        folder = f"evaluations/sets/{set_id}"
        files = {f"ground-truth-{name}.tsv": "" for name in ("NK", "LK", "PK")}
        files[f"ground-truth-{category}.tsv"] = "".join(f"{row[0]}\t{row[1]}\n" for row in gained)
        files["known-terms.tsv"] = "".join(f"{row[0]}\t{row[1]}\n" for row in known)
        for name, content in files.items():
            await self.platform.artifacts.put(f"{folder}/{name}", content.encode())
        async with session_scope(self.platform.session_factory) as session:
            await session.execute(
                insert(EvaluationSet).values(
                    id=set_id,
                    old_annotation_set_id=old,
                    new_annotation_set_id=new,
                    pivot_snapshot_id=select(AnnotationSet.ontology_snapshot_id)
                    .where(AnnotationSet.id == old)
                    .scalar_subquery(),
                    window_role=role,
                    groundtruth_uri=self.platform.artifacts.url(folder),
                )
            )
        return set_id

    async def do(self, payload: ExportResearchDataset | TrainReranker | Any, operation: str) -> Job:
        """Submit a job and deliver it; give the job."""
        job_id = await self.submit_training(payload, operation)
        await self.deliver_all(job_id)
        return await self.job(job_id)

    async def submit_training(self, payload: Any, operation: str) -> UUID:
        assert isinstance(payload, get_operation(operation).payload)
        async with self.unit_of_work() as work:
            return await submit_job(work, NewJob(operation=operation, payload=payload))

    async def dataset(self, circle: Circle, **changes: Any) -> UUID:
        """Export a dataset; give its id."""
        job = await self.do(circle.export(**changes), "export_research_dataset")
        assert job.result is not None, job.error_message
        return UUID(job.result["dataset_id"])

    async def reranker(self, dataset_id: UUID, **changes: Any) -> UUID:
        """Train a re-ranker; give its id."""
        job = await self.do(small_training(dataset_id, **changes), "train_reranker")
        assert job.result is not None, job.error_message
        return UUID(job.result["reranker_model_id"])

    async def datasets(self) -> list[Dataset]:
        async with session_scope(self.platform.session_factory) as session:
            return list(await session.scalars(select(Dataset)))

    async def rerankers(self) -> list[RerankerModel]:
        async with session_scope(self.platform.session_factory) as session:
            return list(await session.scalars(select(RerankerModel)))

    async def _annotation_set(self, request: PredictGoTerms, year: int | None, rows: list[Annotation]) -> UUID:
        set_id = uuid4()
        async with self.world() as world:
            await world.session.execute(
                insert(AnnotationSet).values(
                    id=set_id,
                    source="goa",
                    source_version=str(year or set_id),
                    annotated_before=None if year is None else date(year, 1, 1),
                    ontology_snapshot_id=request.ontology_snapshot_id,
                )
            )
            await world.annotate(request.model_copy(update={"annotation_set_id": set_id}), rows)
        return set_id


def small_training(dataset_id: UUID, /, **changes: Any) -> TrainReranker:
    """Ask for a booster that is trained in a moment."""
    fields = {
        "name": "circle-nk",
        "dataset_id": dataset_id,
        "category": "nk",
        "max_rounds": 30,
        "early_stopping_rounds": 10,
        "num_leaves": 7,
        "min_data_in_leaf": 5,
    }
    return TrainReranker.model_validate(fields | changes)


class AwayArtifactStore(LocalFsArtifactStore):
    """An artifact store that cannot be written."""

    async def put(self, key: str, source: ArtifactSource) -> str:
        raise ArtifactStoreUnavailable(f"the artifact {key!r} was not reached")


@asynccontextmanager
async def open_training_bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    """Wire a predictor of all roles to a platform."""
    async with build_service(platform, settings=PredictorSettings()) as service:
        yield TrainingBench(platform, service)


def _vector(angle: float) -> tuple[float, float]:
    return float(np.cos(angle)), float(np.sin(angle))


def _annotations(name: str, angle: float, rng: np.random.Generator) -> Iterable[Annotation]:
    """B mostly on the right and C on the left, as neighbours tell; M without any rule, where they mislead."""
    is_right = (angle < np.pi / 2) != (rng.random() < 0.15)
    yield (name, B if is_right else C, "IDA" if rng.random() < 0.7 else "IMP", None)
    if rng.random() < 0.3:
        yield (name, M, "IDA", None)
    if rng.random() < 0.2:
        yield (name, A, "IEA", None)
