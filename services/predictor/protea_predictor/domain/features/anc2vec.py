"""Vectors of terms: how near a candidate lies to what neighbours carry, and to what is known of its query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_common.errors import PermanentError
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.ragged import group_starts

__all__ = ["InvalidTermVectorsError", "TermVectors", "known_vector_features", "neighbour_vector_features"]


class InvalidTermVectorsError(PermanentError):
    """A file of term vectors gives not one finite vector of the same length to each term."""

    slug: ClassVar[str] = "invalid-term-vectors"


@dataclass(frozen=True, slots=True, eq=False)
class TermVectors:
    """Unit vectors of the terms of a graph; instances come from `build`.

    Attributes
    ----------
    vectors
        By row of the graph, float32, shape ``(n_terms, D)``; zeros for a term without one.
    has_vector
        Whether a term has one, shape ``(n_terms,)``.

    References
    ----------
    Edera, Milone and Stegmayer 2022, Brief Bioinform 23:bbac003.
    """

    vectors: NDArray[np.float32]
    has_vector: NDArray[np.bool_]

    @classmethod
    def build(cls, go_ids: Sequence[str], vectors: NDArray[np.floating], graph: GoGraph) -> TermVectors:
        """Match vectors to the terms of a graph by their ids; ids that the graph has not are passed over.

        Raises
        ------
        InvalidTermVectorsError
            If there is not one vector per id, or one is not finite or has no direction.
        """
        if vectors.ndim != 2 or len(vectors) != len(go_ids):  # noqa: PLR2004 - a table
            raise InvalidTermVectorsError(
                f"{len(go_ids)} terms and vectors of shape {vectors.shape}; give one vector per term."
            )
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise InvalidTermVectorsError("A term's vector is not finite, or all zeros; leave out terms without one.")
        places = [(graph.row_of[go_id], row) for row, go_id in enumerate(go_ids) if go_id in graph.row_of]
        rows, sources = np.array(places, dtype=np.int64).reshape(-1, 2).T
        table = np.zeros((len(graph.go_ids), vectors.shape[1]), dtype=np.float32)
        table[rows] = vectors[sources] / lengths[sources, None]
        has_vector = np.zeros(len(graph.go_ids), dtype=np.bool_)
        has_vector[rows] = True
        return cls(table, has_vector)


def neighbour_vector_features(
    candidates: Candidates, terms: TermVectors, aspects: NDArray[np.integer]
) -> dict[str, NDArray[Any]]:
    """Family ``anc2vec_neighbor``.

    The neighbours' terms of an aspect are the query's candidates of it. A candidate is not compared with itself, or
    its greatest cosine would always be 1; it counts in the mean.
    """
    mean, largest = np.full((2, len(candidates)), np.nan)
    has_vector = terms.has_vector[candidates.term_row]
    for members in _cells(candidates, aspects, chosen=has_vector):
        vectors = terms.vectors[candidates.term_row[members]]
        mean[members] = _cosines_to_mean(vectors, vectors)
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -np.inf)
        best = cosines.max(axis=1)
        largest[members] = np.where(np.isfinite(best), np.clip(best, -1.0, 1.0), np.nan)
    return {"anc2vec_neighbor_cos": mean, "anc2vec_neighbor_maxcos": largest, "anc2vec_has_emb": has_vector}


def known_vector_features(
    candidates: Candidates, terms: TermVectors, known: TermLists | None, graph: GoGraph
) -> dict[str, NDArray[Any]]:
    """Family ``anc2vec_query``; cosines are NaN where nothing is known of the query in the candidate's aspect."""
    mean, largest = np.full((2, len(candidates)), np.nan)
    counts = np.zeros(len(candidates), dtype=np.int64)
    aspects = graph.aspects[candidates.term_row]
    lists = _known_by_cell(known, terms, graph)
    for members in _cells(candidates, aspects, chosen=np.ones(len(candidates), dtype=np.bool_)):
        first = members[0]
        rows = lists.get((int(candidates.query_row[first]), int(aspects[first])))
        if rows is None:
            continue
        counts[members] = len(rows)
        mine = members[terms.has_vector[candidates.term_row[members]]]
        own, others = terms.vectors[candidates.term_row[mine]], terms.vectors[rows]
        mean[mine] = _cosines_to_mean(own, others)
        largest[mine] = np.clip((own @ others.T).max(axis=1), -1.0, 1.0)
    return {
        "anc2vec_query_known_cos": mean,
        "anc2vec_query_known_maxcos": largest,
        "anc2vec_query_known_count": counts,
    }


def _cells(
    candidates: Candidates, aspects: NDArray[np.integer], *, chosen: NDArray[np.bool_]
) -> Iterator[NDArray[np.int64]]:
    """Positions of the chosen candidates of each query and aspect."""
    positions = np.flatnonzero(chosen)
    cells = candidates.query_row[positions] * len(ASPECTS) + aspects[positions]
    order = np.argsort(cells, kind="stable")
    starts = group_starts(cells[order])
    return iter(np.split(positions[order], starts[1:])) if len(positions) else iter(())


def _known_by_cell(
    known: TermLists | None, terms: TermVectors, graph: GoGraph
) -> dict[tuple[int, int], NDArray[np.int64]]:
    """Known terms with a vector by query and aspect."""
    if known is None:
        return {}
    has_vector = terms.has_vector[known.term_row]
    queries, rows = known.query_row[has_vector], known.term_row[has_vector]
    cells = queries * len(ASPECTS) + graph.aspects[rows]
    order = np.argsort(cells, kind="stable")
    groups = np.split(rows[order], group_starts(cells[order])[1:]) if len(rows) else []
    names = cells[order][group_starts(cells[order])].tolist()
    return {divmod(cell, len(ASPECTS)): group for cell, group in zip(names, groups, strict=True)}


def _cosines_to_mean(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of unit vectors to the mean of others; NaN where that has no direction."""
    mean = others.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length == 0:
        return np.full(len(vectors), np.nan)
    cosines: NDArray[np.float64] = np.clip(vectors @ (mean / length), -1.0, 1.0)
    return cosines
