"""How the evaluator is put together: what a process has one of, and a use case from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from protea_common.runtime import Platform
from protea_evaluator.adapters.cafaeval import CafaevalRunner
from protea_evaluator.adapters.computing import ComputingProcesses
from protea_evaluator.settings import EvaluatorSettings
from protea_evaluator.usecases.analyze_annotation_evolution import AnalyzeEvolution
from protea_evaluator.usecases.compare_evaluations import CompareResults
from protea_evaluator.usecases.compute_information_accretion import KeepInformationAccretion
from protea_evaluator.usecases.engines import CafaevalEngine, Engine, OwnEngine
from protea_evaluator.usecases.export_run_crate import KeepRunCrate
from protea_evaluator.usecases.generate_evaluation_set import KeepGroundTruth
from protea_evaluator.usecases.predict_baseline import PredictFromBaseline
from protea_evaluator.usecases.read_delta import DeltaReader
from protea_evaluator.usecases.result_use_case import ResultUseCase
from protea_evaluator.usecases.run_cafa_evaluation import MeasurePredictions
from protea_evaluator.usecases.stored_result import StoredResultReader
from protea_evaluator.usecases.stratify_evaluation import StratifyResult
from protea_evaluator.usecases.term_weights import TermWeightsReader
from protea_evaluator.usecases.write_report import KeepReport

__all__ = ["SERVICE_NAME", "Factory", "ProcessContext", "open_process"]

SERVICE_NAME: Final = "protea-evaluator"
"""Source of its events; another name makes its past events look like a stranger's."""

OfResult = TypeVar("OfResult", bound=ResultUseCase)


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What a process has one of.

    Attributes
    ----------
    platform
        What all services stand on.
    settings
        The evaluator's own.
    executor
        A thread for each job that the process does at a time.
    processes
        Where measures and intervals are computed.
    """

    platform: Platform
    settings: EvaluatorSettings
    executor: ThreadPoolExecutor
    processes: ComputingProcesses


@asynccontextmanager
async def open_process(platform: Platform, settings: EvaluatorSettings) -> AsyncIterator[ProcessContext]:
    """Start threads and processes, and end them when the block ends: threads once what they compute is done."""
    processes = ComputingProcesses(limit=settings.computing_processes)
    executor = ThreadPoolExecutor(platform.settings.queue.prefetch, thread_name_prefix="evaluator")
    try:
        yield ProcessContext(platform, settings, executor, processes)
    finally:
        await asyncio.to_thread(processes.shutdown, cancel_futures=True)
        await asyncio.to_thread(executor.shutdown, cancel_futures=True)


class Factory:
    """Builds use cases."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._unit_of_work = partial(context.platform.unit_of_work, source=SERVICE_NAME)

    def create_analyze_evolution(self) -> AnalyzeEvolution:
        """Build ``analyze_annotation_evolution``."""
        return AnalyzeEvolution(unit_of_work=self._unit_of_work)

    def create_keep_ground_truth(self) -> KeepGroundTruth:
        """Build ``generate_evaluation_set``."""
        return KeepGroundTruth(
            unit_of_work=self._unit_of_work,
            delta_reader=self._create_delta_reader(),
            artifacts=self._context.platform.artifacts,
            executor=self._context.executor,
        )

    def create_measure_predictions(self) -> MeasurePredictions:
        """Build ``run_cafa_evaluation``."""
        context = self._context
        return MeasurePredictions(
            unit_of_work=self._unit_of_work,
            delta_reader=self._create_delta_reader(),
            weights_reader=self._create_weights_reader(),
            engines={engine.name: engine for engine in self._create_engines()},
            artifacts=context.platform.artifacts,
            executor=context.executor,
        )

    def create_keep_information_accretion(self) -> KeepInformationAccretion:
        """Build ``compute_information_accretion``."""
        return KeepInformationAccretion(
            unit_of_work=self._unit_of_work,
            artifacts=self._context.platform.artifacts,
            executor=self._context.executor,
        )

    def create_predict_from_baseline(self) -> PredictFromBaseline:
        """Build ``predict_baseline``."""
        return PredictFromBaseline(
            unit_of_work=self._unit_of_work,
            delta_reader=self._create_delta_reader(),
            artifacts=self._context.platform.artifacts,
            executor=self._context.executor,
        )

    def create_keep_report(self) -> KeepReport:
        """Build ``write_evaluation_report``."""
        return self._of_result(KeepReport, self._context.executor)

    def create_keep_run_crate(self) -> KeepRunCrate:
        """Build ``export_run_crate``."""
        return self._of_result(KeepRunCrate, self._context.executor)

    def create_compare_results(self) -> CompareResults:
        """Build ``compare_evaluations``."""
        return self._of_result(CompareResults, self._context.processes)

    def create_stratify_result(self) -> StratifyResult:
        """Build ``stratify_evaluation``."""
        return self._of_result(StratifyResult, self._context.executor)

    def _of_result(self, use_case: type[OfResult], executor: Executor) -> OfResult:
        return use_case(
            unit_of_work=self._unit_of_work,
            reader=self._create_result_reader(),
            artifacts=self._context.platform.artifacts,
            executor=executor,
        )

    def _create_result_reader(self) -> StoredResultReader:
        return StoredResultReader(
            unit_of_work=self._unit_of_work,
            artifacts=self._context.platform.artifacts,
            executor=self._context.executor,
        )

    def _create_weights_reader(self) -> TermWeightsReader:
        return TermWeightsReader(
            unit_of_work=self._unit_of_work,
            artifacts=self._context.platform.artifacts,
            executor=self._context.executor,
        )

    def _create_engines(self) -> tuple[Engine, ...]:
        executor = self._context.executor
        runner = CafaevalRunner(executor=executor, timeout=self._context.settings.cafaeval_timeout)
        return OwnEngine(executor=self._context.processes), CafaevalEngine(runner=runner, executor=executor)

    def _create_delta_reader(self) -> DeltaReader:
        return DeltaReader(unit_of_work=self._unit_of_work, executor=self._context.executor)
