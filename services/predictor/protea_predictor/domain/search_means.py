"""What a search over all references works with."""

from __future__ import annotations

from dataclasses import dataclass

from protea_predictor.domain.rough_distances import RoughReferences
from protea_predictor.domain.rough_products import SINGLE_PRECISION, RoughProducts

__all__ = ["SearchMeans"]


@dataclass(frozen=True, slots=True, eq=False)
class SearchMeans:
    """How long a search takes follows from these, and nothing of what it finds.

    Attributes
    ----------
    products
        What multiplies.
    prepared
        The references made ready for the products; ``None`` where each search does that for itself.
    threads
        Tiles of references worked on at once.
    """

    products: RoughProducts = SINGLE_PRECISION
    prepared: RoughReferences | None = None
    threads: int = 1
