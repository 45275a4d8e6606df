"""Features of candidates as columns: what is written, what a model is trained on, and what it reads when it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.features.definitions import ABSENT_CODE, FEATURES, FeatureDefinition
from protea_predictor.domain.features.errors import UnknownFeatureError

__all__ = ["Column", "FeatureFrame", "build_frame"]

Column = NDArray[Any]
"""Numbers, float32, NaN where absent; or codes of a category, int16, -1 where absent."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureFrame:
    """All defined features of some candidates; instances come from `build_frame`.

    Attributes
    ----------
    query_row, term_row
        The candidate, as in `Candidates`, ascending by both, shape ``(n,)``.
    columns
        Values by name, in the order of `FEATURES`, shape ``(n,)`` each; float32 or, for a category, int16. What was not
        computed takes no memory: one NaN is shown n times.
    families
        Families that were computed, in the order of `FEATURES`.
    """

    query_row: NDArray[np.int64]
    term_row: NDArray[np.int64]
    columns: Mapping[str, Column]
    families: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.query_row)

    def __getitem__(self, name: str) -> Column:
        """Look a column up by name."""
        try:
            return self.columns[name]
        except KeyError:
            raise UnknownFeatureError([name]) from None

    def matrix(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Put columns side by side, shape ``(n, len(names))``; an absent category is -1.

        Raises
        ------
        UnknownFeatureError
            If a name has no definition.
        """
        values = np.empty((len(self), len(names)), dtype=np.float32)
        for position, name in enumerate(names):
            values[:, position] = self[name]
        return values

    def take(self, positions: NDArray[np.integer]) -> FeatureFrame:
        """Keep some candidates, in the order given."""
        return FeatureFrame(
            query_row=self.query_row[positions],
            term_row=self.term_row[positions],
            columns=MappingProxyType({name: _taken(column, positions) for name, column in self.columns.items()}),
            families=self.families,
        )


def build_frame(
    query_row: NDArray[np.int64], term_row: NDArray[np.int64], computed: Mapping[str, NDArray[np.generic]]
) -> FeatureFrame:
    """Bring computed columns into their types and order, and show the others as absent.

    Parameters
    ----------
    query_row, term_row
        The candidates, shape ``(n,)``.
    computed
        Values by name, in any order and type, shape ``(n,)`` each.

    Raises
    ------
    UnknownFeatureError
        If a name has no definition.
    ShapeMismatchError
        If a column has another length.
    """
    unknown = set(computed) - set(FEATURES)
    if unknown:
        raise UnknownFeatureError(unknown)
    wrong = [name for name, values in computed.items() if values.shape != query_row.shape]
    require_shape(not wrong, f"Columns {', '.join(wrong)} do not have {len(query_row)} values; give one per candidate.")
    columns = {
        name: _typed(computed[name], definition) if name in computed else _absent(definition, length=len(query_row))
        for name, definition in FEATURES.items()
    }
    families = tuple(dict.fromkeys(FEATURES[name].family for name in FEATURES if name in computed))
    return FeatureFrame(query_row, term_row, MappingProxyType(columns), families)


def _typed(values: NDArray[np.generic], definition: FeatureDefinition) -> Column:
    return values.astype(np.int16 if definition.is_category else np.float32, copy=False)


def _absent(definition: FeatureDefinition, *, length: int) -> Column:
    nothing = np.int16(ABSENT_CODE) if definition.is_category else np.float32(np.nan)
    return np.broadcast_to(nothing, (length,))


def _taken(column: Column, positions: NDArray[np.integer]) -> Column:
    is_absent = column.strides == (0,)
    return np.broadcast_to(column[:1], positions.shape) if is_absent and len(column) else column[positions]
