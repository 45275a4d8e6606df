"""How well scores find what was learnt in the selection window: Fmax, as the evaluator measures it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.ragged import group_starts

__all__ = ["SelectionCurve", "best_f"]


@dataclass(frozen=True, slots=True)
class SelectionCurve:
    """The best point of a precision-recall curve.

    Attributes
    ----------
    fmax, precision, recall, tau
        At the threshold ``tau``; all 0 where nothing is predicted.
    proteins
        With something to find.
    """

    fmax: float
    precision: float
    recall: float
    tau: float
    proteins: int


def best_f(
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    proteins: NDArray[np.int64],
    *,
    truth: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> SelectionCurve:
    """Find the threshold of the best protein-centred F, over every distinct score.

    Precision is averaged over the proteins that have a prediction at the threshold, recall over all (norm ``cafa``).

    Parameters
    ----------
    scores
        Consistent with the ontology; those of 0 predict nothing; shape ``(n,)``.
    labels
        Whether the term is true, same shape.
    proteins
        Position in ``truth``, same shape.
    truth
        What there is to find of each protein, candidates or not, in the unit of the weights; above 0.
    weights
        Of each candidate's term; ``None`` for 1 each.

    References
    ----------
    Radivojac et al. 2013, Nat Methods 10:221; Jiang et al. 2016, Genome Biol 17:184 (weighted).
    """
    worth = np.ones(len(scores)) if weights is None else weights
    predicted = np.flatnonzero((scores > 0) & (worth > 0))
    order = predicted[np.lexsort((-scores[predicted], proteins[predicted]))]
    owner, value = proteins[order], worth[order]
    precision, gain = _precision_steps(owner, value, labels[order])
    by_score = np.argsort(-scores[order], kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order][by_score]) != 0, True)) if len(order) else by_score
    is_first = np.zeros(len(order))
    is_first[group_starts(owner)] = 1.0
    covered = np.cumsum(is_first[by_score])[ends]
    mean_precision = np.cumsum(precision[by_score])[ends] / np.maximum(covered, 1.0)
    mean_recall = np.cumsum((gain / truth[owner])[by_score])[ends] / max(1, len(truth))
    return _best_point(mean_precision, mean_recall, scores[order][by_score][ends], proteins=len(truth))


def _precision_steps(
    owner: NDArray[np.int64], value: NDArray[np.float64], labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By how much a protein's precision changes, and what is found, as each of its terms is added, best first."""
    gain = np.where(labels, value, 0.0)
    starts = group_starts(owner)
    found, shown = (_running_sum(values, starts, len(owner)) for values in (gain, value))
    level = found / shown
    before = np.concatenate(([0.0], level[:-1])) if len(level) else level
    before[starts] = 0.0
    return level - before, gain


def _running_sum(values: NDArray[np.float64], starts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Sum from the start of each group."""
    total = np.cumsum(values)
    offsets = np.concatenate(([0.0], total))[starts]
    sums: NDArray[np.float64] = total - np.repeat(offsets, np.diff(starts, append=length))
    return sums


def _best_point(
    precision: NDArray[np.float64], recall: NDArray[np.float64], thresholds: NDArray[np.float64], *, proteins: int
) -> SelectionCurve:
    if len(thresholds) == 0:
        return SelectionCurve(0.0, 0.0, 0.0, 0.0, proteins)
    both = precision + recall
    f = np.divide(2.0 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    best = int(f.argmax())
    return SelectionCurve(
        float(f[best]), float(precision[best]), float(recall[best]), float(thresholds[best]), proteins
    )
