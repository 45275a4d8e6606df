"""A UniRep of random numbers: four layers of a few units, its arrays named as the published ones are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

__all__ = ["published_arrays", "published_names", "write_npz", "write_tiny_unirep"]

INPUTS = 10

Arrays = Mapping[str, NDArray[Any]]


def published_arrays(*, layers: int, units: int, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Draw the arrays of a model, by the names that they have in an ``.npz`` file."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(size=shape).astype(np.float32)

    arrays = {"embedding": normal(26, INPUTS)}
    for layer in range(layers):
        width = INPUTS if layer == 0 else units
        matrices = {"x": (width, 4 * units), "h": (units, 4 * units), "mx": (width, units), "mh": (units, units)}
        for name, shape in matrices.items():
            arrays[f"mlstm.{layer}.w{name}"] = normal(*shape)
            # As short as a trained model has them: longer ones double every rounding at each step.
            arrays[f"mlstm.{layer}.g{name}"] = np.float32(0.1) * normal(shape[1]) + np.float32(0.7)
        arrays[f"mlstm.{layer}.b"] = normal(4 * units)
    return arrays


def published_names(arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Give the arrays of a model of one layer by the names of their published files."""
    files = {f"rnn_mlstm_mlstm_{name.split('.')[2]}:0.npy": name for name in arrays if name.startswith("mlstm.0.")}
    return {"embed_matrix:0.npy": arrays["embedding"]} | {file: arrays[name] for file, name in files.items()}


def write_npz(path: Path, arrays: Arrays) -> None:
    """Write the form that has all arrays in one file."""
    np.savez(path, allow_pickle=True, **arrays)


def write_tiny_unirep(folder: Path, *, layers: int, units: int, seed: int) -> None:
    """Write the files that the embedder takes."""
    config = {"model_type": "unirep", "num_hidden_layers": layers, "hidden_size": units}
    (folder / "config.json").write_text(json.dumps(config))
    data = safetensors.numpy.save(published_arrays(layers=layers, units=units, seed=seed))
    (folder / "model.safetensors").write_bytes(data)
