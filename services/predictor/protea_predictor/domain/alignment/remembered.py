"""Hits of searches that were made already: predictions, datasets and re-ranked predictions ask for the same ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.alignment.hits import AlignedHits

__all__ = ["RememberedHits"]

_OF_A_HIT = tuple(field.name for field in fields(AlignedHits))[1:]
"""What is kept of each hit: all but the query's row, which is another in each batch."""


class RememberedHits:
    """Hits by query, those asked for most recently.

    Parameters
    ----------
    most
        Hits that are kept, of 48 bytes each.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._hits: OrderedDict[Hashable, NDArray[np.float64]] = OrderedDict()

    def missing(self, keys: Sequence[Hashable]) -> list[int]:
        """Positions of the queries that have to be searched, one for each key."""
        seen: set[Hashable] = set()
        positions = []
        for position, key in enumerate(keys):
            if key not in self._hits and key not in seen:
                positions.append(position)
            seen.add(key)
        return positions

    def put(self, keys: Sequence[Hashable], hits: AlignedHits) -> None:
        """Keep the hits of queries, and forget those that were not asked for the longest.

        Parameters
        ----------
        keys
            Of the queries, by their row in ``hits``.
        """
        table = np.stack([getattr(hits, name).astype(np.float64) for name in _OF_A_HIT])
        bounds = np.searchsorted(hits.query_row, np.arange(len(keys) + 1)).tolist()
        for row, key in enumerate(keys):
            self._forget(key)
            self._hits[key] = table[:, bounds[row] : bounds[row + 1]].copy()
            self._held += bounds[row + 1] - bounds[row]

    def get(self, keys: Sequence[Hashable]) -> AlignedHits:
        """Give the hits of queries, all of which are kept, in the order of the keys.

        Raises
        ------
        KeyError
            If those of one are not kept.
        """
        parts = [self._hits[key] for key in keys]
        for key in keys:
            self._hits.move_to_end(key)
        self._make_room()
        if not parts:
            return AlignedHits.none()
        rows = np.repeat(np.arange(len(keys)), [part.shape[1] for part in parts])
        references, *rest = np.concatenate(parts, axis=1)
        return AlignedHits(rows, references.astype(np.int64), *rest)

    def _forget(self, key: Hashable) -> None:
        kept = self._hits.pop(key, None)
        self._held -= 0 if kept is None else kept.shape[1]

    def _make_room(self) -> None:
        while self._held > self._most and len(self._hits) > 1:
            self._forget(next(iter(self._hits)))
