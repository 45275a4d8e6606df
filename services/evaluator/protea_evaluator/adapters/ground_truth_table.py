"""The ground truth of an evaluation set as one Parquet file, for programs that read columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_evaluator.domain.knowledge import Delta

__all__ = ["ground_truth_table"]

_KNOWN = "known"


def ground_truth_table(delta: Delta, graph: GoGraph) -> bytes:
    """Write the gained pairs of all categories, and those known before, as one table.

    Returns
    -------
    content
        Columns ``category`` (``NK``, ``LK``, ``PK``, or ``known`` for what partial knowledge consists of), ``aspect``
        (``MFO``, ``BPO``, ``CCO``), ``accession`` and ``go_id``; sorted by these. The same pairs give the same bytes.
    """
    parts = {category.value: pairs for category, pairs in delta.truth.items()} | {_KNOWN: delta.known}
    accessions, go_ids = np.array(delta.accessions, dtype=object), np.array(graph.go_ids, dtype=object)
    aspects = np.array([aspect.cafa for aspect in ASPECTS], dtype=object)
    table = pa.table(
        {
            "category": pa.array([name for name, pairs in parts.items() for _ in range(len(pairs))], pa.string()),
            "aspect": pa.array([name for pairs in parts.values() for name in aspects[pairs.aspects]], pa.string()),
            "accession": pa.array(
                [name for pairs in parts.values() for name in accessions[pairs.proteins]], pa.string()
            ),
            "go_id": pa.array([name for pairs in parts.values() for name in go_ids[pairs.terms]], pa.string()),
        }
    )
    buffer = pa.BufferOutputStream()
    parquet.write_table(table.sort_by([(name, "ascending") for name in table.column_names]), buffer)
    return bytes(buffer.getvalue())
