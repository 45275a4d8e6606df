"""Files of reference banks in a cache folder: one per digest, mapped into memory, so a host's processes share it."""

from __future__ import annotations

import logging
import mmap
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar, Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from protea_common.errors import TransientError
from protea_predictor.domain.ragged import gather_rows, indptr_of
from protea_predictor.domain.reference_annotations import ReferenceAnnotations
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceProteins

__all__ = ["BankWriter", "ReferenceCacheError", "ReferenceFiles"]

logger = logging.getLogger(__name__)

_MAGIC = b"PROTEA BANK 1\r\n\x00"
"""Last bytes of a whole file; another layout of the file needs another number."""

_TAIL_BYTES = len(_MAGIC) + 8

_ALIGNMENT = 64
"""Arrays begin at multiples of it, as the processor's vector instructions like them."""

_BLOCK_BYTES = 1 << 22
"""Zeros written at a time."""

_ABANDONED_SECONDS = 6 * 3600
"""Age at which a file that is still being written is taken for one whose writer died."""

_PROTEIN_ARRAYS = ("accessions", "sequence_ids", "lengths", "taxon_ids")
_ANNOTATION_ARRAYS = ("indptr", "term_rows", "evidence", "qualifier", "density", "term_frequency")


class ReferenceCacheError(TransientError):
    """The folder of reference banks cannot be used; the work is tried again when it may be back."""

    slug: ClassVar[str] = "reference-cache-unavailable"


class _Entry(BaseModel):
    """Where an array lies in its file, and its CRC-32."""

    model_config = ConfigDict(frozen=True)

    dtype: str
    shape: tuple[int, ...]
    offset: int
    checksum: int


class _Footer(BaseModel):
    """What stands behind the arrays."""

    model_config = ConfigDict(frozen=True)

    entries: dict[str, _Entry]
    evidence_codes: tuple[str, ...]
    qualifiers: tuple[str, ...]


