"""UniRep: a multiplicative LSTM over published arrays, of torch alone, behind the port `LanguageModel`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from protea_embedder.adapters.language_models.device import Device, open_device, refuse_when_full
from protea_embedder.adapters.language_models.errors import ModelNotLoadableError
from protea_embedder.adapters.language_models.probing import TokenRange, tune_model
from protea_embedder.adapters.language_models.tokens import ResidueTokens
from protea_embedder.domain.language_model import RunModel
from protea_embedder.domain.language_model_encoder import LanguageModelEncoder
from protea_embedder.domain.mlstm import MlstmLayer, normalized_weights, run_mlstm
from protea_embedder.domain.model_shape import read_model_shape
from protea_embedder.domain.precision import Placement
from protea_embedder.domain.recipe import EmbeddingRecipe
from protea_embedder.domain.unirep import EMBEDDING, START, TOKENS, UNKNOWN, array_problems, array_shapes

__all__ = ["UniRepModel", "load_unirep_encoder"]

_WEIGHTS: Final = "model.safetensors"

_ON_CPU: Final = TokenRange(2_048, 32_768)
_ON_GPU: Final = TokenRange(16_384, 262_144)
"""More at once than an attention model takes: each step reads all weights, whatever the number of proteins."""


class UniRepModel:
    """Implements `LanguageModel`; it has no state for the embedding table, whose vectors are shorter.

    Parameters
    ----------
    embedding
        Vector of each token, shape ``(26, X)``.
    layers
        One or more.
    device
        Where both lie.
    """

    longest_input = None
    first_residue = 1
    special_tokens = 1

    def __init__(self, embedding: Tensor, layers: Sequence[MlstmLayer], device: Device) -> None:
        self._embedding = embedding
        self._layers = layers
        self._device = device

    @property
    def states(self) -> int:
        """Hidden states: the layers."""
        return len(self._layers)

    @property
    def width(self) -> int:
        """Length of a hidden state."""
        return self._layers[-1].units

    def prepare(self, sequences: Sequence[str]) -> RunModel:
        """Spell sequences, longest first: one that has ended is not computed further, so that nothing is padded."""
        lengths = np.array([len(sequence) + self.special_tokens for sequence in sequences])
        order = np.argsort(-lengths, kind="stable")
        tokens, _ = _SPELLING.spell([sequences[row] for row in order])
        return partial(self._run, tokens, lengths[order].tolist(), torch.from_numpy(np.argsort(order)))

    def _run(self, tokens: Tensor, lengths: Sequence[int], as_given: Tensor, layers: Sequence[int]) -> list[Tensor]:
        with refuse_when_full(*tokens.shape), torch.inference_mode():
            inputs = self._embedding[tokens.to(self._device.device)]  # (n, T) -> (n, T, X)
            states = run_mlstm(inputs, lengths, self._layers)
            rows = as_given.to(self._device.device)
            return [states[-1 - layer][rows] for layer in layers]


def load_unirep_encoder(folder: Path, recipe: EmbeddingRecipe, placement: Placement) -> LanguageModelEncoder:
    """Open the encoder of a recipe of the backend ``unirep``.

    Parameters
    ----------
    folder
        ``config.json`` and ``model.safetensors``, as ``protea encoder unirep`` writes them.
    recipe
        Of that backend.
    placement
        Where it is to run.

    Raises
    ------
    UnsuitableModelError
        If the files are another kind of model.
    ModelNotLoadableError
        If they are damaged, or arrays are missing or have another shape.
    LayerBeyondModelError, NoRoomForResiduesError
        If they do not fit the recipe.
    DeviceMissingError, UnsuitablePrecisionError
        If they do not fit the settings.
    """
    device = open_device(placement.device, placement.precision, backend=recipe.model_backend)
    shape = read_model_shape((folder / "config.json").read_bytes(), recipe)
    arrays = _read_arrays(folder, recipe, layers=shape.states, units=shape.width)
    layers = [_layer(arrays, number, device) for number in range(shape.states)]
    model = UniRepModel(arrays[EMBEDDING].to(device.device, device.dtype), layers, device)
    batch_tokens = tune_model(model, device, placement, on_cpu=_ON_CPU, on_gpu=_ON_GPU)
    return LanguageModelEncoder(model, recipe, batch_tokens=batch_tokens)


def _read_arrays(folder: Path, recipe: EmbeddingRecipe, *, layers: int, units: int) -> dict[str, Tensor]:
    try:
        arrays = {name: array.float() for name, array in load_file(folder / _WEIGHTS).items()}
    except (OSError, SafetensorError) as exc:
        raise ModelNotLoadableError(f"{_WEIGHTS} of {recipe.model_name!r} cannot be read: {exc}") from exc
    found = {name: tuple(array.shape) for name, array in arrays.items()}
    inputs = found.get(EMBEDDING, (0, 0))[-1]
    problems = list(array_problems(found, array_shapes(layers=layers, units=units, inputs=inputs)))
    if problems:
        raise ModelNotLoadableError(
            f"{_WEIGHTS} of {recipe.model_name!r} is no UniRep of {layers} layers of {units} units: "
            f"{'; '.join(problems)}. Make the files anew with `protea encoder unirep`."
        )
    return arrays


def _layer(arrays: dict[str, Tensor], number: int, device: Device) -> MlstmLayer:
    def weights(name: str) -> Tensor:
        return normalized_weights(arrays[f"mlstm.{number}.w{name}"], arrays[f"mlstm.{number}.g{name}"])

    bias = arrays[f"mlstm.{number}.b"]
    middle_bias = bias.new_zeros(len(bias) // 4)
    parts = (
        torch.cat([weights("mx"), weights("x")], dim=1),
        torch.cat([middle_bias, bias]),
        weights("mh"),
        weights("h"),
    )
    return MlstmLayer(*(part.to(device.device, device.dtype).contiguous() for part in parts))


def _spelling() -> ResidueTokens:
    table = np.full(128, UNKNOWN, dtype=np.int64)
    for residue, token in TOKENS.items():
        table[[ord(residue), ord(residue.lower())]] = token
    return ResidueTokens(table=table, before=(START,), after=(), padding=0)


_SPELLING: Final = _spelling()
