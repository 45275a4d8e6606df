"""Windows as training sees them: the candidates of the proteins that gained terms, with what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.domain.scoring import ScoringRecipe
from protea_common.errors import PermanentError
from protea_common.operations import CandidateChoices, PredictGoTerms
from protea_common.storage import ArtifactStore
from protea_predictor.adapters.ground_truth import GroundTruth, read_ground_truth
from protea_predictor.adapters.storage import (
    AnnotationSetStore,
    KnowledgeStore,
    QueryStore,
    ReferenceStore,
    StoredWindow,
    freeze_snapshot,
)
from protea_predictor.domain.datasets.rows import RowBlock, TruthRows, label_rows, list_truth
from protea_predictor.domain.datasets.thinning import Thinning
from protea_predictor.domain.prediction import PredictionRecipe
from protea_predictor.domain.reference_bank import ReferenceVersion
from protea_predictor.domain.reranking.knowledge import StatedTerms, known_pairs
from protea_predictor.domain.reranking.term_weights import term_weights
from protea_predictor.domain.reranking.truth import WindowTruth, propagated_keys
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.alignment_channel import AlignmentChannel
from protea_predictor.usecases.candidates import CandidateMaker
from protea_predictor.usecases.made_ahead import made_ahead
from protea_predictor.usecases.ontologies import Ontologies
from protea_predictor.usecases.projections import Projections
from protea_predictor.usecases.references import selection_of

__all__ = ["LearningWindow", "LearningWindows", "WindowUnusableError"]

T = TypeVar("T")

_NO_QUERY_SET = UUID(int=0)
"""Stands where a prediction names its query set; the queries of a window are the proteins that gained terms."""


class WindowUnusableError(PermanentError):
    """A window has nothing to learn from, or was made with another release of the ontology."""

    slug: ClassVar[str] = "window-unusable"


@dataclass(frozen=True, slots=True, eq=False)
class LearningWindow:
    """A window that is ready to be read.

    Attributes
    ----------
    stored
        What it is.
    accessions
        Proteins that gained a term, ascending.
    embedded
        Positions of those that have a vector; the others are skipped.
    truth
        What there is to find of all of them.
    truth_rows
        The same as rows.
    weights
        Information accretion of each term, from what was known at t0, in bits.
    scoring
        Recipe that ranks candidates.
    projection_sha256
        Digest of the recipe's principal components; ``None`` where nobody asked for them.
    """

    stored: StoredWindow
    accessions: tuple[str, ...]
    embedded: NDArray[np.int64]
    truth: WindowTruth
    truth_rows: TruthRows
    weights: NDArray[np.float64]
    version: ReferenceVersion
    request: PredictGoTerms
    scoring: ScoringRecipe
    projection_sha256: str | None = None


class LearningWindows:
    """Reads windows.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    ontologies, alignment, candidates
        What the proteins are compared with, and how.
    projections
        Principal components of recipes, fitted on the references of the first window that needs them.
    artifacts
        Where the ground truth lies.
    executor
        Threads that compute.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        ontologies: Ontologies,
        alignment: AlignmentChannel,
        candidates: CandidateMaker,
        projections: Projections,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._ontologies = ontologies
        self._alignment = alignment
        self._candidates = candidates
        self._projections = projections
        self._artifacts = artifacts
        self._executor = executor

    async def open(self, stored: StoredWindow, *, choices: CandidateChoices, scoring: ScoringRecipe) -> LearningWindow:
        """Find out who gained what in a window, and what they can be compared with.

        Raises
        ------
        WindowUnusableError
            If it was made with another ontology, has no ground truth, or nobody in it has a vector.
        FeatureSourceMissingError
            If features are asked for whose file or mapping is not there.
        """
        async with self._unit_of_work() as work:
            read_with = await AnnotationSetStore(work.session).ontology_snapshot_of(stored.old_annotation_set_id)
        uri = _require_usable(stored, choices, read_with=read_with)
        request = _request(stored, choices)
        await self._candidates.require(request)
        ontology = await self._ontologies.get(choices.ontology_snapshot_id)
        gained = await read_ground_truth(self._artifacts, uri, ontology.graph)
        async with self._unit_of_work() as work:
            await freeze_snapshot(work.session)
            stated = await KnowledgeStore(work.session).of_everyone(stored.old_annotation_set_id, ontology=ontology)
            version = await ReferenceStore(work.session).version(selection_of(request))
            embedded = await QueryStore(work.session).embedded(
                gained.accessions, embedding_config_id=choices.embedding_config_id
            )
        if version is None or not embedded:
            raise WindowUnusableError(
                f"Of the {len(gained.accessions)} proteins of window {stored.window.name} {len(embedded)} have an "
                f"embedding under recipe {choices.embedding_config_id}; embed the proteins first: protea embed."
            )
        opened = await self._run(
            partial(
                _opened,
                stored,
                gained,
                embedded=embedded,
                stated=stated,
                ontology=ontology,
                version=version,
                request=request,
                scoring=scoring,
            )
        )
        if not choices.compute_embedding_pca:
            return opened
        projection = await self._projections.fit_once(selection_of(request), version, ontology)
        return replace(opened, projection_sha256=projection.stored.content_sha256)

    def blocks(
        self, window: LearningWindow, *, proteins_per_block: int, thinning: Thinning
    ) -> AsyncGenerator[RowBlock]:
        """Give the rows of a window, a block of proteins at a time; the next is made while one is taken."""
        starts = range(0, len(window.embedded), proteins_per_block)
        blocks = (window.embedded[start : start + proteins_per_block] for start in starts)
        return made_ahead(partial(self._block, window, numbers, thinning) for numbers in blocks)

    async def _block(self, window: LearningWindow, numbers: NDArray[np.int64], thinning: Thinning) -> RowBlock:
        accessions = tuple(window.accessions[number] for number in numbers)
        async with self._unit_of_work() as work:
            queries = await QueryStore(work.session).read_proteins(
                accessions,
                embedding_config_id=window.request.embedding_config_id,
                dimension=window.version.dimension,
            )
        made = await self._candidates.make(
            window.request,
            window.version,
            queries,
            _recipe(window.request, window.scoring),
            is_aligned=self._alignment.is_used(window.request),
        )
        label = partial(
            label_rows,
            made.prediction.frame,
            made.prediction.scores,
            window.truth,
            accessions=accessions,
            numbers=numbers,
            weights=window.weights,
            window=window.stored.window.name,
            thinning=thinning,
        )
        return await self._run(label)

    async def _run(self, compute: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)


