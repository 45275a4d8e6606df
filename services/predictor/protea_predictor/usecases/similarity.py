"""Whether distances say how alike vectors are, as scores by similarity need."""

from __future__ import annotations

from typing import ClassVar

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.scoring import ScoringRecipe, Signal
from protea_common.errors import PermanentError

__all__ = ["SimilarityUndefinedError", "require_similarity"]


class SimilarityUndefinedError(PermanentError):
    """The scoring needs similarities in [0, 1], which the l2 metric gives only for vectors of unit length."""

    slug: ClassVar[str] = "similarity-undefined"


def require_similarity(metric: DistanceMetric, scoring: ScoringRecipe, *, has_unit_vectors: bool) -> None:
    """Refuse a recipe that weighs the similarity of vectors whose distances do not give it.

    Raises
    ------
    SimilarityUndefinedError
        Saying what to choose instead.
    """
    needs_it = Signal.EMBEDDING_SIMILARITY in scoring.signals_read
    if metric is DistanceMetric.L2 and needs_it and not has_unit_vectors:
        raise SimilarityUndefinedError(
            "The recipe's vectors are not of unit length, so l2 distances give no similarity in [0, 1]; use metric "
            "cosine, or a scoring recipe without embedding_similarity, such as vote_fraction."
        )
