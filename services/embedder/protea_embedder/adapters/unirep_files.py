"""The published arrays of UniRep made into a model's folder: ``config.json`` and safetensors, nothing unpickled."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_embedder.domain.unirep import EMBEDDING, LICENCE, array_problems, array_shapes

__all__ = ["InvalidUniRepArraysError", "write_unirep_model"]

MAX_BYTES: Final = 1024**3
"""Most bytes of all arrays; the greatest published model has 73 million."""

MAX_LAYERS: Final = 16

_FIRST_MATRIX: Final = "mlstm.0.wmh"
_MATRIX: Final = 2

_EMBEDDING_FILE: Final = "embed_matrix:0.npy"
_LAYER_FILE: Final = re.compile(r"rnn_mlstm_mlstm_([a-z]{1,3}):0\.npy")
"""Names of the files of the model of 1,900 units, which has one layer."""


class InvalidUniRepArraysError(PermanentError):
    """The files are not the published arrays of UniRep."""

    slug: ClassVar[str] = "invalid-unirep-arrays"


def write_unirep_model(source: Path, target: Path) -> dict[str, int]:
    """Write a folder that ``register_encoder`` takes.

    Parameters
    ----------
    source
        Folder of ``.npy`` files, ``rnn_mlstm_mlstm_wx:0.npy`` and so on beside ``embed_matrix:0.npy``; or an ``.npz``
        file with the arrays ``embedding`` and ``mlstm.0.wx`` and so on.
    target
        Folder, made if it is not there.

    Returns
    -------
    counts
        Layers, units and parameters of the model.

    Raises
    ------
    InvalidUniRepArraysError
        Naming what is missing or misshapen.
    """
    arrays = _read_folder(source) if source.is_dir() else _read_npz(source)
    config, wanted = _configuration(arrays, source)
    shapes = {name: array.shape for name, array in arrays.items()}
    _refuse(source, list(array_problems(shapes, wanted)))
    weights = {name: np.ascontiguousarray(arrays[name], dtype=np.float32) for name in wanted}
    _refuse(source, [f"{name} is not finite" for name, array in weights.items() if not np.isfinite(array).all()])
    target.mkdir(parents=True, exist_ok=True)
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (target / "model.safetensors").write_bytes(safetensors.numpy.save(weights))
    parameters = sum(array.size for array in weights.values())
    return {"layers": config["num_hidden_layers"], "units": config["hidden_size"], "parameters": parameters}


def _configuration(
    arrays: Mapping[str, NDArray[Any]], source: Path
) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """Find the size of a model from its first arrays; give ``config.json`` and the shapes that all must have."""
    layers = len([name for name in arrays if re.fullmatch(r"mlstm\.\d+\.wmh", name)])
    _refuse(source, [f"there are {layers} layers; {MAX_LAYERS} is the limit"] if layers > MAX_LAYERS else [])
    units, inputs = _columns(arrays, _FIRST_MATRIX, source), _columns(arrays, EMBEDDING, source)
    config = {"model_type": "unirep", "num_hidden_layers": layers, "hidden_size": units, "licence": LICENCE}
    return config, array_shapes(layers=layers, units=units, inputs=inputs)


def _columns(arrays: Mapping[str, NDArray[Any]], name: str, source: Path) -> int:
    shape = arrays[name].shape if name in arrays else ()
    _refuse(source, [f"there is no matrix {name}"] if len(shape) != _MATRIX else [])
    return int(shape[1])


def _read_folder(folder: Path) -> dict[str, NDArray[Any]]:
    paths = {name: path for path in sorted(folder.glob("*.npy")) if (name := _name_of(path.name)) is not None}
    _refuse_too_large(folder, sum(path.stat().st_size for path in paths.values()))
    arrays = {}
    for name, path in paths.items():
        try:
            arrays[name] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as exc:
            raise InvalidUniRepArraysError(f"{path} cannot be read as an array without pickle: {exc}") from exc
    return arrays


def _name_of(file_name: str) -> str | None:
    if file_name == _EMBEDDING_FILE:
        return EMBEDDING
    match = _LAYER_FILE.fullmatch(file_name)
    return None if match is None else f"mlstm.0.{match[1]}"


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            # What it unpacks to, which for a small file can be much.
            _refuse_too_large(path, sum(entry.file_size for entry in archive.infolist()))
        with np.load(path, allow_pickle=False) as arrays:
            return dict(_of_layers(arrays))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as exc:
        raise InvalidUniRepArraysError(f"{path} cannot be read as arrays without pickle: {exc}") from exc


def _of_layers(arrays: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Leave out the layer that guesses the next residue: no hidden state depends on it."""
    for name in arrays:
        if name == EMBEDDING or name.startswith("mlstm."):
            yield name, arrays[name]


def _refuse_too_large(source: Path, size: int) -> None:
    _refuse(source, [f"they have {size:,} bytes; {MAX_BYTES:,} is the limit"] if size > MAX_BYTES else [])


def _refuse(source: Path, problems: list[str]) -> None:
    if problems:
        raise InvalidUniRepArraysError(
            f"{source} does not hold the arrays of UniRep: {'; '.join(problems)}. Give the folder of one published "
            "model, with all its files."
        )
