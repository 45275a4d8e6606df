"""The part of an ontology that an evaluation needs, as OBO text.

The evaluator holds a dense matrix of all terms it is given, so 2,000 proteins take 54 s and 2.5 GB on the whole GO,
and 5.3 s and 0.36 GB on the cut, with the same measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph

__all__ = ["cut_to_closure", "write_flat_obo", "write_obo"]


def cut_to_closure(graph: GoGraph, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Add to the given terms all their ancestors.

    Parameters
    ----------
    rows
        Rows of ``graph`` in any order, repeated ones included.

    Returns
    -------
    rows
        Distinct rows, ascending; none for none. Each term's parents are among them, so scores propagate in the cut
        as they do in the whole.
    """
    parts = [
        graph.closure_indices[graph.closure_indptr[row] : graph.closure_indptr[row + 1]] for row in np.unique(rows)
    ]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int32), *parts]))


def write_obo(graph: GoGraph, rows: NDArray[np.int32]) -> Iterator[str]:
    """Write terms with their parents, as lines with their line ends.

    Only what the evaluator reads is written: identifier, namespace and parents. The graph's edges are all propagating
    ones inside an aspect, and the evaluator follows is_a and part_of alike, so all stand as is_a.

    Parameters
    ----------
    rows
        Rows of ``graph`` that hold the parents of each of them, see `cut_to_closure`.

    References
    ----------
    OBO Flat File Format 1.2.
    """
    yield from _obo_lines(graph, ((int(row), graph.parents(int(row))) for row in rows))


def write_flat_obo(graph: GoGraph, rows: NDArray[np.int32]) -> Iterator[str]:
    """Write terms directly below the root of their aspect, for pairs that are already propagated.

    In such an ontology the evaluator's own propagation reaches nothing but the root, which it does not count.

    Parameters
    ----------
    rows
        Rows of ``graph`` that hold the ancestors of each of them, see `cut_to_closure`.
    """
    roots = np.array([row for row in rows if not len(graph.parents(int(row)))], dtype=np.int32)
    root_of_aspect = {graph.aspects[root]: root for root in roots}
    others = np.setdiff1d(rows, roots)
    edges: list[tuple[int, Iterable[int]]] = [(int(root), ()) for root in roots]
    edges += [(int(row), (root_of_aspect[graph.aspects[row]],)) for row in others]
    yield from _obo_lines(graph, edges)


def _obo_lines(graph: GoGraph, edges: Iterable[tuple[int, Iterable[int]]]) -> Iterator[str]:
    yield "format-version: 1.2\n"
    for row, parents in edges:
        yield f"\n[Term]\nid: {graph.go_ids[row]}\nnamespace: {ASPECTS[graph.aspects[row]]}\n"
        yield from (f"is_a: {graph.go_ids[parent]}\n" for parent in parents)
