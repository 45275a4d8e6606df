"""Rough products in half precision (bfloat16), by torch, on processors that have instructions for it."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from protea_predictor.domain.rough_products import SINGLE_PRECISION, Operand, RoughProducts

__all__ = ["HalfPrecision", "fastest_products"]

_ROWS_PER_PRODUCT = 1024
"""References multiplied at once: their products, 2 MB for a thousand queries, are turned into float32 in the cache."""

_SMALLEST_LOSS = 2.0**-63
"""What may be lost of a component beside its rounding: squares that vanish in float32, and numbers that do as such."""


class HalfPrecision:
    """Products of torch; vectors and results are rounded to bfloat16, whose significand has 8 bits.

    The processor adds in single precision. Raises `ImportError` without torch.
    """

    name = "bfloat16"
    dtype: DTypeLike = np.uint16
    result_step = 2.0**-8

    def __init__(self) -> None:
        import torch

        self._torch = torch

    def rounded(self, vectors: NDArray[np.float32], *, out: Operand) -> NDArray[np.float32]:
        """Round the vectors to the nearest."""
        kept = self._tensor(out)
        kept.copy_(self._torch.from_numpy(vectors))
        lacking = vectors - kept.float().numpy()
        lengths: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", lacking, lacking))
        return lengths + np.float32(_SMALLEST_LOSS * vectors.shape[1] ** 0.5)

    def multiply(self, left: Operand, right: Operand, *, out: NDArray[np.float32]) -> None:
        """Multiply a thousand rows at a time."""
        torch = self._torch
        columns, results = self._tensor(right).T, torch.from_numpy(out)
        with torch.inference_mode():
            for start in range(0, len(left), _ROWS_PER_PRODUCT):
                rows = slice(start, start + _ROWS_PER_PRODUCT)
                results[rows] = self._tensor(left[rows]) @ columns

    def _tensor(self, operand: Operand) -> Any:
        return self._torch.from_numpy(operand).view(self._torch.bfloat16)


@cache
def fastest_products() -> RoughProducts:
    """Choose half precision where torch and the processor have it, else single precision."""
    if find_spec("torch") is None:
        return SINGLE_PRECISION
    import torch

    has_instructions = torch.cpu.get_capabilities().get("avx512_bf16", False)
    return HalfPrecision() if has_instructions and torch.backends.mkldnn.is_available() else SINGLE_PRECISION  # type: ignore[no-untyped-call]  # torch has no types there
