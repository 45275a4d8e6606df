"""The products that rough distances are made of: a port, and how numpy fills it, in single precision."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["SINGLE_PRECISION", "Operand", "RoughProducts", "SinglePrecision"]

Operand: TypeAlias = NDArray[Any]
"""Vectors as rows, as a multiplication wants them, shape ``(n, D)``."""


class RoughProducts(Protocol):
    """Multiplies vectors with each other, fast and with errors that have bounds.

    Sums are made in single precision at least; what comes before and after them may be rougher.
    """

    @property
    def name(self) -> str:
        """How receipts and benchmarks call it."""

    @property
    def dtype(self) -> DTypeLike:
        """What a component of an operand is kept in."""

    @property
    def result_step(self) -> float:
        """Largest relative error of rounding a finished sum; 0 where it stays in single precision."""

    def rounded(self, vectors: NDArray[np.float32], *, out: Operand) -> NDArray[np.float32]:
        """Make vectors an operand; give the lengths of what they lose by that, no less than the truth.

        ``out`` has the shape of the vectors, ``(n, D)``, and the `dtype`; the lengths have shape ``(n,)``.
        """

    def multiply(self, left: Operand, right: Operand, *, out: NDArray[np.float32]) -> None:
        """Multiply each of ``left`` with each of ``right``; ``out`` has shape ``(n_left, n_right)``."""


class SinglePrecision:
    """Products of numpy; vectors are kept as they are."""

    name = "float32"
    dtype: DTypeLike = np.float32
    result_step = 0.0

    def rounded(self, vectors: NDArray[np.float32], *, out: Operand) -> NDArray[np.float32]:
        """Copy the vectors, which loses nothing."""
        out[:] = vectors
        return np.zeros(len(vectors), dtype=np.float32)

    def multiply(self, left: Operand, right: Operand, *, out: NDArray[np.float32]) -> None:
        """Multiply by BLAS."""
        np.matmul(left, right.T, out=out)


SINGLE_PRECISION = SinglePrecision()
