"""The columns that a re-ranker reads, from a frame: in its order, with its codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.features.definitions import ABSENT_CODE, FEATURES

__all__ = ["ColumnPlan", "Columns", "live_vocabularies"]


class Columns(Protocol):
    """Features by name, as a `FeatureFrame` has them."""

    def __len__(self) -> int: ...

    def __getitem__(self, name: str) -> NDArray[np.generic]: ...


def live_vocabularies(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Texts of each category among some features, in the order of the codes used here."""
    return {name: FEATURES[name].vocabulary for name in names if name in FEATURES and FEATURES[name].is_category}


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """Which features a booster reads.

    Attributes
    ----------
    names
        In the order of its matrix.
    vocabularies
        Texts of each category in the order of the codes it was trained on.
    """

    names: tuple[str, ...]
    vocabularies: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def live(cls, names: Sequence[str]) -> ColumnPlan:
        """Plan for a booster that is trained here."""
        return cls(tuple(names), MappingProxyType(live_vocabularies(names)))

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the columns that are codes."""
        return tuple(name for name in self.names if name in self.vocabularies)

    def matrix(self, columns: Columns) -> NDArray[np.float32]:
        """Put the columns side by side, shape ``(n, len(names))``.

        A category is coded as the booster learnt it; what its vocabulary lacks is `ABSENT_CODE`.
        """
        values = np.empty((len(columns), len(self.names)), dtype=np.float32)
        for position, name in enumerate(self.names):
            column = columns[name]
            values[:, position] = self._recoded(name, column) if name in self.vocabularies else column
        return values

    def _recoded(self, name: str, codes: NDArray[np.generic]) -> NDArray[np.int64]:
        """Translate codes; the last place of the table is where -1 looks."""
        learnt = {text: code for code, text in enumerate(self.vocabularies[name])}
        table = [learnt.get(text, ABSENT_CODE) for text in FEATURES[name].vocabulary]
        return np.array([*table, ABSENT_CODE], dtype=np.int64)[codes.astype(np.int64)]
