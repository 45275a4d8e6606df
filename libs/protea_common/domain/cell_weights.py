"""Weights of the preset ``composite_by_knowledge``, by how much is known of a protein and by aspect."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["KNOWN_TERMS", "KNOWN_TERMS_MEAN"]

_SIGNALS = (
    "alignment_aspect_vote_experimental",
    "alignment_aspect_vote",
    "knn_aspect_vote_experimental",
    "knn_aspect_vote",
    "self_prior_curated",
    "profile_vote_experimental",
    "profile_vote",
    "association_max",
    "association_mean",
    "term_prior_species",
    "term_gains_species",
    "interaction_vote",
    "publication_vote",
)

_TABLE = {
    "nk-mfo": (0.07, 0.11, 0.11, 0.01, 0.02, 0.11, 0.11, 0.11, 0, 0.04, 0.11, 0.11, 0.11),
    "nk-bpo": (0.06, 0.15, 0.07, 0, 0.02, 0.1, 0.15, 0.1, 0, 0.04, 0.1, 0.1, 0.1),
    "nk-cco": (0.11, 0.11, 0.16, 0, 0.06, 0.11, 0.11, 0.11, 0, 0.02, 0.11, 0.05, 0.06),
    "lk-mfo": (0.13, 0.13, 0.13, 0.03, 0.03, 0.05, 0.08, 0.13, 0.02, 0.02, 0.13, 0.07, 0.05),
    "lk-bpo": (0.05, 0.12, 0.05, 0.03, 0.02, 0.18, 0.12, 0.12, 0, 0.02, 0.06, 0.12, 0.12),
    "lk-cco": (0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "pk-mfo": (0.15, 0.1, 0.07, 0.05, 0.01, 0.1, 0.1, 0.1, 0.01, 0.03, 0.1, 0.05, 0.1),
    "pk-bpo": (0.06, 0.12, 0.06, 0, 0.01, 0.12, 0.12, 0.12, 0, 0.05, 0.12, 0.12, 0.12),
    "pk-cco": (0.07, 0.12, 0.12, 0, 0.01, 0.05, 0.12, 0.12, 0, 0.05, 0.12, 0.12, 0.12),
}


def _weighted(weights: tuple[float, ...]) -> Mapping[str, float]:
    given = zip(_SIGNALS, weights, strict=True)
    return MappingProxyType({signal: weight for signal, weight in given if weight})


KNOWN_TERMS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {cell: _weighted(weights) for cell, weights in _TABLE.items()}
)
"""Mean of the weights chosen for the cell and of those chosen for all cells, by coordinate search among 0, .1, .2, .5
and 1 on the windows of 2014 to 2017 (`docs/method.md`). In a cell where that gains nothing: the votes by alignment.
"""

KNOWN_TERMS_MEAN = _weighted((0.13, 0.16, 0.09, 0.01, 0.02, 0.09, 0.1, 0.1, 0, 0.03, 0.09, 0.08, 0.09))
"""Mean over the cells, for a recipe must have weights without one."""