class ReferenceFiles:
    """The cache folder; methods block, so they are called on a thread.

    Parameters
    ----------
    folder
        Made when it is first needed.
    files_max
        Files kept, the most recently used ones.
    """

    def __init__(self, folder: Path, *, files_max: int) -> None:
        self._folder = folder
        self._files_max = files_max

    def open(self, digest: str) -> ReferenceBank | None:
        """Map a bank into memory; ``None`` if there is none, or only a damaged one.

        Raises
        ------
        ReferenceCacheError
            If the folder cannot be read.
        """
        path = self._path(digest)
        with _explained(self._folder):
            if not path.is_file():
                return None
            bank = _read(path)
            if bank is None:
                logger.warning("a reference bank is damaged and is built again", extra={"path": str(path)})
            else:
                os.utime(path)  # the time of last use, by which old files are removed
            return bank

    def begin(self, digest: str, proteins: ReferenceProteins, *, dimension: int) -> BankWriter:
        """Begin the file of a bank, and remove old ones to make room for it.

        Raises
        ------
        ReferenceCacheError
            If the folder cannot be written, for example because the disk is full.
        """
        with _explained(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_old(keep=self._files_max - 1)
            return BankWriter(self._path(digest), proteins, dimension=dimension)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.bank"

    def _remove_old(self, *, keep: int) -> None:
        """Remove the banks used least recently and what dead writers left; a mapped file stays readable."""
        banks = sorted(self._folder.glob("*.bank"), key=_modified, reverse=True)
        deadline = time.time() - _ABANDONED_SECONDS
        abandoned = [path for path in self._folder.glob("*.partial") if _modified(path) < deadline]
        for path in (*banks[keep:], *abandoned):
            path.unlink(missing_ok=True)


class BankWriter:
    """A file that is being written: `put` vectors as they come, then `commit`, in a ``with`` block.

    Without a commit nothing stays. All methods raise `ReferenceCacheError` if the file cannot be written.
    """

    def __init__(self, target: Path, proteins: ReferenceProteins, *, dimension: int) -> None:
        self._target = target
        self._partial = target.with_suffix(f".{uuid4().hex}.partial")
        self._proteins = proteins
        self._sequence_ids, owners = np.unique(proteins.sequence_ids, return_inverse=True)
        self._rows = np.argsort(owners, kind="stable")
        self._indptr = indptr_of(owners, len(self._sequence_ids))
        shape = (len(proteins), dimension)
        # Written out, not only sized: on a full disk this is an error, and the mapping would kill the process.
        _write_zeros(self._partial, count=len(proteins) * dimension * np.dtype(np.float16).itemsize)
        self._vectors = np.memmap(self._partial, dtype=np.float16, mode="r+", shape=shape)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with _explained(self._target.parent):
            self._partial.unlink(missing_ok=True)

    def put(self, sequence_ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        """Write the vectors of sequences, each to every protein that has it."""
        owners, positions = gather_rows(self._indptr, np.searchsorted(self._sequence_ids, sequence_ids))
        self._vectors[self._rows[positions]] = vectors[owners]

    def commit(self, annotations: ReferenceAnnotations) -> None:
        """Write the other arrays and the footer, and give the file its name."""
        with _explained(self._target.parent):
            with self._partial.open("ab") as file:
                entries = {"vectors": _entry(self._vectors, offset=0)}
                for name in _PROTEIN_ARRAYS:
                    entries[name] = _append(file, getattr(self._proteins, name))
                for name in _ANNOTATION_ARRAYS:
                    entries[name] = _append(file, getattr(annotations, name))
                footer = _Footer(
                    entries=entries, evidence_codes=annotations.evidence_codes, qualifiers=annotations.qualifiers
                )
                text = footer.model_dump_json().encode()
                file.write(text + len(text).to_bytes(8, "big") + _MAGIC)
            self._partial.replace(self._target)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say which folder failed and what to do about it."""
    try:
        yield
    except OSError as exc:
        raise ReferenceCacheError(
            f"The reference cache {folder} cannot be used: {exc.strerror or exc}. Make room, or set "
            "PROTEA_PREDICTOR__CACHE_DIR to a folder that can be written."
        ) from exc


def _write_zeros(path: Path, *, count: int) -> None:
    try:
        with path.open("xb") as file:
            for start in range(0, count, _BLOCK_BYTES):
                file.write(bytes(min(_BLOCK_BYTES, count - start)))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _append(file: IO[bytes], values: NDArray[Any]) -> _Entry:
    file.write(bytes(-file.tell() % _ALIGNMENT))
    entry = _entry(values, offset=file.tell())
    file.write(values.tobytes())
    return entry


def _entry(values: NDArray[Any], *, offset: int) -> _Entry:
    return _Entry(dtype=values.dtype.str, shape=values.shape, offset=offset, checksum=zlib.crc32(values.data))


def _read(path: Path) -> ReferenceBank | None:
    """Map a file and check all of it, which also brings it into the page cache; ``None`` if it is damaged."""
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
    if data[-len(_MAGIC) :] != _MAGIC:
        return None
    end = len(data) - _TAIL_BYTES
    length = int.from_bytes(data[end : end + 8], "big")
    try:
        footer = _Footer.model_validate_json(data[end - length : end])
        arrays = {name: _array(data, entry) for name, entry in footer.entries.items()}
    except (TypeError, ValueError):  # no JSON, or an array that would reach beyond the file
        return None
    is_whole = all(zlib.crc32(arrays[name].data) == entry.checksum for name, entry in footer.entries.items())
    return _bank(arrays, footer) if is_whole else None


def _array(data: mmap.mmap | bytes, entry: _Entry) -> NDArray[Any]:
    return np.ndarray(entry.shape, np.dtype(entry.dtype), buffer=data, offset=entry.offset)


def _bank(arrays: dict[str, NDArray[Any]], footer: _Footer) -> ReferenceBank:
    return ReferenceBank(
        proteins=ReferenceProteins(*(arrays[name] for name in _PROTEIN_ARRAYS)),
        vectors=arrays["vectors"],
        annotations=ReferenceAnnotations(
            **{name: arrays[name] for name in _ANNOTATION_ARRAYS},
            evidence_codes=footer.evidence_codes,
            qualifiers=footer.qualifiers,
        ),
    )


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process removed it meanwhile
        return 0.0