def _require_usable(stored: StoredWindow, choices: CandidateChoices, *, read_with: UUID) -> str:
    if {stored.ontology_snapshot_id, read_with} != {choices.ontology_snapshot_id}:
        raise WindowUnusableError(
            f"Window {stored.window.name} was compared in ontology {stored.ontology_snapshot_id}, and its older "
            f"annotation set was read with {read_with}; both must be the ontology_snapshot_id of the dataset."
        )
    if stored.groundtruth_uri is None:
        raise WindowUnusableError(
            f"Evaluation set {stored.window.evaluation_set_id} has no ground truth in the artifact store; generate it "
            "again."
        )
    return stored.groundtruth_uri


def _request(stored: StoredWindow, choices: CandidateChoices) -> PredictGoTerms:
    shared = {name: getattr(choices, name) for name in CandidateChoices.model_fields}
    return PredictGoTerms(annotation_set_id=stored.old_annotation_set_id, query_set_id=_NO_QUERY_SET, **shared)


def _recipe(request: PredictGoTerms, scoring: ScoringRecipe) -> PredictionRecipe:
    return PredictionRecipe(
        k=request.limit_per_entry,
        metric=request.metric,
        distance_threshold=request.distance_threshold,
        scoring=scoring,
    )


def _opened(
    stored: StoredWindow,
    gained: GroundTruth,
    *,
    embedded: frozenset[str],
    stated: StatedTerms,
    ontology: StoredOntology,
    version: ReferenceVersion,
    request: PredictGoTerms,
    scoring: ScoringRecipe,
) -> LearningWindow:
    graph = ontology.graph
    truth = WindowTruth.build(gained.gained, gained.known, graph, n_queries=len(gained.accessions))
    weights = term_weights(propagated_keys(known_pairs(stated, graph), graph), graph)
    is_embedded = np.array([accession in embedded for accession in gained.accessions], dtype=np.bool_)
    return LearningWindow(
        stored=stored,
        accessions=gained.accessions,
        embedded=np.flatnonzero(is_embedded),
        truth=truth,
        truth_rows=list_truth(truth, gained.accessions, weights=weights),
        weights=weights,
        version=version,
        request=request,
        scoring=scoring,
    )
