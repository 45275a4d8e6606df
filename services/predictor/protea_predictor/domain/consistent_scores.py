"""Scores by a recipe that agree with the ontology: the same for new candidates and for stored ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_common.domain.scoring import ScoringRecipe
from protea_predictor.domain.hierarchy import raise_parents
from protea_predictor.domain.reranking.categories import cells_of
from protea_predictor.domain.scoring import score_candidates

__all__ = ["consistent_scores"]


def consistent_scores(
    signals: Mapping[str, NDArray[np.float64]],
    recipe: ScoringRecipe,
    *,
    query_row: NDArray[np.int64],
    term_row: NDArray[np.int64],
    graph: GoGraph,
    categories: NDArray[np.int8] | None,
) -> NDArray[np.float64]:
    """Score candidates by a recipe, so that no term scores below one of its descendants.

    Parameters
    ----------
    signals
        As `score_candidates` takes them, shape ``(n,)`` each.
    recipe
        How the signals of a candidate become its score.
    query_row, term_row, graph
        The candidates, same shape, and the graph of their terms.
    categories
        How much is known of each query in each aspect, as `categories_of` gives it, shape ``(n_queries, 3)``; needed
        where the recipe has weights by cell.

    Returns
    -------
    scores
        In [0, 1], same shape.
    """
    cells = None
    if categories is not None:
        aspects = graph.aspects[term_row]
        cells = cells_of(categories[query_row, aspects], aspects)
    return raise_parents(query_row, term_row, score_candidates(signals, recipe, cells=cells), graph)
