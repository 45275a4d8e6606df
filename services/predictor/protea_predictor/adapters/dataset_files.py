"""Parquet files of datasets: written and read a block at a time, so that a dataset may be larger than memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.datasets.rows import RowBlock, TruthRows
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.reranking.categories import CATEGORIES, Cell

__all__ = [
    "IDENTITY_COLUMNS",
    "DatasetWriter",
    "FileDigest",
    "ReadBlock",
    "digest_of",
    "read_blocks",
    "read_truth",
    "write_truth",
]

IDENTITY_COLUMNS: Final = (
    "snapshot_pair",
    "protein_accession",
    "go_id",
    "aspect",
    "category",
    "label",
    "weight",
    "score",
    "multiplicity",
)
"""Columns before the features: whom and what a row is about, what became of it, and how it came to be a row."""

_CATEGORY_NAMES = [category.value for category in CATEGORIES]
_ASPECT_NAMES = [aspect.cafa.lower() for aspect in ASPECTS]

_DIGEST_BYTES = 1 << 20
"""Bytes digested at a time."""


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What a file is recognised by."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class ReadBlock:
    """Rows of one cell as they are stored; shape ``(n,)`` each.

    Attributes
    ----------
    columns
        Features by name.
    proteins
        Number of the protein in its block, ascending from 0; no protein of a window is in two blocks.
    """

    columns: dict[str, NDArray[Any]]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float32]
    scores: NDArray[np.float32]
    multiplicities: NDArray[np.float32]
    accessions: NDArray[np.object_]
    aspects: NDArray[np.int8]
    proteins: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Look a feature up by name."""
        return self.columns[name]


class DatasetWriter:
    """A file of rows that is being written, in a ``with`` block.

    Parameters
    ----------
    path
        Where to; a file that is there is written over.
    features
        Columns behind the identity columns.
    go_ids
        Identifier of each term row.
    """

    def __init__(self, path: Path, *, features: Sequence[str], go_ids: Sequence[str]) -> None:
        self._features = tuple(features)
        self._go_ids = pa.array(go_ids, pa.string())
        self._writer = pq.ParquetWriter(path, _schema(self._features), compression="zstd", use_dictionary=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._writer.close()

    def write(self, block: RowBlock) -> None:
        """Write a block as a row group of its own; an empty one is passed over."""
        if len(block):
            self._writer.write_table(self._table(block), row_group_size=len(block))

    def _table(self, block: RowBlock) -> pa.Table:
        n = len(block)
        queries = pa.array(block.frame.query_row.astype(np.int32))
        columns = [
            _coded(pa.array(np.zeros(n, np.int32)), pa.array([block.window])),
            _coded(queries, pa.array(block.accessions, pa.string())),
            _coded(pa.array(block.frame.term_row.astype(np.int32)), self._go_ids),
            _coded(pa.array(block.aspects.astype(np.int32)), pa.array(_ASPECT_NAMES)),
            _coded(pa.array(block.categories.astype(np.int32)), pa.array(_CATEGORY_NAMES)),
            pa.array(block.labels),
            pa.array(block.weights),
            pa.array(block.scores),
            pa.array(block.multiplicities),
            *(pa.array(np.ascontiguousarray(block.frame[name])) for name in self._features),
        ]
        return pa.Table.from_arrays(columns, schema=_schema(self._features))


def _coded(codes: pa.Array, texts: pa.Array) -> pa.Array:
    """Give texts by their codes without those that are not used."""
    return pa.DictionaryArray.from_arrays(codes, texts).dictionary_decode().dictionary_encode()


def _schema(features: Sequence[str]) -> pa.Schema:
    text = pa.dictionary(pa.int32(), pa.string())
    types = [text] * 5 + [pa.bool_()] + [pa.float32()] * 3
    identity = [pa.field(name, kind) for name, kind in zip(IDENTITY_COLUMNS, types, strict=True)]
    values = [pa.field(name, pa.int16() if FEATURES[name].is_category else pa.float32()) for name in features]
    return pa.schema(identity + values)


def read_blocks(path: Path, *, features: Sequence[str], cell: Cell) -> Iterator[ReadBlock]:
    """Read the rows of a cell, a row group at a time, in the order of the file."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=[*IDENTITY_COLUMNS, *features])
            categories = _positions(table["category"], _CATEGORY_NAMES)
            aspects = _positions(table["aspect"], _ASPECT_NAMES)
            kept = table.filter(pa.array(cell.holds(categories, aspects)))
            if kept.num_rows:
                yield _read_block(kept, features)


def _read_block(table: pa.Table, features: Sequence[str]) -> ReadBlock:
    accessions, codes = _texts(table["protein_accession"])
    return ReadBlock(
        columns={name: table[name].to_numpy() for name in features},
        labels=table["label"].to_numpy(),
        weights=table["weight"].to_numpy(),
        scores=table["score"].to_numpy(),
        multiplicities=table["multiplicity"].to_numpy(),
        accessions=accessions,
        aspects=_positions(table["aspect"], _ASPECT_NAMES),
        proteins=np.cumsum(np.diff(codes, prepend=codes[:1]) != 0),
    )


def _texts(column: pa.ChunkedArray) -> tuple[NDArray[np.object_], NDArray[np.int32]]:
    """Give the texts of a column, equal ones as one object, and a number for each."""
    coded = _coded_texts(column)
    codes = coded.indices.to_numpy()
    return np.array(coded.dictionary.to_pylist(), dtype=np.object_)[codes], codes


def _coded_texts(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return _one(column) if pa.types.is_dictionary(column.type) else column.combine_chunks().dictionary_encode()


def _one(column: pa.ChunkedArray) -> pa.DictionaryArray:
    unified = column.unify_dictionaries().combine_chunks()
    return unified.chunk(0) if isinstance(unified, pa.ChunkedArray) else unified


def _positions(column: pa.ChunkedArray, texts: Sequence[str]) -> NDArray[np.int8]:
    number = {text: position for position, text in enumerate(texts)}
    coded = _coded_texts(column)
    table = np.array([number[text] for text in coded.dictionary.to_pylist()], dtype=np.int8)
    positions: NDArray[np.int8] = table[coded.indices.to_numpy()]
    return positions


def write_truth(path: Path, truth: TruthRows) -> None:
    """Write what there is to find in a window."""
    columns = {
        "protein_accession": pa.array(truth.accessions, pa.string()),
        "aspect": pa.array([_ASPECT_NAMES[number] for number in truth.aspects], pa.string()),
        "category": pa.array([_CATEGORY_NAMES[number] for number in truth.categories], pa.string()),
        "terms": pa.array(truth.terms),
        "information": pa.array(truth.information),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_truth(path: Path) -> TruthRows:
    """Read what `write_truth` wrote."""
    table = pq.read_table(path)
    return TruthRows(
        accessions=tuple(table["protein_accession"].to_pylist()),
        aspects=_positions(table["aspect"], _ASPECT_NAMES),
        categories=_positions(table["category"], _CATEGORY_NAMES),
        terms=table["terms"].to_numpy(),
        information=table["information"].to_numpy(),
    )


def digest_of(path: Path) -> FileDigest:
    """Digest a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_DIGEST_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return FileDigest(digest.hexdigest(), size)
