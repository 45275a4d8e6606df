"""What speaks against a dataset: columns that say nothing, and columns that say too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Alarm", "AlarmKind", "ColumnWatch", "single_feature_auc"]

_SAMPLE_ROWS = 50_000
"""Rows that single features are judged by; the standard error of an AUC is then below .01 with 1 % true rows."""

_FEWEST = 50
"""Rows of each label below which an AUC is chance and raises no alarm."""


class AlarmKind(StrEnum):
    """Why a column is suspicious."""

    CONSTANT = "constant"
    TOO_GOOD = "too_good"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A suspicious column.

    Attributes
    ----------
    value
        The constant, or the AUC.
    """

    column: str
    kind: AlarmKind
    value: float

    @property
    def message(self) -> str:
        """What is wrong, for people."""
        match self.kind:
            case AlarmKind.CONSTANT:
                return f"{self.column} is {self.value:g} in every row"
            case AlarmKind.TOO_GOOD:
                return f"{self.column} alone tells true from false with an AUC of {self.value:.3f}"


class ColumnWatch:
    """Looks at the rows of a dataset as they pass; holds a sample and no more.

    Parameters
    ----------
    columns
        Names, in the order of the matrices.
    categories
        Those of them that are codes, of which only one value in all rows is suspicious; -1 is absent.
    seed
        Of the sample.

    Attributes
    ----------
    columns
        The same.
    """

    def __init__(self, columns: Sequence[str], *, categories: Sequence[str] = (), seed: int = 0) -> None:
        self.columns = tuple(columns)
        self._is_category = np.array([name in categories for name in columns], dtype=np.bool_)
        self._low = np.full(len(columns), np.inf)
        self._high = np.full(len(columns), -np.inf)
        self._is_ever_absent = np.zeros(len(columns), dtype=np.bool_)
        self._random = np.random.default_rng(seed)
        self._sample = np.empty((0, len(columns)), dtype=np.float32)
        self._labels = np.empty(0, dtype=np.bool_)
        self._multiplicities = np.empty(0, dtype=np.float32)
        self._tickets = np.empty(0)

    def look(
        self, features: NDArray[np.float32], labels: NDArray[np.bool_], *, multiplicities: NDArray[np.float32]
    ) -> None:
        """Take note of rows, shapes ``(n, n_columns)`` and ``(n,)``, that each stand for so many."""
        if len(labels) == 0:
            return
        is_absent = np.isnan(features) | (self._is_category & (features < 0))
        self._is_ever_absent |= is_absent.any(axis=0)
        self._low = np.fmin(self._low, np.where(is_absent, np.inf, features).min(axis=0))
        self._high = np.fmax(self._high, np.where(is_absent, -np.inf, features).max(axis=0))
        self._draw(features, labels, multiplicities)

    @property
    def absent(self) -> tuple[str, ...]:
        """Columns that no row has a value of."""
        return tuple(name for name, high in zip(self.columns, self._high, strict=True) if high == -np.inf)

    def alarms(self, *, suspicious_auc: float) -> tuple[Alarm, ...]:
        """Judge what passed.

        Parameters
        ----------
        suspicious_auc
            A column whose AUC, or 1 less it, is at least so high says too much.
        """
        return (*self._constants(), *self._too_good(suspicious_auc))

    def _draw(
        self, features: NDArray[np.float32], labels: NDArray[np.bool_], multiplicities: NDArray[np.float32]
    ) -> None:
        """Keep the rows with the lowest tickets: every row that passed had the same chance."""
        tickets = np.concatenate((self._tickets, self._random.random(len(labels))))
        kept = np.argpartition(tickets, _SAMPLE_ROWS)[:_SAMPLE_ROWS] if len(tickets) > _SAMPLE_ROWS else slice(None)
        self._tickets = tickets[kept]
        self._sample = np.concatenate((self._sample, features))[kept]
        self._labels = np.concatenate((self._labels, labels))[kept]
        self._multiplicities = np.concatenate((self._multiplicities, multiplicities))[kept]

    def _constants(self) -> list[Alarm]:
        is_constant = (self._low == self._high) & ~self._is_ever_absent
        return [
            Alarm(self.columns[column], AlarmKind.CONSTANT, float(self._low[column]))
            for column in np.flatnonzero(is_constant)
        ]

    def _too_good(self, suspicious_auc: float) -> list[Alarm]:
        columns = zip(self.columns, self._sample.T, self._is_category, strict=True)
        numbers = {name: values for name, values, is_category in columns if not is_category}
        aucs = single_feature_auc(numbers, self._labels, multiplicities=self._multiplicities)
        return [
            Alarm(name, AlarmKind.TOO_GOOD, auc) for name, auc in aucs.items() if max(auc, 1.0 - auc) >= suspicious_auc
        ]


def single_feature_auc(
    columns: Mapping[str, NDArray[np.floating]],
    labels: NDArray[np.bool_],
    *,
    multiplicities: NDArray[np.floating] | None = None,
) -> dict[str, float]:
    """Compute how well each column alone tells true rows from false ones, over the rows that have it.

    Parameters
    ----------
    columns
        Values by name, shape ``(n,)`` each; NaN where absent.
    labels
        Shape ``(n,)``.
    multiplicities
        Rows that each stands for, same shape; ``None`` for 1 each.

    Returns
    -------
    aucs
        Area under the ROC curve, ties count half; columns with fewer than 50 rows of either label are left out.

    References
    ----------
    Hanley and McNeil 1982, Radiology 143:29.
    """
    times = np.ones(len(labels)) if multiplicities is None else multiplicities.astype(np.float64)
    aucs = {}
    for name, values in columns.items():
        is_there = ~np.isnan(values)
        true = labels[is_there]
        if min(int(true.sum()), int((~true).sum())) >= _FEWEST:
            aucs[name] = _auc(values[is_there], true, times[is_there])
    return aucs


def _auc(values: NDArray[np.floating], labels: NDArray[np.bool_], times: NDArray[np.float64]) -> float:
    """Share of the pairs of a true and a false row in which the true one has more; ties are half."""
    _, positions = np.unique(values, return_inverse=True)
    true, false = (np.bincount(positions, np.where(chosen, times, 0.0)) for chosen in (labels, ~labels))
    less = np.cumsum(false) - false / 2.0
    return float((true * less).sum() / (true.sum() * false.sum()))
