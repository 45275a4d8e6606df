"""How the predictor is put together: what a process has one of, and a use case from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from protea_common.runtime import Platform
from protea_predictor.adapters.aligner import Mmseqs
from protea_predictor.adapters.references import ReferenceFiles
from protea_predictor.adapters.search.half_precision import fastest_products
from protea_predictor.settings import PredictorSettings
from protea_predictor.usecases.alignment_channel import AlignmentChannel
from protea_predictor.usecases.calibrations import Calibrations
from protea_predictor.usecases.candidates import CandidateMaker
from protea_predictor.usecases.export_research_dataset import ExportDataset
from protea_predictor.usecases.feature_sources import FeatureReader
from protea_predictor.usecases.fit_calibration import FitToWindow
from protea_predictor.usecases.import_reranker import ImportBooster
from protea_predictor.usecases.learning_windows import LearningWindows
from protea_predictor.usecases.ontologies import Ontologies
from protea_predictor.usecases.pair_figures import FigureReader
from protea_predictor.usecases.predict_batch import PredictBatch
from protea_predictor.usecases.predict_go_terms import CutIntoBatches
from protea_predictor.usecases.prepared_references import PreparedReferences
from protea_predictor.usecases.projections import Projections
from protea_predictor.usecases.references import ReferenceBanks
from protea_predictor.usecases.rerankers import Rerankers
from protea_predictor.usecases.reranking import Reranking
from protea_predictor.usecases.rescore_predictions import ScoreAnew
from protea_predictor.usecases.rescoring_plan import RescoringPlanner
from protea_predictor.usecases.search_backends import SearchBackends
from protea_predictor.usecases.train_reranker import TrainOnDataset

__all__ = ["SERVICE_NAME", "Factory", "ProcessContext", "open_process"]

SERVICE_NAME: Final = "protea-predictor"
"""Source of its events; another name makes its past events look like a stranger's."""

_MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a process has one of.

    Attributes
    ----------
    platform
        What all services stand on.
    settings
        The predictor's own.
    executor
        Threads that search, score and build reference banks.
    training_executor
        A thread for one training or one dataset at a time.
    ontologies, banks
        What is kept in memory between batches.
    backends
        Choose what queries are compared with, where a job wants not all compared.
    prepared
        References made ready for comparing all.
    alignment
        Finds references by alignment.
    projections
        Principal components of recipes.
    features
        What features are computed from beside neighbours.
    rerankers, calibrations
        Boosters and curves in memory.
    """

    platform: Platform
    settings: PredictorSettings
    executor: Executor
    training_executor: Executor
    ontologies: Ontologies
    banks: ReferenceBanks
    backends: SearchBackends
    prepared: PreparedReferences
    alignment: AlignmentChannel
    projections: Projections
    features: FeatureReader
    rerankers: Rerankers
    calibrations: Calibrations


@asynccontextmanager
async def open_process(platform: Platform, settings: PredictorSettings) -> AsyncIterator[ProcessContext]:
    """Start the threads, and end them when the block ends, once what they compute is done."""
    executor = ThreadPoolExecutor(settings.search_threads, thread_name_prefix="predictor-search")
    training = ThreadPoolExecutor(1, thread_name_prefix="predictor-training")
    try:
        yield _context(platform, settings, executor=executor, training=training)
    finally:
        for threads in (executor, training):
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)


def _context(
    platform: Platform, settings: PredictorSettings, *, executor: Executor, training: Executor
) -> ProcessContext:
    unit_of_work = partial(platform.unit_of_work, source=SERVICE_NAME)
    files = ReferenceFiles(settings.cache_folder(platform.settings), files_max=settings.cache_files_max)
    banks = ReferenceBanks(
        unit_of_work=unit_of_work,
        files=files,
        executor=executor,
        capacity=settings.reference_banks_max,
        metrics=platform.metrics,
    )
    projections = Projections(
        unit_of_work=unit_of_work,
        artifacts=platform.artifacts,
        banks=banks,
        executor=executor,
        capacity=settings.reference_banks_max,
    )
    return ProcessContext(
        platform=platform,
        settings=settings,
        executor=executor,
        training_executor=training,
        ontologies=Ontologies(unit_of_work=unit_of_work, capacity=settings.ontologies_max),
        banks=banks,
        backends=SearchBackends(unit_of_work=unit_of_work, executor=executor, device=settings.search_device),
        prepared=_prepared(settings, executor),
        alignment=AlignmentChannel(unit_of_work=unit_of_work, aligner=_aligner(platform, settings)),
        projections=projections,
        features=FeatureReader(
            unit_of_work=unit_of_work,
            projections=projections,
            executor=executor,
            taxonomy_dir=settings.taxonomy_dir,
            term_vectors_file=settings.term_vectors_file,
        ),
        rerankers=Rerankers(
            unit_of_work=unit_of_work,
            artifacts=platform.artifacts,
            executor=executor,
            capacity=settings.rerankers_max,
        ),
        calibrations=Calibrations(
            unit_of_work=unit_of_work,
            artifacts=platform.artifacts,
            executor=executor,
            capacity=settings.rerankers_max,
        ),
    )


def _prepared(settings: PredictorSettings, executor: Executor) -> PreparedReferences:
    return PreparedReferences(
        executor=executor,
        fastest_products=fastest_products,
        bytes_max=settings.prepared_mib_max * _MEBIBYTE,
        threads=settings.tile_threads,
    )


def _aligner(platform: Platform, settings: PredictorSettings) -> Mmseqs:
    return Mmseqs(
        settings.cache_folder(platform.settings),
        timeout=timedelta(minutes=settings.alignment_minutes_max),
        threads=settings.alignment_threads,
        databases_max=settings.cache_files_max,
    )


class Factory:
    """Builds use cases."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._unit_of_work = partial(context.platform.unit_of_work, source=SERVICE_NAME)

    def create_cut_into_batches(self) -> CutIntoBatches:
        """Build the coordinator of ``predict_go_terms``."""
        return CutIntoBatches(
            unit_of_work=self._unit_of_work,
            alignment=self._context.alignment,
            features=self._context.features,
            reranking=self.create_reranking(),
            calibrations=self._context.calibrations,
        )

    def create_predict_batch(self) -> PredictBatch:
        """Build the worker of ``predict_go_terms``."""
        context = self._context
        return PredictBatch(
            unit_of_work=self._unit_of_work,
            candidates=self.create_candidate_maker(),
            reranking=self.create_reranking(),
            calibrations=context.calibrations,
            metrics=context.platform.metrics,
        )

    def create_export_dataset(self) -> ExportDataset:
        """Build ``export_research_dataset``."""
        context = self._context
        platform = context.platform
        windows = LearningWindows(
            unit_of_work=self._unit_of_work,
            ontologies=context.ontologies,
            alignment=context.alignment,
            candidates=self.create_candidate_maker(),
            projections=context.projections,
            artifacts=platform.artifacts,
            executor=context.training_executor,
        )
        return ExportDataset(
            unit_of_work=self._unit_of_work,
            windows=windows,
            artifacts=platform.artifacts,
            storage_backend=platform.settings.storage_backend,
            executor=context.training_executor,
        )

    def create_train_on_dataset(self) -> TrainOnDataset:
        """Build ``train_reranker``."""
        context = self._context
        return TrainOnDataset(
            unit_of_work=self._unit_of_work, artifacts=context.platform.artifacts, executor=context.training_executor
        )

    def create_fit_to_window(self) -> FitToWindow:
        """Build ``fit_calibration``."""
        context = self._context
        return FitToWindow(
            unit_of_work=self._unit_of_work,
            ontologies=context.ontologies,
            artifacts=context.platform.artifacts,
            executor=context.training_executor,
        )

    def create_score_anew(self) -> ScoreAnew:
        """Build ``rescore_predictions``."""
        context = self._context
        return ScoreAnew(
            unit_of_work=self._unit_of_work,
            planner=RescoringPlanner(unit_of_work=self._unit_of_work, calibrations=context.calibrations),
            ontologies=context.ontologies,
            features=context.features,
            executor=context.training_executor,
        )

    def create_import_booster(self) -> ImportBooster:
        """Build ``import_reranker``."""
        context = self._context
        return ImportBooster(
            unit_of_work=self._unit_of_work, artifacts=context.platform.artifacts, executor=context.training_executor
        )

    def create_candidate_maker(self) -> CandidateMaker:
        """Build what finds and scores candidates."""
        context = self._context
        return CandidateMaker(
            ontologies=context.ontologies,
            banks=context.banks,
            backends=context.backends,
            prepared=context.prepared,
            alignment=context.alignment,
            figures=FigureReader(unit_of_work=self._unit_of_work, executor=context.executor),
            features=context.features,
            executor=context.executor,
        )

    def create_reranking(self) -> Reranking:
        """Build what scores predictions anew."""
        context = self._context
        return Reranking(rerankers=context.rerankers, executor=context.executor)
