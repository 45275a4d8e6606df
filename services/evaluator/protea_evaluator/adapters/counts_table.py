"""What was counted for each protein of a result, as two Parquet files that curves and comparisons are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from protea_common.domain.ontology import Aspect
from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.measurement import CellCounts, Weighting
from protea_evaluator.domain.measures.sums import ProteinCounts

__all__ = ["COUNTS_FILE", "PROTEINS_FILE", "CellKey", "StoredCell", "read_cells", "write_cells"]

PROTEINS_FILE = "proteins.parquet"
COUNTS_FILE = "counts.parquet"

_LEAST_COUNT = 1e-12
"""Weights below it are what is left of adding and taking away; kept, they would be rows of nothing."""

CellKey = tuple[Category, Aspect, Weighting]


@dataclass(frozen=True, slots=True, eq=False)
class StoredCell:
    """One cell of a result, its proteins by their accessions."""

    accessions: tuple[str, ...]
    counts: ProteinCounts


def write_cells(
    cells: Sequence[CellCounts], accessions: Sequence[str], thresholds: NDArray[np.float64]
) -> dict[str, bytes]:
    """Write the counts of all cells of a result.

    Parameters
    ----------
    accessions
        Of the `Delta` that the cells' proteins are positions in.
    thresholds
        The grid, shape ``(n_thresholds,)``.

    Returns
    -------
    files
        By name. ``proteins.parquet``: weighting, category, aspect, accession, the weight of what is true of it, and the
        cell's cohort. ``counts.parquet``: the same four, a threshold, and the weight of the terms that reach this
        threshold but not the next: of the true ones, and of all. The same counts give the same bytes.
    """
    proteins: list[pa.Table] = []
    counts: list[pa.Table] = []
    for cell in cells:
        names = np.array(accessions, dtype=object)[cell.proteins]
        proteins.append(_labelled(cell, names, truth=cell.counts.truth, cohort=np.full(len(names), cell.counts.cohort)))
        rows, columns, true, predicted = _in_bins(cell.counts)
        counts.append(_labelled(cell, names[rows], threshold=thresholds[columns], true=true, predicted=predicted))
    return {PROTEINS_FILE: _as_parquet(proteins, _PROTEINS), COUNTS_FILE: _as_parquet(counts, _COUNTS)}


def read_cells(proteins: bytes, counts: bytes, thresholds: NDArray[np.float64]) -> dict[CellKey, StoredCell]:
    """Read back what `write_cells` wrote."""
    counted = dict(_by_cell(counts, _COUNTS))
    return {key: _stored(part, counted.get(key), thresholds) for key, part in _by_cell(proteins, _PROTEINS)}


_LABELS = [("weighting", pa.string()), ("category", pa.string()), ("aspect", pa.string()), ("accession", pa.string())]
_PROTEINS = pa.schema([*_LABELS, ("truth", pa.float64()), ("cohort", pa.int64())])
_COUNTS = pa.schema([*_LABELS, ("threshold", pa.float64()), ("true", pa.float64()), ("predicted", pa.float64())])


def _labelled(cell: CellCounts, names: NDArray[np.object_], **columns: NDArray[Any]) -> pa.Table:
    labels = (cell.weighting.value, cell.category.value, Aspect(cell.namespace).cafa)
    constant = {
        name: pa.array([label] * len(names), pa.string())
        for name, label in zip(("weighting", "category", "aspect"), labels, strict=True)
    }
    return pa.table(constant | {"accession": pa.array(list(names), pa.string())} | columns)


def _in_bins(
    counts: ProteinCounts,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Take running totals apart: rows and columns of the bins that hold something, and what they hold."""
    true, predicted = (_differences(totals) for totals in (counts.true, counts.predicted))
    rows, columns = np.nonzero(predicted > _LEAST_COUNT)
    return rows, columns, true[rows, columns], predicted[rows, columns]


def _differences(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    following = np.zeros_like(totals)
    following[:, :-1] = totals[:, 1:]
    return totals - following


def _as_parquet(parts: Sequence[pa.Table], schema: pa.Schema) -> bytes:
    table = pa.concat_tables([part.cast(schema) for part in parts]) if parts else schema.empty_table()
    buffer = pa.BufferOutputStream()
    parquet.write_table(table, buffer, compression="zstd")
    return bytes(buffer.getvalue())


def _by_cell(content: bytes, schema: pa.Schema) -> Iterator[tuple[CellKey, Mapping[str, NDArray[Any]]]]:
    table = parquet.read_table(pa.BufferReader(content)).cast(schema)
    columns = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    labels = list(zip(columns["weighting"], columns["category"], columns["aspect"], strict=True))
    starts = [row for row, label in enumerate(labels) if row == 0 or label != labels[row - 1]]
    for start, end in zip(starts, [*starts[1:], len(labels)], strict=True):
        weighting, category, aspect = labels[start]
        key = (Category(category), _ASPECT_OF[aspect], Weighting(weighting))
        yield key, {name: column[start:end] for name, column in columns.items()}


_ASPECT_OF = {aspect.cafa: aspect for aspect in Aspect}


def _stored(
    proteins: Mapping[str, NDArray[Any]], counts: Mapping[str, NDArray[Any]] | None, thresholds: NDArray[np.float64]
) -> StoredCell:
    """Add the bins up from the highest threshold down."""
    accessions = tuple(proteins["accession"])
    true, predicted = np.zeros((2, len(accessions), len(thresholds)))
    if counts is not None:
        row_of = {accession: row for row, accession in enumerate(accessions)}
        rows = np.array([row_of[accession] for accession in counts["accession"]])
        columns = np.searchsorted(thresholds, counts["threshold"])
        true[rows, columns], predicted[rows, columns] = counts["true"], counts["predicted"]
    return StoredCell(
        accessions,
        ProteinCounts(
            thresholds=thresholds,
            true=np.cumsum(true[:, ::-1], axis=1)[:, ::-1],
            predicted=np.cumsum(predicted[:, ::-1], axis=1)[:, ::-1],
            truth=proteins["truth"],
            cohort=int(proteins["cohort"][0]),
        ),
    )
