"""Rows of a dataset: candidates with their features, their label, and whom and what they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.datasets.thinning import Thinning, draw_rows
from protea_predictor.domain.features.frame import FeatureFrame
from protea_predictor.domain.reranking.categories import CATEGORIES, NO_CATEGORY, Cell
from protea_predictor.domain.reranking.truth import WindowTruth

__all__ = ["CellCounts", "RowBlock", "TruthRows", "count_cells", "label_rows", "list_truth", "nested"]


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """Some rows of a window; those of a protein stand together.

    Attributes
    ----------
    frame
        Features; its query rows are positions in ``accessions``.
    accessions
        Proteins of the block.
    labels, weights, categories, aspects
        Whether the term was gained, its information accretion in bits, and positions in `CATEGORIES` and `ASPECTS`,
        shape ``(n,)`` each.
    scores
        What the recipe that ranked them says, in [0, 1], same shape.
    multiplicities
        Rows that each stands for, as `draw_rows` gives them, same shape.
    window
        Name of the window, for example ``v220-v221``.
    """

    frame: FeatureFrame
    accessions: tuple[str, ...]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float32]
    categories: NDArray[np.int8]
    aspects: NDArray[np.int8]
    scores: NDArray[np.float32]
    multiplicities: NDArray[np.float32]
    window: str

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class TruthRows:
    """How much there is to find of each protein in each aspect, also where nothing was predicted; shape ``(n,)`` each.

    Attributes
    ----------
    accessions
        The protein.
    aspects, categories
        As in `RowBlock`.
    terms, information
        Terms to find, and their information accretion added up, in bits.
    """

    accessions: tuple[str, ...]
    aspects: NDArray[np.int8]
    categories: NDArray[np.int8]
    terms: NDArray[np.float64]
    information: NDArray[np.float64]


def label_rows(
    frame: FeatureFrame,
    scores: NDArray[np.float64],
    truth: WindowTruth,
    *,
    accessions: tuple[str, ...],
    numbers: NDArray[np.int64],
    weights: NDArray[np.float64],
    window: str,
    thinning: Thinning,
) -> RowBlock:
    """Label candidates and keep those that an evaluation measures, fewer of those that are false and rank low.

    Parameters
    ----------
    frame, scores
        Of the queries of a block.
    truth
        Of all queries of the window.
    accessions
        Proteins of the block.
    numbers
        Row of each of them in ``truth``.
    weights
        Information accretion of each term of the graph.
    thinning
        Which rows are kept.
    """
    queries = numbers[frame.query_row]
    categories = truth.categories_of(queries, frame.term_row)
    measured = np.flatnonzero(categories != NO_CATEGORY)
    labels = truth.labels_of(queries[measured], frame.term_row[measured])
    aspects = truth.graph.aspects[frame.term_row[measured]]
    drawn, multiplicities = draw_rows(
        scores[measured],
        labels,
        cells=queries[measured] * len(ASPECTS) + aspects,
        terms=frame.term_row[measured],
        thinning=thinning,
    )
    kept = frame.take(measured[drawn])
    return RowBlock(
        frame=kept,
        accessions=accessions,
        labels=labels[drawn],
        weights=weights[kept.term_row].astype(np.float32),
        categories=categories[measured[drawn]],
        aspects=aspects[drawn],
        scores=scores[measured[drawn]].astype(np.float32),
        multiplicities=multiplicities,
        window=window,
    )


def list_truth(truth: WindowTruth, accessions: tuple[str, ...], *, weights: NDArray[np.float64]) -> TruthRows:
    """List what there is to find in a window."""
    queries, aspects = np.nonzero(truth.categories != NO_CATEGORY)
    terms, information = truth.sizes(np.ones(len(weights))), truth.sizes(weights)
    return TruthRows(
        accessions=tuple(accessions[query] for query in queries),
        aspects=aspects.astype(np.int8),
        categories=truth.categories[queries, aspects],
        terms=terms[queries, aspects],
        information=information[queries, aspects],
    )


CellCounts = Counter[tuple[str, str]]
"""Numbers by the name of a cell and what is counted: rows, the candidates they stand for, positives or proteins."""


def count_cells(block: RowBlock) -> CellCounts:
    """Count the rows of a block by cell; proteins are counted in every cell that they have rows in."""
    counts: CellCounts = Counter()
    for category in CATEGORIES:
        for aspect in ASPECTS:
            cell = Cell(category, aspect)
            held = cell.holds(block.categories, block.aspects)
            if held.any():
                counts[cell.name, "rows"] = int(held.sum())
                counts[cell.name, "candidates"] = round(float(block.multiplicities[held].sum(dtype=np.float64)))
                counts[cell.name, "positives"] = int(block.labels[held].sum())
                counts[cell.name, "proteins"] = len(np.unique(block.frame.query_row[held]))
    return counts


def nested(counts: CellCounts) -> Mapping[str, dict[str, int]]:
    """Give the counts as a mapping of cells, for a manifest."""
    table: dict[str, dict[str, int]] = {}
    for (cell, what), number in sorted(counts.items()):
        table.setdefault(cell, {})[what] = number
    return table
