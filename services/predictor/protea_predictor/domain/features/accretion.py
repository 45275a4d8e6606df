"""Information accretion of the candidates' terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates

__all__ = ["accretion_features"]


def accretion_features(candidates: Candidates, information_accretion: NDArray[np.floating]) -> dict[str, NDArray[Any]]:
    """Family ``information``: bits by row of the graph, NaN for a term that has none."""
    return {"ia": information_accretion[candidates.term_row]}
