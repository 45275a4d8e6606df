"""Files of vectors: written as HDF5 or Parquet while they are read, and read from HDF5 with a limit on everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, Self
from urllib.parse import quote

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_embedder.domain.embedding_config import MAX_DIMENSION
from protea_embedder.domain.vector_rows import FileHead, VectorRow

__all__ = ["Hdf5Writer", "InvalidVectorFileError", "ParquetWriter", "ResidueWriter", "VectorWriter", "read_hdf5"]

MAX_VECTORS: Final = 2_000_000
"""Vectors of an imported file; more than all of Swiss-Prot, and each name is held in memory while it is read."""

_FORMAT: Final = "protea-embeddings-1"


class InvalidVectorFileError(PermanentError):
    """The file does not hold a vector for each accession in the way that can be imported."""

    slug: ClassVar[str] = "invalid-vector-file"


class VectorWriter(Protocol):
    """Writes rows to a file that is whole once it is closed; rows of one accession come together."""

    def write(self, rows: Sequence[VectorRow]) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


class Hdf5Writer:
    """A dataset for each accession: shape ``(D,)``, or ``(chunks, D)`` with the residues of each in its attributes."""

    def __init__(self, path: Path, head: FileHead) -> None:
        self._file = _create(path, head)
        self._waiting: list[VectorRow] = []

    def write(self, rows: Sequence[VectorRow]) -> None:
        """Append rows."""
        for row in rows:
            if self._waiting and self._waiting[0].accession != row.accession:
                self._flush()
            self._waiting.append(row)

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if not self._waiting:
            return
        first = self._waiting[0]
        vectors = np.stack([row.vector for row in self._waiting])
        dataset = self._file.create_dataset(_name(first.accession), data=vectors[0] if first.end is None else vectors)
        dataset.attrs.update(original_id=first.accession, truncated=first.truncated)
        if first.end is None:
            dataset.attrs["residues"] = first.residues or 0
        else:
            dataset.attrs["spans"] = np.array([[row.start, row.end] for row in self._waiting], dtype=np.int32)
        self._waiting = []


class ResidueWriter:
    """A dataset of shape ``(residues, D)`` for each accession."""

    def __init__(self, path: Path, head: FileHead) -> None:
        self._file = _create(path, head)

    def write(self, accession: str, vectors: NDArray[np.float16], *, truncated: bool) -> None:
        """Append the residues of a sequence."""
        dataset = self._file.create_dataset(_name(accession), data=vectors)
        dataset.attrs.update(original_id=accession, residues=len(vectors), truncated=truncated)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class ParquetWriter:
    """A row for each vector; recipe and licence are in the metadata of the schema."""

    def __init__(self, path: Path, head: FileHead) -> None:
        self._schema = pa.schema(
            [
                ("accession", pa.string()),
                ("chunk_start", pa.int32()),
                ("chunk_end", pa.int32()),
                ("residues", pa.int32()),
                ("truncated", pa.bool_()),
                ("embedding", pa.list_(pa.float32(), head.dimension)),
            ],
            metadata={
                "format": _FORMAT,
                "embedding_config_id": str(head.embedding_config_id),
                "recipe": head.recipe,
                "licence": head.licence,
            },
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._dimension = head.dimension

    def write(self, rows: Sequence[VectorRow]) -> None:
        """Append rows."""
        if not rows:
            return
        values = np.stack([row.vector for row in rows]).astype(np.float32)
        columns: list[Any] = [
            [row.accession for row in rows],
            [row.start for row in rows],
            [row.end for row in rows],
            [row.residues for row in rows],
            [row.truncated for row in rows],
            pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), self._dimension),
        ]
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class VectorFile:
    """An open HDF5 file of others: a dataset of one vector for each accession."""

    def __init__(self, file: Any, names: Sequence[str], dimension: int) -> None:
        self._file = file
        self._names = names
        self.dimension = dimension

    def __len__(self) -> int:
        return len(self._names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def blocks(self, size: int) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        """Read accessions and vectors, shape ``(n, D)``, block by block.

        Raises
        ------
        InvalidVectorFileError
            If one is no vector of numbers, or has another length than the first.
        """
        for start in range(0, len(self._names), size):
            names = self._names[start : start + size]
            vectors = np.empty((len(names), self.dimension), dtype=np.float32)
            accessions = []
            for row, name in zip(vectors, names, strict=True):
                dataset = _dataset(self._file, name, dimension=self.dimension)
                row[:] = dataset[()]
                accessions.append(str(dataset.attrs.get("original_id", name)))
            if not np.isfinite(vectors).all():
                raise InvalidVectorFileError("The file holds a vector with a value that is no finite number.")
            yield accessions, vectors


def _create(path: Path, head: FileHead) -> Any:
    file = h5py.File(path, "w", libver="latest")
    file.attrs.update(
        format=_FORMAT,
        embedding_config_id=str(head.embedding_config_id),
        recipe=head.recipe,
        licence=head.licence,
        dimension=head.dimension,
    )
    return file


def _name(accession: str) -> str:
    """Name a dataset: a slash would make a folder of it, and points alone mean folders themselves."""
    quoted = quote(accession, safe="|:;,=+ ()[]")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")


def read_hdf5(path: Path) -> VectorFile:
    """Open an HDF5 file; links out of it, and datasets whose numbers lie elsewhere, are refused.

    Raises
    ------
    InvalidVectorFileError
        If it is another kind of file, empty, too large, or its first dataset is no vector.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as exc:
        raise InvalidVectorFileError("The file is not HDF5, or damaged; write it anew and upload it again.") from exc
    try:
        names = _names(file)
        return VectorFile(file, names, _dataset(file, names[0], dimension=None).shape[0])
    except BaseException:
        file.close()
        raise


def _names(file: Any) -> list[str]:
    if not 0 < len(file) <= MAX_VECTORS:
        raise InvalidVectorFileError(f"The file has {len(file):,} datasets; 1 to {MAX_VECTORS:,} are expected.")
    return list(file)


def _dataset(file: Any, name: str, *, dimension: int | None) -> Any:
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise InvalidVectorFileError(f"{name!r} is a link to another place; the vectors themselves are expected.")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise InvalidVectorFileError(f"{name!r} is no dataset with its numbers in the file itself.")
    if dataset.ndim != 1 or dataset.dtype.kind != "f" or not 0 < dataset.shape[0] <= MAX_DIMENSION:
        raise InvalidVectorFileError(
            f"{name!r} has shape {dataset.shape} and type {dataset.dtype}; a vector of at most {MAX_DIMENSION:,} "
            "floating-point numbers is expected. Pool residues before you import them."
        )
    if dimension is not None and dataset.shape[0] != dimension:
        raise InvalidVectorFileError(f"{name!r} has {dataset.shape[0]} numbers, and the vectors before it {dimension}.")
    return dataset
