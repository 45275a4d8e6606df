"""Rows of GO identifiers in the graph that an evaluation runs on; merged identifiers find their successor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph

__all__ = ["UNKNOWN_ROW", "rows_of_terms"]

UNKNOWN_ROW = -1
"""Row of an identifier that the graph does not hold; any row that the graph can have would make it a real term."""


def rows_of_terms(go_ids: Sequence[str], graph: GoGraph, live_ids: Mapping[str, str]) -> NDArray[np.int32]:
    """Find the row of each identifier.

    Parameters
    ----------
    go_ids
        Identifiers, repeated ones included.
    live_ids
        Live identifier of each merged or replaced one; asked only for what the graph does not hold.

    Returns
    -------
    rows
        Rows of ``graph``, shape ``(len(go_ids),)``; `UNKNOWN_ROW` where neither holds the identifier.
    """
    row_of = graph.row_of
    rows = [row_of.get(go_id, row_of.get(live_ids.get(go_id, ""), UNKNOWN_ROW)) for go_id in go_ids]
    return np.array(rows, dtype=np.int32)
