"""How a method does on kinds of proteins: pooled measures of strata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_evaluator.domain.measures.curve import draw_curve
from protea_evaluator.domain.measures.sums import ProteinCounts, sum_counts

__all__ = ["UNKNOWN", "Stratum", "are_unknown", "homology_band", "length_band", "pool"]

UNKNOWN = "unknown"
"""Band of a protein of which the figure is not known; it is shown, not left out."""

_LENGTHS = ((200, "under 200"), (500, "200 to 499"), (1_000, "500 to 999"))
_LONGEST = "1000 and more"
_IDENTITIES = ((0.3, "under 30 %"), (0.6, "30 to 59 %"))
_CLOSEST = "60 % and more"
_BANDS = (*(name for _, name in _LENGTHS), _LONGEST, *(name for _, name in _IDENTITIES), _CLOSEST)
_PLACE_OF = {name: place for place, name in enumerate(_BANDS)}


def length_band(residues: int | None) -> str:
    """Name the band of a protein's length."""
    if residues is None:
        return UNKNOWN
    return next((name for end, name in _LENGTHS if residues < end), _LONGEST)


def homology_band(identity: float | None) -> str:
    """Name the band of the highest identity, in [0, 1], to a donor of another sequence."""
    if identity is None:
        return UNKNOWN
    return next((name for end, name in _IDENTITIES if identity < end), _CLOSEST)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Proteins of one kind, pooled.

    Attributes
    ----------
    labels
        One for each axis.
    n_proteins
        Proteins in it.
    precision, recall, micro_f
        Of the sums over its proteins, at the threshold that is best for the whole cell, in [0, 1].
    is_reportable
        Whether it has enough proteins to be read.
    """

    labels: tuple[str, ...]
    n_proteins: int
    precision: float
    recall: float
    micro_f: float
    is_reportable: bool


def pool(counts: ProteinCounts, labels: Sequence[tuple[str, ...]], *, min_population: int) -> list[Stratum]:
    """Pool the proteins of a cell by their labels.

    Parameters
    ----------
    labels
        Of each protein, in the order of the counts.
    min_population
        Proteins from which a stratum is reportable.

    Returns
    -------
    strata
        By their labels, bands from the least to the greatest; together they hold each protein once.
    """
    curve = draw_curve(sum_counts(counts))
    best = int(np.argmax(curve.f))
    true, predicted = counts.true[:, best], counts.predicted[:, best]
    strata = []
    for wanted in sorted(set(labels), key=_places):
        rows = np.array([label == wanted for label in labels])
        strata.append(_stratum(wanted, true[rows], predicted[rows], counts.truth[rows], min_population))
    return strata


def _places(labels: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Sort bands by what they hold, and what is no band, or not known, behind them."""
    return tuple((_PLACE_OF.get(label, len(_BANDS)), label) for label in labels)


def _stratum(
    labels: tuple[str, ...],
    true: NDArray[np.float64],
    predicted: NDArray[np.float64],
    truth: NDArray[np.float64],
    min_population: int,
) -> Stratum:
    found, told, wanted = float(true.sum()), float(predicted.sum()), float(truth.sum())
    return Stratum(
        labels=labels,
        n_proteins=len(truth),
        precision=found / told if told else 0.0,
        recall=found / wanted if wanted else 0.0,
        micro_f=2 * found / (told + wanted) if told + wanted else 0.0,
        is_reportable=len(truth) >= min_population,
    )


def are_unknown(strata: Sequence[Stratum]) -> bool:
    """Whether nothing is known about any protein by which they could be told apart."""
    return all(set(stratum.labels) == {UNKNOWN} for stratum in strata)
