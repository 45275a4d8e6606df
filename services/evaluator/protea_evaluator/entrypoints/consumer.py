"""The queue that the evaluator reads, and which use case does what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from protea_common.jobs import ConsumerParts, JobUseCase, consume_jobs
from protea_common.messaging.topology import WorkQueue
from protea_common.runtime import Platform, QueueConsumer, Service
from protea_common.settings import load_service_settings
from protea_evaluator.settings import EvaluatorSettings
from protea_evaluator.wiring import SERVICE_NAME, Factory, open_process

__all__ = ["build_service"]


@asynccontextmanager
async def build_service(platform: Platform, *, settings: EvaluatorSettings | None = None) -> AsyncIterator[Service]:
    """Open the evaluator; without settings it takes the configured ones."""
    own = settings or load_service_settings(EvaluatorSettings, Path.cwd())
    parts = platform.consumer_parts(source=SERVICE_NAME)
    async with open_process(platform, own) as context:
        consumer = _evaluations(Factory(context), parts, prefetch=platform.settings.queue.prefetch)
        yield Service(name=SERVICE_NAME, consumers=[consumer])


def _evaluations(factory: Factory, parts: ConsumerParts, *, prefetch: int) -> QueueConsumer:
    use_cases: dict[str, JobUseCase] = {
        "analyze_annotation_evolution": factory.create_analyze_evolution(),
        "generate_evaluation_set": factory.create_keep_ground_truth(),
        "compute_information_accretion": factory.create_keep_information_accretion(),
        "run_cafa_evaluation": factory.create_measure_predictions(),
        "predict_baseline": factory.create_predict_from_baseline(),
        "write_evaluation_report": factory.create_keep_report(),
        "export_run_crate": factory.create_keep_run_crate(),
        "compare_evaluations": factory.create_compare_results(),
        "stratify_evaluation": factory.create_stratify_result(),
    }
    return QueueConsumer(WorkQueue.EVALUATIONS, consume_jobs(use_cases, parts), prefetch)
