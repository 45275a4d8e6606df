"""What neighbours by embedding say: the nearest donor, the spread of distances, the number of votes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates

__all__ = ["knn_features"]


def knn_features(candidates: Candidates) -> dict[str, NDArray[Any]]:
    """Families ``knn``, ``knn_distance`` and ``knn_vote``, which `Candidates` holds already.

    A candidate that no neighbour carries, only an aligned reference, has no rank.
    """
    return {
        "distance": candidates.distance,
        "k_position": np.where(candidates.k_position > 0, candidates.k_position, np.nan),
        "vote_count": candidates.vote_count,
        "neighbor_vote_fraction": candidates.neighbor_vote_fraction,
        "neighbor_min_distance": candidates.neighbor_min_distance,
        "neighbor_mean_distance": candidates.neighbor_mean_distance,
        "neighbor_distance_std": candidates.neighbor_distance_std,
    }
