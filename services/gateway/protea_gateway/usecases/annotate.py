"""The main job: a FASTA file in, a pipeline that embeds it and predicts its GO terms out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.domain.scoring import PRESETS
from protea_common.jobs import NewJob, submit_pipeline
from protea_common.operations import (
    COMPOSITE_CHOICES,
    COMPOSITE_LEAST_SCORE,
    COMPOSITE_NEIGHBOURS,
    AlignmentUse,
    Annotate,
    AnnotationMethod,
    ComputeEmbeddings,
    PredictGoTerms,
)
from protea_common.orm import AnnotationSet, EmbeddingConfig, ScoringConfig
from protea_gateway.adapters.received_file import ReceivedFile
from protea_gateway.adapters.storage.annotation_sets import AnnotationSetStore
from protea_gateway.adapters.storage.lookup import find
from protea_gateway.domain.errors import ReferenceDataMissingError, UnfitReferencesError
from protea_gateway.usecases.query_sets import QuerySetWriter

__all__ = ["AnnotationRequest", "BatchSizes", "StartAnnotation", "StartedAnnotation"]

LOAD_ONTOLOGY: Final = "load an ontology (`protea load ontology FILE`, or POST /v1/annotations/snapshots/load)"
LOAD_PROTEINS: Final = "load reference proteins (`protea load proteins FILE`, or POST /v1/proteins/load)"
LOAD_ANNOTATIONS: Final = "load annotations (`protea load annotations FILE`, or POST /v1/annotations/sets/load-goa)"
EMBED: Final = "embed the reference proteins (`protea embed`, or POST /v1/jobs with operation compute_embeddings)"

_OF_METHOD: Final[Mapping[AnnotationMethod, Mapping[str, Any]]] = {
    AnnotationMethod.NEIGHBOURS: {},
    AnnotationMethod.COMPOSITE: {**COMPOSITE_CHOICES, "abstain_below": COMPOSITE_LEAST_SCORE},
}
"""What a method asks of ``predict_go_terms`` beside what users choose."""


@dataclass(frozen=True, slots=True)
class AnnotationRequest:
    """What somebody wants annotated, and what they chose; ``None`` leaves a choice to us."""

    file: ReceivedFile
    name: str
    method: AnnotationMethod = AnnotationMethod.NEIGHBOURS
    limit_per_entry: int | None = None
    embedding_config_id: UUID | None = None
    annotation_set_id: UUID | None = None
    scoring_config_id: UUID | None = None
    alignment: AlignmentUse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSizes:
    """How the main job is cut.

    Attributes
    ----------
    sequences_per_job
        Sequences in one embedding batch.
    batch_size
        Queries in one prediction batch.
    """

    sequences_per_job: int
    batch_size: int


@dataclass(frozen=True, slots=True)
class StartedAnnotation:
    """A pipeline that was accepted, and what it works with."""

    job_id: UUID
    sequence_count: int
    query_set_id: UUID
    embedding_config_id: UUID
    annotation_set_id: UUID
    ontology_snapshot_id: UUID


@dataclass(frozen=True, slots=True)
class _References:
    annotation_set: AnnotationSet
    embedding_config_id: UUID


class StartAnnotation:
    """Writes the query set, the pipeline and the events that set it going, all in one transaction."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], query_sets: QuerySetWriter, cut: BatchSizes) -> None:
        self._unit_of_work = unit_of_work
        self._query_sets = query_sets
        self._cut = cut

    async def __call__(self, request: AnnotationRequest, *, key_prefix: str | None) -> StartedAnnotation:
        """Accept a file.

        Raises
        ------
        FastaFormatError, NotTextError, TruncatedGzipError, FastaLimitError, TooLargeError
            If the file cannot be used.
        ReferenceDataMissingError, UnfitReferencesError
            If there is nothing to compare its proteins with.
        NotFoundError
            If a chosen id does not exist.
        DuplicateJobError
            If the same annotation is running.
        """
        fasta = await self._query_sets.check(request.file)
        async with self._unit_of_work() as work:
            references = await _choose_references(work, request)
            query_set = await self._query_sets.find_or_add(work, fasta, name=request.name)
            payload = Annotate(
                query_set_id=query_set.id,
                embedding_config_id=references.embedding_config_id,
                annotation_set_id=references.annotation_set.id,
                ontology_snapshot_id=references.annotation_set.ontology_snapshot_id,
                method=request.method,
                **_choices(request),
            )
            pipeline = NewJob("annotate", payload, description=request.name, api_key_prefix=key_prefix)
            job_id = await submit_pipeline(work, pipeline, _steps(payload, self._cut, key_prefix))
        return StartedAnnotation(
            job_id,
            query_set.entry_count,
            query_set_id=payload.query_set_id,
            embedding_config_id=payload.embedding_config_id,
            annotation_set_id=payload.annotation_set_id,
            ontology_snapshot_id=payload.ontology_snapshot_id,
        )


