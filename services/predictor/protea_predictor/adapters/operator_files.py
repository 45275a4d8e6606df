"""Files that the operator gives: a dump of the NCBI taxonomy, and vectors of GO terms."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_predictor.domain.features.anc2vec import InvalidTermVectorsError
from protea_predictor.domain.features.taxonomy import Taxonomy

__all__ = ["OperatorFileError", "read_taxonomy", "read_term_vectors"]

_DUMP_BYTES_MAX = 2 << 30
"""``nodes.dmp`` has 200 MB in 2026; a file ten times as large is something else."""

_VECTOR_BYTES_MAX = 2 << 30
"""45,000 terms of 200 numbers take 36 MB."""


_HOW = "write it with numpy.savez(path, go_ids=[...], vectors=[...]), the ids as texts and not as objects"


class OperatorFileError(PermanentError):
    """A file that the settings name is missing, too large or cannot be read."""

    slug: ClassVar[str] = "operator-file"


def read_taxonomy(folder: Path) -> Taxonomy:
    """Read ``nodes.dmp`` and, where it is there, ``merged.dmp`` of a folder.

    Raises
    ------
    OperatorFileError
        If the folder has no ``nodes.dmp``, or one that is too large or cannot be read.
    InvalidTaxonomyError
        If it is no dump.
    """
    merged = folder / "merged.dmp"
    return Taxonomy.from_dump(_lines(folder / "nodes.dmp"), _lines(merged) if merged.exists() else ())


def read_term_vectors(path: Path) -> tuple[Sequence[str], NDArray[np.floating]]:
    """Read an ``.npz`` file with the arrays ``go_ids`` (texts) and ``vectors`` (one row each); nothing is unpickled.

    Raises
    ------
    OperatorFileError
        If it is missing, too large or no ``.npz`` file.
    InvalidTermVectorsError
        If it has not these arrays.
    """
    _require_size(path, limit=_VECTOR_BYTES_MAX)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [str(go_id) for go_id in arrays["go_ids"]], np.asarray(arrays["vectors"], dtype=np.float32)
    except KeyError as exc:
        raise InvalidTermVectorsError(f"{path.name} has not the arrays go_ids and vectors; {_HOW}.") from exc
    except (OSError, ValueError, zipfile.BadZipFile) as exc:
        raise OperatorFileError(f"{path} cannot be read as an .npz file of plain arrays; {_HOW}.") from exc


def _lines(path: Path) -> list[str]:
    _require_size(path, limit=_DUMP_BYTES_MAX)
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise OperatorFileError(f"{path} cannot be read as text; give the unpacked NCBI taxonomy dump.") from exc


def _require_size(path: Path, *, limit: int) -> None:
    if not path.is_file():
        raise OperatorFileError(f"There is no file {path}; give one, or ask for predictions without it.")
    if path.stat().st_size > limit:
        raise OperatorFileError(f"{path} has more than {limit >> 20} MiB, so it is not what is expected there.")
