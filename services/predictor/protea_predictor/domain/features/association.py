"""How often the references that carry a known term of the query carry a candidate too."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.ragged import group_starts
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["association_features"]


def association_features(
    candidates: Candidates, known: TermLists, annotations: ReferenceAnnotations, graph: GoGraph
) -> dict[str, NDArray[Any]]:
    """Family ``association``.

    ``association_total`` is the sum over the query's known terms k of ``cooc(k, g) / freq(k)``, where both count
    references; a known term that no reference carries adds nothing. 0 for a query of which nothing is known.
    """
    carried = _carried(annotations, n_terms=known.n_terms)
    aspects = graph.aspects[candidates.term_row]
    parts = [
        _conditional_sums(candidates, known, carried, annotations, chosen=graph.aspects[known.term_row] == aspect)
        for aspect in range(len(ASPECTS))
    ]
    total, cross = np.zeros(len(candidates)), np.zeros(len(candidates))
    for aspect, part in enumerate(parts):
        total += part
        cross += np.where(aspects == aspect, 0.0, part)
    return {"association_total": total, "association_cross": cross, "association_present": total > 0}


def _carried(annotations: ReferenceAnnotations, *, n_terms: int) -> csr_array:
    """Which reference carries which term, as 0 and 1."""
    ones = np.ones(len(annotations.term_rows))
    shape = (len(annotations.density), n_terms)
    return csr_array((ones, annotations.term_rows, annotations.indptr), shape=shape)


def _conditional_sums(
    candidates: Candidates,
    known: TermLists,
    carried: csr_array,
    annotations: ReferenceAnnotations,
    *,
    chosen: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Sum of P(term | k) over the chosen known terms k of each candidate's query."""
    queries, terms = known.query_row[chosen], known.term_row[chosen]
    distinct = queries[group_starts(queries)]
    sums = np.zeros(len(candidates))
    if len(distinct) == 0:
        return sums
    weights = 1.0 / np.maximum(annotations.term_frequency[terms], 1)
    places = (np.searchsorted(distinct, queries), terms)
    asked = csr_array((weights, places), shape=(len(distinct), known.n_terms))
    speaking = asked @ carried.T.tocsr()  # (queries, references): each reference with what it says
    starts, ends = (np.searchsorted(candidates.query_row, distinct, side=side) for side in ("left", "right"))
    for row, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        said = (speaking[[row]] @ carried).toarray()
        sums[start:end] = said[0, candidates.term_row[start:end]]
    return sums
