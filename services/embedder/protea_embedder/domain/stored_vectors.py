"""Vectors as the database keeps them: in half precision, beside the sequence that each belongs to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError

__all__ = ["HALF_MAXIMUM", "HalfPrecisionOverflowError", "StoredVectors", "to_half_precision"]

HALF_MAXIMUM = float(np.finfo(np.float16).max)
"""Greatest number of half precision, 65,504."""


class HalfPrecisionOverflowError(PermanentError):
    """The vectors are too large for half precision; the recipe needs a greater embedding_scale."""

    slug: ClassVar[str] = "half-precision-overflow"


@dataclass(frozen=True, slots=True, eq=False)
class StoredVectors:
    """Vectors of sequences: one for each whole sequence, or one for each chunk.

    Attributes
    ----------
    sequence_ids
        int64, shape ``(n,)``; distinct together with ``chunk_starts``.
    chunk_starts
        First residue that a vector covers, 0-based, int32, shape ``(n,)``.
    chunk_ends
        Ends of the chunks, exclusive, int32, shape ``(n,)``; None where the vectors are of whole sequences.
    residues
        Residues that the vector covers, int32, shape ``(n,)``.
    truncated
        Whether the sequence has residues that the encoder never saw, bool, shape ``(n,)``.
    vectors
        Row ``i`` for ``sequence_ids[i]``, finite float16, shape ``(n, D)``.
    """

    sequence_ids: NDArray[np.int64]
    chunk_starts: NDArray[np.int32]
    chunk_ends: NDArray[np.int32] | None
    residues: NDArray[np.int32]
    truncated: NDArray[np.bool_]
    vectors: NDArray[np.float16]


def to_half_precision(vectors: NDArray[np.float32], *, embedding_scale: float) -> NDArray[np.float16]:
    """Scale vectors down and round them to half precision.

    Parameters
    ----------
    vectors
        Finite values, shape ``(n, D)``.
    embedding_scale
        Divisor, greater than 0.

    Returns
    -------
    halves
        Finite values of the same shape.

    Raises
    ------
    HalfPrecisionOverflowError
        If a scaled value is beyond `HALF_MAXIMUM`; it names a scale that would do.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        halves = (vectors / np.float32(embedding_scale)).astype(np.float16)
    if not np.isfinite(halves).all():
        largest = float(np.abs(vectors).max())
        # A power of two changes no digit of a value.
        enough = 2.0 ** math.ceil(math.log2(largest / HALF_MAXIMUM))
        raise HalfPrecisionOverflowError(
            f"A vector has a value of {largest:g}, which divided by embedding_scale {embedding_scale:g} does not fit "
            f"half precision (at most {HALF_MAXIMUM:g}); make a recipe with an embedding_scale of "
            f"{enough:g} or more."
        )
    return halves
