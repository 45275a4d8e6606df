"""The engines that measure a category: our own, and the public evaluator as a program of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import partial
from importlib import metadata
from typing import Protocol

from protea_evaluator.adapters.cafaeval import CafaevalRunner, cafaeval_version
from protea_evaluator.domain.inputs import prepare_inputs
from protea_evaluator.domain.knowledge import Category, Delta
from protea_evaluator.domain.measurement import MeasuredCategory, Measurement, measure_in_detail
from protea_evaluator.domain.prediction_table import PredictionTable

__all__ = ["CafaevalEngine", "Engine", "OwnEngine"]


class Engine(Protocol):
    """What measures a category."""

    @property
    def name(self) -> str:
        """What it is called in a result's stamp."""

    @property
    def version(self) -> str:
        """Its version in a result's stamp."""

    async def measure(
        self, delta: Delta, category: Category, predictions: PredictionTable, measurement: Measurement
    ) -> MeasuredCategory:
        """Measure one category; what was not measured is absent."""


class OwnEngine:
    """Measures with our own code, wherever the executor computes."""

    name = "protea"

    def __init__(self, *, executor: Executor) -> None:
        self._executor = executor

    @property
    def version(self) -> str:
        """Version of PROTEA."""
        return metadata.version("protea")

    async def measure(
        self, delta: Delta, category: Category, predictions: PredictionTable, measurement: Measurement
    ) -> MeasuredCategory:
        """Measure with terms alike and weighted, and with an interval."""
        compute = partial(measure_in_detail, delta, category, predictions, measurement)
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)


class CafaevalEngine:
    """Measures with cafaeval, with terms alike."""

    name = "cafaeval"

    def __init__(self, *, runner: CafaevalRunner, executor: Executor) -> None:
        self._runner = runner
        self._executor = executor

    @property
    def version(self) -> str:
        """Version of the installed program."""
        return cafaeval_version()

    async def measure(
        self, delta: Delta, category: Category, predictions: PredictionTable, measurement: Measurement
    ) -> MeasuredCategory:
        """Write the program's inputs, run it and read its tables."""
        prepare = partial(
            prepare_inputs,
            delta,
            category,
            predictions=predictions,
            graph=measurement.graph,
            recipe=measurement.recipe,
        )
        inputs = await asyncio.get_running_loop().run_in_executor(self._executor, prepare)
        return MeasuredCategory(await self._runner.run(inputs))
