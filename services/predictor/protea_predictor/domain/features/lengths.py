"""Lengths of the query and of the nearest donor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates

__all__ = ["length_features"]


def length_features(
    candidates: Candidates, *, query_lengths: NDArray[np.integer], reference_lengths: NDArray[np.integer]
) -> dict[str, NDArray[Any]]:
    """Family ``length``, in residues; the lengths are by query and by reference row."""
    return {
        "length_query": query_lengths[candidates.query_row],
        "length_ref": np.where(candidates.has_reference, reference_lengths[candidates.reference_row], np.nan),
    }
