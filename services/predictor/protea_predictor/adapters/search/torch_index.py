"""Exact search on a device of torch: the references of one pool lie on it, in half precision where it is a GPU."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.errors import PermanentError
from protea_predictor.domain.distances import Vectors

__all__ = ["TorchIndex", "TorchMissingError"]

_ROWS_PER_TILE = 16_384
"""References compared at once: the products take ``n_queries * 16,384 * 4`` bytes on the device."""


class TorchMissingError(PermanentError):
    """The search asked for needs torch, which is not installed, or a device that is not there."""

    slug: ClassVar[str] = "torch-missing"


class TorchIndex:
    """Chooses neighbours within one pool.

    Parameters
    ----------
    references, pool, metric
        As in `FaissIndex`.
    device
        Name as torch has it, for example ``cpu`` or ``cuda``.

    Raises
    ------
    TorchMissingError
        If torch is not installed or has no such device.
    """

    def __init__(
        self, references: Vectors, pool: NDArray[np.int64], *, metric: DistanceMetric, device: str = "cpu"
    ) -> None:
        self._torch = _load_torch(device)
        self._device = device
        self._metric = metric
        self._pool = pool
        self._vectors = self._on_device(references[pool])

    def choose(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Choose references for each query; parameters and result are those of `FaissIndex.choose`."""
        count = min(count, len(self._pool))
        if count == 0 or len(queries) == 0:
            return np.empty((len(queries), count), dtype=np.int64)
        torch = self._torch
        with torch.inference_mode():
            asked = self._on_device(queries)
            values, rows = [], []
            for start in range(0, len(self._pool), _ROWS_PER_TILE):
                nearness = self._nearness(asked, self._vectors[start : start + _ROWS_PER_TILE])
                best = nearness.topk(min(count, nearness.shape[1]), dim=1)
                values.append(best.values)
                rows.append(best.indices + start)
            order = torch.cat(values, dim=1).topk(count, dim=1).indices
            positions = torch.cat(rows, dim=1).gather(1, order).cpu().numpy()
        chosen: NDArray[np.int64] = self._pool[positions]
        return chosen

    def _nearness(self, queries: Any, references: Any) -> Any:
        products = queries @ references.T
        match self._metric:
            case DistanceMetric.COSINE:
                return products.float()
            case DistanceMetric.L2:
                return 2 * products.float() - references.float().square().sum(dim=1)

    def _on_device(self, vectors: Vectors) -> Any:
        torch = self._torch
        placed = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32)).to(self._device)
        if self._metric is DistanceMetric.COSINE:
            placed = torch.nn.functional.normalize(placed, dim=1)
        return placed if self._device == "cpu" else placed.half()


def _load_torch(device: str) -> Any:
    try:
        import torch
    except ImportError as exc:
        raise TorchMissingError(
            "search_backend=torch needs torch: pip install torch, or choose search_backend=numpy."
        ) from exc
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as exc:
        raise TorchMissingError(
            f"torch has no device {device!r} here; set PROTEA_PREDICTOR__SEARCH_DEVICE=cpu, or choose "
            "search_backend=numpy."
        ) from exc
    return torch
