"""How the distance between two embeddings is measured; the arithmetic lives with the predictor."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DistanceMetric"]


class DistanceMetric(StrEnum):
    """How far two vectors lie apart.

    ``cosine`` is 1 - q.r / (|q||r|), in [0, 2], and 1 where a vector is zero; ``l2`` is the squared Euclidean distance.
    """

    COSINE = "cosine"
    L2 = "l2"