def _choices(request: AnnotationRequest) -> dict[str, Any]:
    """Fill in what the user left to us, by the method."""
    chosen = {
        "limit_per_entry": request.limit_per_entry,
        "scoring_config_id": request.scoring_config_id,
        "alignment": request.alignment,
    }
    default: dict[str, Any] = {}
    if request.method is AnnotationMethod.COMPOSITE:
        default = {
            "limit_per_entry": COMPOSITE_NEIGHBOURS,
            "scoring_config_id": PRESETS["composite_by_knowledge"].id,
            "alignment": AlignmentUse.REQUIRED,
        }
    return default | {name: value for name, value in chosen.items() if value is not None}


def _steps(payload: Annotate, cut: BatchSizes, key_prefix: str | None) -> list[NewJob]:
    embed = ComputeEmbeddings(
        embedding_config_id=payload.embedding_config_id,
        query_set_id=payload.query_set_id,
        sequences_per_job=cut.sequences_per_job,
    )
    predict = PredictGoTerms(
        **payload.model_dump(exclude={"method"}), **_OF_METHOD[payload.method], batch_size=cut.batch_size
    )
    return [
        NewJob("compute_embeddings", embed, api_key_prefix=key_prefix),
        NewJob("predict_go_terms", predict, api_key_prefix=key_prefix),
    ]


async def _choose_references(work: UnitOfWork, request: AnnotationRequest) -> _References:
    """Take the newest annotation set and the newest recipe that fit each other, within what was asked for."""
    store = AnnotationSetStore(work.session)
    if request.scoring_config_id is not None:
        await find(work.session, ScoringConfig, request.scoring_config_id)
    if request.embedding_config_id is not None:
        await find(work.session, EmbeddingConfig, request.embedding_config_id)
    sets = (
        await store.newest_first()
        if request.annotation_set_id is None
        else [await store.get(request.annotation_set_id)]
    )
    recipes = (
        await store.recipes_newest_first() if request.embedding_config_id is None else [request.embedding_config_id]
    )
    for annotation_set in sets:
        for recipe in recipes:
            if await store.can_be_searched(annotation_set.id, recipe):
                return _References(annotation_set, recipe)
    if request.annotation_set_id is None and request.embedding_config_id is None:
        raise await _what_is_missing(store, has_annotations=bool(sets))
    raise UnfitReferencesError(
        "No protein of the chosen annotation set has an embedding under the chosen recipe; leave one of them out, or"
        f" {EMBED}."
    )


async def _what_is_missing(store: AnnotationSetStore, *, has_annotations: bool) -> ReferenceDataMissingError:
    has_ontology, has_proteins = await store.is_loaded()
    missing = [
        *([] if has_ontology else [LOAD_ONTOLOGY]),
        *([] if has_proteins else [LOAD_PROTEINS]),
        *([] if has_annotations else [LOAD_ANNOTATIONS]),
        EMBED,
    ]
    return ReferenceDataMissingError(missing)
