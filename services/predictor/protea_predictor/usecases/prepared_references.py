"""References made ready for the exact search: once per open bank and metric, if there is room for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np

from protea_common.domain.distance import DistanceMetric
from protea_predictor.domain.distances import Vectors
from protea_predictor.domain.rough_distances import RoughMeasure
from protea_predictor.domain.rough_products import SINGLE_PRECISION, RoughProducts
from protea_predictor.domain.search_means import SearchMeans
from protea_predictor.usecases.references import OpenBank

__all__ = ["PreparedReferences"]

_WORTH_CHOOSING = 10_000
"""References from which on the fastest products are asked for: loading torch takes seconds and 200 MB."""


class PreparedReferences:
    """Gives a search its means.

    Parameters
    ----------
    executor
        Threads that make references ready.
    fastest_products
        Says what multiplies fastest on this host; it may be slow to answer.
    bytes_max
        Most memory of a bank's prepared vectors; those of a larger one are made ready by each search, tile by tile.
    threads
        Tiles of references that one search works on at once.
    worth_choosing
        References from which on the fastest products are asked for.
    """

    def __init__(
        self,
        *,
        executor: Executor,
        fastest_products: Callable[[], RoughProducts],
        bytes_max: int,
        threads: int,
        worth_choosing: int = _WORTH_CHOOSING,
    ) -> None:
        self._executor = executor
        self._fastest_products = fastest_products
        self._bytes_max = bytes_max
        self._threads = threads
        self._worth_choosing = worth_choosing

    async def get(self, references: OpenBank, metric: DistanceMetric) -> SearchMeans:
        """Give what a bank is searched with; made by the first who asks, and kept for the metric used last.

        Raises
        ------
        InvalidVectorError
            If a reference is not finite, or longer than 1e15.
        """
        make = partial(self._make, references.bank.vectors, metric)
        loop = asyncio.get_running_loop()

        async def made() -> SearchMeans:
            return await loop.run_in_executor(self._executor, make)

        return await references.means.get(metric, made)

    def _make(self, vectors: Vectors, metric: DistanceMetric) -> SearchMeans:
        products = self._fastest_products() if len(vectors) >= self._worth_choosing else SINGLE_PRECISION
        has_room = vectors.size * np.dtype(products.dtype).itemsize <= self._bytes_max
        prepared = RoughMeasure.of(vectors, metric, products).references(vectors) if has_room else None
        return SearchMeans(products, prepared, self._threads)
