"""What can be wrong with a re-ranker and with what it is trained on."""

from __future__ import annotations

from typing import ClassVar

from protea_common.errors import PermanentError

__all__ = [
    "InvalidBoosterError",
    "SchemaMismatchError",
    "TrainingDataError",
    "UninformativeRerankerError",
]


class InvalidBoosterError(PermanentError):
    """The file is no booster in LightGBM's text format that this platform can use."""

    slug: ClassVar[str] = "invalid-booster"


class TrainingDataError(PermanentError):
    """The rows that a re-ranker was to learn from cannot teach it anything."""

    slug: ClassVar[str] = "training-data-unusable"


class UninformativeRerankerError(PermanentError):
    """What was trained ranks the selection window no better than chance."""

    slug: ClassVar[str] = "reranker-uninformative"


class SchemaMismatchError(PermanentError):
    """A re-ranker was trained on other features than the ones that are computed here."""

    slug: ClassVar[str] = "reranker-schema-mismatch"
    status: ClassVar[int] = 409
