"""The queues that the predictor reads, and which use case does what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protea_common.jobs import ConsumerParts, JobUseCase, consume_batches, consume_jobs
from protea_common.messaging.topology import WorkQueue
from protea_common.runtime import Platform, QueueConsumer, Role, Service
from protea_common.settings import load_service_settings
from protea_predictor.settings import PredictorSettings
from protea_predictor.wiring import SERVICE_NAME, Factory, open_process

__all__ = ["build_service"]


@asynccontextmanager
async def build_service(platform: Platform, *, settings: PredictorSettings | None = None) -> AsyncIterator[Service]:
    """Open the predictor; without settings it takes the configured ones, and all roles."""
    own = settings or load_service_settings(PredictorSettings, Path.cwd(), overrides={"role": Role.ALL})
    parts = platform.consumer_parts(source=SERVICE_NAME)
    async with open_process(platform, own) as context:
        yield Service(name=SERVICE_NAME, consumers=_consumers(Factory(context), parts, own))


def _consumers(factory: Factory, parts: ConsumerParts, settings: PredictorSettings) -> list[QueueConsumer]:
    match settings.role:
        case Role.COORDINATOR:
            return [_jobs(factory, parts, settings)]
        case Role.WORKER:
            return [_batches(factory, parts, settings), _training(factory, parts)]
        case Role.ALL:
            return [_jobs(factory, parts, settings), _batches(factory, parts, settings), _training(factory, parts)]


def _jobs(factory: Factory, parts: ConsumerParts, settings: PredictorSettings) -> QueueConsumer:
    use_cases = {"predict_go_terms": factory.create_cut_into_batches()}
    return QueueConsumer(WorkQueue.PREDICTIONS, consume_jobs(use_cases, parts), settings.coordinator_prefetch)


def _batches(factory: Factory, parts: ConsumerParts, settings: PredictorSettings) -> QueueConsumer:
    # As many as there are threads: one more would only hold its lease and wait.
    use_case = factory.create_predict_batch()
    return QueueConsumer(WorkQueue.PREDICTIONS_BATCH, consume_batches(use_case, parts), settings.search_threads)


def _training(factory: Factory, parts: ConsumerParts) -> QueueConsumer:
    use_cases: dict[str, JobUseCase] = {
        "export_research_dataset": factory.create_export_dataset(),
        "fit_calibration": factory.create_fit_to_window(),
        "rescore_predictions": factory.create_score_anew(),
        "import_reranker": factory.create_import_booster(),
        "train_reranker": factory.create_train_on_dataset(),
    }
    return QueueConsumer(WorkQueue.TRAINING, consume_jobs(use_cases, parts), 1)
