"""Opens a model from the files of a folder: safetensors only, no code of theirs, nothing fetched."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar, Final

import torch
from safetensors import SafetensorError
from transformers.utils import logging

from protea_common.errors import PermanentError
from protea_embedder.adapters.language_models.device import Device, open_device
from protea_embedder.adapters.language_models.families import family_of, read_tokens
from protea_embedder.adapters.language_models.model import TransformersModel
from protea_embedder.adapters.language_models.tokens import STANDARD_RESIDUES
from protea_embedder.domain.language_model_encoder import LanguageModelEncoder
from protea_embedder.domain.model_shape import read_model_shape
from protea_embedder.domain.precision import Placement
from protea_embedder.domain.probe import PROBE_RESIDUES, tune_batch_tokens
from protea_embedder.domain.recipe import EmbeddingRecipe

__all__ = ["ModelNotLoadableError", "load_encoder"]

_UNUSED_WEIGHTS = ("contact_head.", "pooler.")
"""Parts of a model that no hidden state depends on; a checkpoint may lack them."""

_CPU_TOKENS: Final = (512, 8_192)
_GPU_TOKENS: Final = (4_096, 131_072)
"""Fewest and most tokens computed at once that are tried."""

_PROBE_SECONDS: Final = 2.0
"""The probe starts nothing more after so long: it is paid each time a model is loaded."""


class ModelNotLoadableError(PermanentError):
    """The files are not a whole model of the backend that the recipe names."""

    slug: ClassVar[str] = "model-not-loadable"


def load_encoder(folder: Path, recipe: EmbeddingRecipe, placement: Placement) -> LanguageModelEncoder:
    """Open the encoder of a recipe.

    Parameters
    ----------
    folder
        ``config.json``, weights and the tokenizer's files.
    recipe
        Of a backend that needs torch.
    placement
        Where it is to run.

    Raises
    ------
    UnsuitableModelError
        If the files are another kind of model.
    ModelNotLoadableError
        If they are damaged, or lack weights.
    UnsuitableTokenizerError, LayerBeyondModelError, NoRoomForResiduesError
        If they do not fit the recipe.
    DeviceMissingError, UnsuitablePrecisionError
        If they do not fit the settings.
    """
    # What is wrong is told by errors; their bars and tables would fill the log.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    family = family_of(recipe)
    torch.set_num_threads(placement.threads)
    device = open_device(placement.device, placement.precision, backend=recipe.model_backend)
    read_model_shape((folder / "config.json").read_bytes(), recipe)
    try:
        tokens = read_tokens(family, folder)
        model, report = family.model_class.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation="sdpa",
            dtype=device.dtype,
            output_loading_info=True,
            **family.model_options,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as exc:
        # What transformers raises for files it cannot use depends on how they are broken.
        raise ModelNotLoadableError(
            f"The files of {recipe.model_name!r} cannot be loaded as a model of the backend {recipe.model_backend!r}: "
            f"{_first_line(exc)}"
        ) from exc
    _refuse_missing(report["missing_keys"], recipe)
    ready = TransformersModel(model.to(device.device).eval(), tokens, device)
    return LanguageModelEncoder(ready, recipe, batch_tokens=placement.batch_tokens or _probe(ready, device))


def _probe(model: TransformersModel, device: Device) -> int:
    longest = PROBE_RESIDUES if model.longest_input is None else model.longest_input - model.special_tokens
    protein = (STANDARD_RESIDUES * PROBE_RESIDUES)[: min(longest, PROBE_RESIDUES)]

    def run(proteins: int) -> None:
        # To the host, so that a GPU is waited for.
        model.hidden_states([protein] * proteins, [0])[0][0, 0, 0].item()

    run(1)
    smallest, largest = _GPU_TOKENS if device.device.type == "cuda" else _CPU_TOKENS
    return tune_batch_tokens(
        run, smallest=smallest, largest=largest, limit_seconds=_PROBE_SECONDS, clock=time.perf_counter
    )


def _refuse_missing(missing: Any, recipe: EmbeddingRecipe) -> None:
    """Refuse weights that transformers would make up: random numbers look like an embedding."""
    lacking = sorted(name for name in missing if not name.startswith(_UNUSED_WEIGHTS))
    if lacking:
        raise ModelNotLoadableError(
            f"The weights of {recipe.model_name!r} lack {len(lacking)} tensors of the model, {lacking[0]} among them; "
            "give the model's whole folder."
        )


def _first_line(exc: BaseException) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0]
