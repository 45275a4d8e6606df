"""Division where there may be nothing to divide by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ratio"]


def ratio(parts: NDArray[Any], wholes: NDArray[Any], *, otherwise: float = np.nan) -> NDArray[np.float64]:
    """Divide where the whole is above 0; elsewhere the value is ``otherwise``."""
    values: NDArray[np.float64] = np.full(len(wholes), otherwise)
    np.divide(parts, wholes, out=values, where=wholes > 0)
    return values
