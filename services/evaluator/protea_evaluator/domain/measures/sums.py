"""What the measures are made of at each threshold: sums over the proteins of a cell, on a grid or at every score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_evaluator.domain.measures.cell import Cell

__all__ = ["ProteinCounts", "ThresholdSums", "count_by_protein", "grid", "sum_at_every_score", "sum_counts"]


def grid(step: float) -> NDArray[np.float64]:
    """Multiples of ``step`` from ``step`` to below 1, ascending."""
    return np.arange(step, 1, step)


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdSums:
    """Sums over the proteins of a cell, each of shape ``(n_thresholds,)``.

    Attributes
    ----------
    thresholds
        Ascending; a term counts as predicted from this score on.
    n_predicted
        Proteins with a predicted term.
    precision, recall
        Summed over proteins; a protein without a predicted term, or without truth, adds 0.
    true, predicted
        Weight of the predicted terms that are true, and of all predicted terms.
    truth
        Weight of all true terms, a single number.
    cohort
        Proteins in the cell.
    """

    thresholds: NDArray[np.float64]
    n_predicted: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    true: NDArray[np.float64]
    predicted: NDArray[np.float64]
    truth: float
    cohort: int


@dataclass(frozen=True, slots=True, eq=False)
class ProteinCounts:
    """What was predicted for each protein at each threshold.

    Attributes
    ----------
    thresholds
        Ascending, shape ``(n_thresholds,)``.
    true, predicted
        Weight of the predicted terms that are true, and of all predicted terms, shape ``(n_proteins, n_thresholds)``.
    truth
        Weight of each protein's true terms, shape ``(n_proteins,)``.
    cohort
        Number of proteins that averages are taken over.
    """

    thresholds: NDArray[np.float64]
    true: NDArray[np.float64]
    predicted: NDArray[np.float64]
    truth: NDArray[np.float64]
    cohort: int

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the predicted weight that is true; 0 where nothing is predicted."""
        return ratio(self.true, self.predicted)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the true weight that is predicted; 0 where nothing is true."""
        return ratio(self.true, self.truth[:, np.newaxis])


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, with 0 where there is nothing to divide by."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.divide(part, whole, out=np.zeros(shape), where=whole > 0)


def count_by_protein(cell: Cell, thresholds: NDArray[np.float64]) -> ProteinCounts:
    """Count for each protein what reaches each threshold.

    Parameters
    ----------
    thresholds
        Ascending, shape ``(n_thresholds,)``.
    """
    n_reached = np.searchsorted(thresholds, cell.scores, side="right")
    reaches_any = n_reached > 0
    shape = (len(cell.truth), len(thresholds))
    last_bin = cell.proteins.astype(np.int64) * len(thresholds) + n_reached - 1

    def from_last_bin_down(counts: NDArray[np.bool_]) -> NDArray[np.float64]:
        binned = np.bincount(last_bin[counts], cell.weights[counts], shape[0] * shape[1]).astype(np.float64)
        return np.cumsum(binned.reshape(shape)[:, ::-1], axis=1)[:, ::-1]

    return ProteinCounts(
        thresholds=thresholds,
        true=from_last_bin_down(reaches_any & cell.is_true),
        predicted=from_last_bin_down(reaches_any),
        truth=cell.truth,
        cohort=cell.cohort,
    )


def sum_counts(counts: ProteinCounts) -> ThresholdSums:
    """Sum over the proteins."""
    return ThresholdSums(
        thresholds=counts.thresholds,
        n_predicted=np.count_nonzero(counts.predicted > 0, axis=0).astype(np.float64),
        precision=counts.precision.sum(axis=0),
        recall=counts.recall.sum(axis=0),
        true=counts.true.sum(axis=0),
        predicted=counts.predicted.sum(axis=0),
        truth=float(counts.truth.sum()),
        cohort=counts.cohort,
    )


def sum_at_every_score(cell: Cell) -> ThresholdSums:
    """Sum over the proteins at each distinct score, in one pass over the pairs from the best score down.

    A pair changes nothing but the precision and recall of its own protein. So the sums at a score are the running
    totals of these changes, and no protein is looked at twice.
    """
    by_protein = np.lexsort((-cell.scores, cell.proteins))
    proteins = cell.proteins[by_protein]
    weights = cell.weights[by_protein]
    gains = weights * cell.is_true[by_protein]
    is_first = np.diff(proteins, prepend=-1) != 0
    true, predicted = _running_totals(gains, is_first), _running_totals(weights, is_first)
    precision = true / predicted
    before = np.where(is_first, 0.0, np.concatenate([[0.0], precision[:-1]]))
    changes = np.column_stack(
        [is_first.astype(np.float64), precision - before, ratio(gains, cell.truth[proteins]), gains, weights]
    )
    thresholds, totals = _totals_by_score(cell.scores[by_protein], changes)
    n_predicted, precision_sum, recall_sum, true_sum, predicted_sum = totals
    return ThresholdSums(
        thresholds=thresholds,
        n_predicted=n_predicted,
        precision=precision_sum,
        recall=recall_sum,
        true=true_sum,
        predicted=predicted_sum,
        truth=float(cell.truth.sum()),
        cohort=cell.cohort,
    )


def _running_totals(values: NDArray[np.float64], is_first: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Add up from each marked position to the next."""
    totals = np.cumsum(values)
    starts = np.flatnonzero(is_first)
    offsets = totals[starts] - values[starts]
    return totals - np.repeat(offsets, np.diff(np.append(starts, len(values))))


def _totals_by_score(
    scores: NDArray[np.float64], changes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add up changes from the best score down; distinct scores ascending, and totals of shape (columns, scores)."""
    down = np.argsort(-scores, kind="stable")
    totals = np.cumsum(changes[down], axis=0)
    is_last = np.append(np.diff(scores[down]) != 0, True)[: len(scores)]
    return scores[down][is_last][::-1], totals[is_last][::-1].T
