"""What is said about a feature beside its values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Direction", "FeatureDefinition", "Status"]


class Direction(StrEnum):
    """Which way a feature speaks for a term."""

    HIGHER = "higher"
    LOWER = "lower"
    NONE = "none"


class Status(StrEnum):
    """Whether a feature is computed where its data is at hand, or only has its name kept."""

    PRODUCED = "produced"
    DECLARED_ABSENT = "declared_absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDefinition:
    """A feature; what changes its values changes its version, and with it the fingerprint of a schema.

    Attributes
    ----------
    name
        Column of a frame, a Parquet file and, for the 54 written ones, of ``go_prediction_features``.
    family
        Features computed together, which are there or absent together.
    meaning
        How the value is made, in one sentence.
    unit
        ``1`` for plain numbers, fractions and flags, ``code`` for categories.
    low, high
        Closed range of the values that are there; ``None`` for no bound.
    direction
        Whether a higher or a lower value makes the term more likely, on average.
    source
        Which data it is made from.
    vocabulary
        Texts of a category in the order of their codes, from 0; empty for a number.
    version
        From 1; raised when the same data comes to give other values.
    status
        Whether it is computed.
    """

    name: str
    family: str
    meaning: str
    unit: str = "1"
    low: float | None = None
    high: float | None = None
    direction: Direction = Direction.NONE
    source: str
    vocabulary: tuple[str, ...] = ()
    version: int = 1
    status: Status = Status.PRODUCED

    @property
    def is_category(self) -> bool:
        """Whether the values are codes of a vocabulary instead of numbers."""
        return bool(self.vocabulary)

    @property
    def stamp(self) -> str:
        """Name and version, for example ``vote_count@1``."""
        return f"{self.name}@{self.version}"
