"""Opens a model from the files of a folder: safetensors only, no code of theirs, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers.utils import logging

from protea_embedder.adapters.language_models.device import open_device
from protea_embedder.adapters.language_models.errors import ModelNotLoadableError
from protea_embedder.adapters.language_models.families import family_of, read_tokens
from protea_embedder.adapters.language_models.model import TransformersModel
from protea_embedder.adapters.language_models.probing import tune_model
from protea_embedder.domain.language_model_encoder import LanguageModelEncoder
from protea_embedder.domain.model_shape import read_model_shape
from protea_embedder.domain.precision import Placement
from protea_embedder.domain.recipe import EmbeddingRecipe

__all__ = ["load_encoder"]

_UNUSED_WEIGHTS = ("contact_head.", "pooler.")
"""Parts of a model that no hidden state depends on; a checkpoint may lack them."""


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
    return LanguageModelEncoder(ready, recipe, batch_tokens=tune_model(ready, device, placement))


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
