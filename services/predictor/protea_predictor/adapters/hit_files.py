"""Hits of searches as files beside the database that was searched: another process need not search again."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from uuid import uuid4

import numpy as np

from protea_predictor.domain.alignment.hits import AlignedHits

__all__ = ["HitFiles"]

_NAMES = tuple(field.name for field in fields(AlignedHits))


class HitFiles:
    """Files of hits, one for each search; deleting them is always safe.

    Parameters
    ----------
    folder
        Names the database and the choices of the search; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Iterator[tuple[list[str], AlignedHits]]:
        """Give the keys of the queries of each search with their hits; what cannot be read was never written."""
        for path in sorted(self._folder.glob("*.npz")):
            with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
                with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    found = stored["keys"].tolist(), AlignedHits(*(stored[name] for name in _NAMES))
                yield found

    def write(self, keys: Sequence[str], hits: AlignedHits) -> None:
        """Keep the hits of a search; that there is no room for them is no reason to fail.

        Parameters
        ----------
        keys
            Of the queries, by their row in ``hits``.
        """
        path = self._folder / f"{uuid4().hex}.npz"
        partial = path.with_suffix(".partial")
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            with partial.open("wb") as file:
                np.savez(file, keys=np.array(keys), **{name: getattr(hits, name) for name in _NAMES})
            partial.replace(path)
