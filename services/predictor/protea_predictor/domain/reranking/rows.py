"""Rows that a booster learns from or is stopped by, proteins together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.ragged import group_starts
from protea_predictor.domain.reranking.errors import TrainingDataError

__all__ = ["MAX_ROWS_PER_GROUP", "LearningRows", "thin_negatives"]

MAX_ROWS_PER_GROUP = 10_000
"""Rows of one protein that LightGBM's ranking objective takes; it refuses more."""


@dataclass(frozen=True, slots=True, eq=False)
class LearningRows:
    """Candidates with their features and what became of them.

    Attributes
    ----------
    features
        Shape ``(n, n_columns)``, float32; NaN where absent, a category's code where it is one.
    labels
        Whether the protein was found to have the term, shape ``(n,)``.
    weights
        Information accretion of the term in bits, at least 0, shape ``(n,)``.
    proteins
        Number of the protein in its window, ascending, shape ``(n,)``; rows of equal number are one group.
    multiplicities
        Candidates that each row stands for, shape ``(n,)``.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float32]
    proteins: NDArray[np.int64]
    multiplicities: NDArray[np.float32]

    def __post_init__(self) -> None:
        columns = (self.features, self.labels, self.weights, self.proteins, self.multiplicities)
        lengths = {len(column) for column in columns}
        require_shape(len(lengths) == 1, f"Columns of learning rows have lengths {sorted(lengths)}; give one per row.")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def group_sizes(self) -> NDArray[np.int64]:
        """Rows of each protein, in their order."""
        return np.diff(group_starts(self.proteins), append=len(self.proteins))

    def take(self, positions: NDArray[np.integer]) -> LearningRows:
        """Keep some rows; the positions ascend."""
        return LearningRows(
            self.features[positions],
            self.labels[positions],
            self.weights[positions],
            self.proteins[positions],
            self.multiplicities[positions],
        )

    def weighing_alike(self) -> LearningRows:
        """Let every candidate weigh 1."""
        return replace(self, weights=np.ones_like(self.weights))

    def require_teachable(self, what: str) -> None:
        """Refuse rows that are all of one label, or more for one protein than can be ranked.

        Raises
        ------
        TrainingDataError
            Naming ``what`` they are.
        """
        positives = int(self.labels.sum())
        if positives in {0, len(self)}:
            raise TrainingDataError(
                f"Of the {len(self)} rows of the {what} {positives} are true, so nothing can be learnt from them; "
                "export a dataset with more proteins of this category."
            )
        largest = int(self.group_sizes.max())
        if largest > MAX_ROWS_PER_GROUP:
            raise TrainingDataError(
                f"A protein of the {what} has {largest} candidates, and ranking takes {MAX_ROWS_PER_GROUP}; export "
                "with a smaller limit_per_entry."
            )


def thin_negatives(labels: NDArray[np.bool_], *, ratio: float | None, seed: int) -> tuple[NDArray[np.int64], float]:
    """Choose rows so that at most ``ratio`` false ones stand beside each true one.

    Parameters
    ----------
    labels
        Shape ``(n,)``.
    ratio
        ``None`` keeps all.
    seed
        Of the choice.

    Returns
    -------
    positions
        Ascending; every true row is among them.
    multiplicity
        False rows that each false row of them stands for.
    """
    false = np.flatnonzero(~labels)
    wanted = len(false) if ratio is None else int(ratio * labels.sum())
    if wanted >= len(false):
        return np.arange(len(labels), dtype=np.int64), 1.0
    chosen = np.random.default_rng(seed).choice(false, size=wanted, replace=False)
    return np.sort(np.concatenate((np.flatnonzero(labels), chosen))), len(false) / max(wanted, 1)
