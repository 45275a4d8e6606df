"""Arithmetic from hidden states to vectors, on tensors of any device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from protea_embedder.domain.recipe import LayerAggregation, Pooling

__all__ = ["LEAST_NORM", "aggregate_layers", "pool_residues", "pooled_width", "to_unit_length"]

LEAST_NORM = 1e-12
"""Norms below count as this: a vector of zeros has no direction and stays."""


def aggregate_layers(states: Sequence[Tensor], how: LayerAggregation) -> Tensor:
    """Make one layer of several.

    Parameters
    ----------
    states
        The layers, the last of the model first, each of shape ``(..., H)``; one or more.
    how
        ``last`` is for one layer; a recipe with more is refused before.

    Returns
    -------
    states
        Shape ``(..., H)``, for ``concat`` ``(..., H * layers)`` in the order given.
    """
    match how:
        case LayerAggregation.MEAN:
            return states[0] if len(states) == 1 else torch.stack(list(states)).mean(dim=0)
        case LayerAggregation.CONCAT:
            return torch.cat(list(states), dim=-1)
        case LayerAggregation.LAST:
            return states[-1]


def pool_residues(residues: Tensor, pooling: Pooling) -> Tensor:
    """Make one vector of a span's residues.

    Parameters
    ----------
    residues
        Shape ``(n, D)``.
    pooling
        Any but ``cls``, which is no mean of residues.

    Returns
    -------
    vector
        Shape ``(D,)``, for ``mean_max`` ``(2 * D,)``; zeros where there are no residues.
    """
    if len(residues) == 0:
        return residues.new_zeros(pooled_width(residues.shape[1], pooling))
    match pooling:
        case Pooling.MEAN:
            return residues.mean(dim=0)
        case Pooling.MAX:
            return residues.amax(dim=0)
        case Pooling.MEAN_MAX:
            return torch.cat([residues.mean(dim=0), residues.amax(dim=0)])
        case Pooling.CLS:
            return residues[0]


def pooled_width(width: int, pooling: Pooling) -> int:
    """Length of a pooled vector over residue vectors of ``width``."""
    return 2 * width if pooling is Pooling.MEAN_MAX else width


def to_unit_length(vectors: Tensor) -> Tensor:
    """Scale the last axis to an L2 norm of 1."""
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / norms.clamp_min(LEAST_NORM)
