"""A recipe as it is kept: under its id, with where its weights lie and what people are told about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from protea_common.errors import PermanentError
from protea_embedder.domain.recipe import EmbeddingRecipe, recipe_id

__all__ = ["MAX_DIMENSION", "ConfigText", "EmbeddingConfig", "TooManyDimensionsError", "new_embedding_config"]

MAX_DIMENSION = 16_000
"""Longest vector that pgvector stores; a recipe beyond it could be kept, but none of its vectors could."""


class TooManyDimensionsError(PermanentError):
    """The recipe's vectors are longer than the database can store."""

    slug: ClassVar[str] = "too-many-dimensions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigText:
    """What a recipe says to people, beside what it computes.

    Attributes
    ----------
    display_name, family, description
        For display only.
    licence
        Licence of the weights.
    is_language_model
        Whether a protein language model makes the vectors.
    param_count
        Numbers in the model's weights, if they were counted.
    """

    display_name: str
    family: str
    description: str
    licence: str
    is_language_model: bool
    param_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingConfig:
    """A recipe that can be followed.

    Attributes
    ----------
    id
        Under which its vectors are stored.
    recipe
        How they are made.
    weights_uri
        Where the weights were put; None where the backend's name fixes them.
    dimension
        Length of a vector, at most `MAX_DIMENSION`; None until the first one is known.
    param_count
        Numbers in the model's weights; None where it has none that were counted.

    Raises
    ------
    TooManyDimensionsError
        When made with a greater dimension.
    """

    id: UUID
    recipe: EmbeddingRecipe
    weights_uri: str | None
    dimension: int | None
    param_count: int | None = None

    def __post_init__(self) -> None:
        if self.dimension is not None and self.dimension > MAX_DIMENSION:
            raise TooManyDimensionsError(
                f"Vectors of {self.dimension} dimensions cannot be stored; {MAX_DIMENSION} is the limit. "
                "Choose fewer layers, or an aggregation other than concat."
            )


def new_embedding_config(recipe: EmbeddingRecipe, *, weights_uri: str | None, dimension: int) -> EmbeddingConfig:
    """Give a recipe the id that follows from it.

    Raises
    ------
    TooManyDimensionsError
        If ``dimension`` is over `MAX_DIMENSION`.
    """
    return EmbeddingConfig(id=recipe_id(recipe), recipe=recipe, weights_uri=weights_uri, dimension=dimension)
