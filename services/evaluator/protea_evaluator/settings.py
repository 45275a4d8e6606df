"""Settings of the evaluator, ``PROTEA_EVALUATOR__*``; jobs at a time are the shared ``tuning.queue.prefetch``."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from protea_common.settings import Duration, ServiceSettings

__all__ = ["EvaluatorSettings"]


class EvaluatorSettings(ServiceSettings):
    """The evaluator's own settings."""

    section: ClassVar[str] = "evaluator"

    cafaeval_timeout: Duration = Field(
        timedelta(minutes=30), description="Longest that the program may measure one category."
    )
    computing_processes: int = Field(
        2,
        ge=1,
        le=64,
        description="Processes that compute measures and intervals, each on a copy of its input.",
    )
