"""The size of a language model, from its configuration alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from protea_common.errors import PermanentError
from protea_embedder.domain.recipe import EmbeddingRecipe, LayerAggregation, ModelBackend, Pooling

__all__ = ["ModelShape", "UnsuitableModelError", "model_type_of", "read_model_shape"]


class UnsuitableModelError(PermanentError):
    """The model is not one that the recipe can be made with."""

    slug: ClassVar[str] = "unsuitable-model"


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A model's size.

    Attributes
    ----------
    states
        Hidden states: its layers, and one for the embedding table if its vectors are as long.
    width
        Length of a hidden state.
    """

    states: int
    width: int

    def dimension(self, recipe: EmbeddingRecipe) -> int:
        """Length of the vectors that a recipe makes.

        Raises
        ------
        UnsuitableModelError
            If the recipe names a layer that the model does not have.
        """
        layers = set(recipe.layer_indices)
        if max(layers) >= self.states:
            raise UnsuitableModelError(
                f"The recipe names the layer {max(layers)}, counted from the end, and {recipe.model_name!r} has "
                f"{self.states} of them: 0 to {self.states - 1}."
            )
        stacked = len(layers) if recipe.layer_agg == LayerAggregation.CONCAT else 1
        return self.width * stacked * (2 if recipe.pooling == Pooling.MEAN_MAX else 1)


def model_type_of(backend: str) -> str:
    """Name the kind of model, as ``config.json`` does, that a backend runs."""
    match ModelBackend(backend):
        case ModelBackend.ESM | ModelBackend.AUTO:
            return "esm"
        case ModelBackend.ESM3C:
            return "esmc"
        case ModelBackend.T5 | ModelBackend.ANKH:
            return "t5"
        case ModelBackend.UNIREP:
            return "unirep"
        case ModelBackend.KMER | ModelBackend.IMPORTED:
            raise UnsuitableModelError(f"The backend {backend!r} runs no model.")


def read_model_shape(config_json: bytes, recipe: EmbeddingRecipe) -> ModelShape:
    """Read ``config.json`` of a model.

    Parameters
    ----------
    config_json
        Content of the file.
    recipe
        Whose backend has to run it.

    Raises
    ------
    UnsuitableModelError
        If it cannot be read, or another backend runs such models.
    """
    try:
        config = json.loads(config_json)
    except ValueError as exc:
        raise UnsuitableModelError(f"config.json of {recipe.model_name!r} is not JSON: {exc}") from exc
    wanted = model_type_of(recipe.model_backend)
    found = config.get("model_type") if isinstance(config, dict) else None
    if found != wanted:
        raise UnsuitableModelError(
            f"config.json of {recipe.model_name!r} says model_type {found!r}, and the backend "
            f"{recipe.model_backend!r} runs {wanted!r}; choose the backend that fits."
        )
    layers = _number(config, "num_layers" if wanted == "t5" else "num_hidden_layers", recipe)
    # UniRep's embedding table is narrower than its layers, so that it is none of the states.
    states = layers if wanted == "unirep" else layers + 1
    return ModelShape(states=states, width=_number(config, "d_model" if wanted == "t5" else "hidden_size", recipe))


def _number(config: dict[str, Any], name: str, recipe: EmbeddingRecipe) -> int:
    value = config.get(name)
    if not isinstance(value, int) or value < 1:
        raise UnsuitableModelError(f"config.json of {recipe.model_name!r} says {name} {value!r}; a number is expected.")
    return value
