"""How vectors are made: an immutable recipe whose id follows from its content on any machine."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from protea_common.errors import PermanentError

__all__ = [
    "CONVENTION_VERSION",
    "RECIPE_NAMESPACE",
    "TORCH_BACKENDS",
    "WHOLE_SEQUENCE",
    "EmbeddingRecipe",
    "InvalidRecipeError",
    "LayerAggregation",
    "ModelBackend",
    "Pooling",
    "imported_recipe",
    "kmer_recipe",
    "recipe_id",
]

CONVENTION_VERSION = 1
"""Raise when the same recipe would give other vectors (which special tokens are stripped, say): its id changes."""

RECIPE_NAMESPACE = uuid.UUID("52b537bf-8699-42eb-b03e-ddcf39e3ed25")
"""Namespace of recipe ids; another value would make every stored recipe look new."""

WHOLE_SEQUENCE = 0
"""The ``max_length`` of a recipe that truncates nothing."""

_SHA256 = re.compile(r"[0-9a-f]{64}")

_WITHOUT_LAYERS = {
    "layer_indices": (0,),
    "layer_agg": "mean",
    "pooling": "mean",
    "normalize_residues": False,
    "max_length": WHOLE_SEQUENCE,
    "use_chunking": False,
}
"""What a recipe says whose backend embeds whole sequences in one step."""


class ModelBackend(StrEnum):
    """Families of encoders; ``auto`` is another name of ``esm``, ``imported`` means vectors that others computed."""

    ESM = "esm"
    ESM3C = "esm3c"
    T5 = "t5"
    ANKH = "ankh"
    UNIREP = "unirep"
    AUTO = "auto"
    KMER = "kmer"
    IMPORTED = "imported"


TORCH_BACKENDS = frozenset(
    {
        ModelBackend.ESM,
        ModelBackend.ESM3C,
        ModelBackend.T5,
        ModelBackend.ANKH,
        ModelBackend.UNIREP,
        ModelBackend.AUTO,
    }
)
"""Backends that run a language model on torch; an installation may lack it."""


class LayerAggregation(StrEnum):
    """How several layers become one; ``last`` is for a single layer."""

    MEAN = "mean"
    LAST = "last"
    CONCAT = "concat"


class Pooling(StrEnum):
    """How residues become a protein; ``mean_max`` puts both side by side."""

    MEAN = "mean"
    MAX = "max"
    CLS = "cls"
    MEAN_MAX = "mean_max"


class InvalidRecipeError(PermanentError):
    """The embedding recipe contradicts itself or asks for what does not exist.

    Attributes
    ----------
    problems
        Everything that is wrong, a sentence each.
    """

    slug = "invalid-embedding-recipe"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"The embedding recipe cannot be used: {'; '.join(problems)}.")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRecipe:
    """Everything that decides what vector a sequence gets, checked when it is made.

    Attributes
    ----------
    model_name
        Name of the model where its backend looks for it.
    model_backend
        A `ModelBackend`.
    layer_indices
        Layers counted from the end, 0 = last; order and repeats mean nothing.
    layer_agg
        A `LayerAggregation`.
    pooling
        A `Pooling`.
    normalize_residues
        Whether residue vectors are L2-normalised before pooling.
    normalize
        Whether the pooled vector is L2-normalised.
    max_length
        Longest input, in what the backend counts (residues or tokens); `WHOLE_SEQUENCE` truncates nothing.
    use_chunking
        Whether a sequence gets a vector per chunk.
    chunk_size, chunk_overlap
        Residues per chunk, and of them shared with the next; overlap < size.
    embedding_scale
        Divisor applied before half-precision storage.
    weights_digest
        SHA-256 of the weights in lower-case hexadecimal, or None where the backend's name fixes them.
    convention_version
        Which conventions turn hidden states into vectors, see `CONVENTION_VERSION`.

    Raises
    ------
    InvalidRecipeError
        With every problem at once.
    """

    model_name: str
    model_backend: str = ModelBackend.ESM
    layer_indices: tuple[int, ...] = (0,)
    layer_agg: str = LayerAggregation.MEAN
    pooling: str = Pooling.MEAN
    normalize_residues: bool = False
    normalize: bool = True
    max_length: int = 1022
    use_chunking: bool = False
    chunk_size: int = 512
    chunk_overlap: int = 0
    embedding_scale: float = 1.0
    weights_digest: str | None = None
    convention_version: int = CONVENTION_VERSION

    def __post_init__(self) -> None:
        problems = [*_model_problems(self), *_layer_problems(self), *_pooling_problems(self), *_length_problems(self)]
        if self.model_backend in {ModelBackend.KMER, ModelBackend.IMPORTED}:
            problems.extend(_whole_sequence_problems(self))
        if problems:
            raise InvalidRecipeError(problems)


def recipe_id(recipe: EmbeddingRecipe) -> uuid.UUID:
    """Name a recipe by its content.

    Parameters
    ----------
    recipe
        A valid recipe.

    Returns
    -------
    id
        UUID version 5 over the recipe as JSON with sorted keys. Layers in another order and ``auto`` for ``esm`` are
        the same recipe.

    References
    ----------
    RFC 9562, section 5.5.
    """
    return uuid.uuid5(RECIPE_NAMESPACE, _canonical_json(recipe))


def kmer_recipe(state_digest: str, *, normalize: bool = True) -> EmbeddingRecipe:
    """Describe a fitted k-mer encoder.

    Parameters
    ----------
    state_digest
        SHA-256 of the encoder's file, which stands for its weights.
    normalize
        Whether vectors have unit length.

    Returns
    -------
    recipe
        Of whole sequences, without chunks or layers.

    Raises
    ------
    InvalidRecipeError
        If ``state_digest`` is not 64 lower-case hexadecimal digits.
    """
    return EmbeddingRecipe(
        model_name="kmer-v1",
        model_backend=ModelBackend.KMER,
        normalize=normalize,
        max_length=WHOLE_SEQUENCE,
        weights_digest=state_digest,
    )


def imported_recipe(
    file_digest: str, *, model_name: str, normalize: bool = True, embedding_scale: float = 1.0
) -> EmbeddingRecipe:
    """Describe vectors that somebody else computed, by the SHA-256 of the file that they came in.

    Raises
    ------
    InvalidRecipeError
        If a field cannot be.
    """
    return EmbeddingRecipe(
        model_name=model_name,
        model_backend=ModelBackend.IMPORTED,
        normalize=normalize,
        max_length=WHOLE_SEQUENCE,
        embedding_scale=embedding_scale,
        weights_digest=file_digest,
    )


def _canonical_json(recipe: EmbeddingRecipe) -> str:
    is_auto = recipe.model_backend == ModelBackend.AUTO
    canonical = asdict(recipe) | {
        "model_backend": ModelBackend.ESM if is_auto else recipe.model_backend,
        "layer_indices": sorted(set(recipe.layer_indices)),
        "embedding_scale": float(recipe.embedding_scale),
    }
    return json.dumps(canonical, sort_keys=True, separators=(",", ":"))


def _model_problems(recipe: EmbeddingRecipe) -> Iterator[str]:
    if not recipe.model_name or recipe.model_name != recipe.model_name.strip():
        yield f"model_name {recipe.model_name!r} is empty or has space around it"
    yield from _unknown("model_backend", recipe.model_backend, ModelBackend)
    if recipe.weights_digest is not None and not _SHA256.fullmatch(recipe.weights_digest):
        yield f"weights_digest {recipe.weights_digest!r} is not 64 lower-case hexadecimal digits"
    if recipe.convention_version < 1:
        yield f"convention_version {recipe.convention_version} is below 1"


def _layer_problems(recipe: EmbeddingRecipe) -> Iterator[str]:
    if not recipe.layer_indices:
        yield "layer_indices is empty; 0 is the last layer"
    if any(index < 0 for index in recipe.layer_indices):
        yield f"layer_indices {list(recipe.layer_indices)} has a negative index; 0 is the last layer, 1 the one before"
    yield from _unknown("layer_agg", recipe.layer_agg, LayerAggregation)
    if recipe.layer_agg == LayerAggregation.LAST and len(set(recipe.layer_indices)) > 1:
        yield "layer_agg 'last' with several layers would use the shallowest of them; give the one layer that is meant"


def _pooling_problems(recipe: EmbeddingRecipe) -> Iterator[str]:
    yield from _unknown("pooling", recipe.pooling, Pooling)
    if recipe.pooling == Pooling.CLS and recipe.use_chunking:
        yield "pooling 'cls' takes one position of the whole sequence, so it cannot be used with chunks"
    if recipe.pooling == Pooling.CLS and recipe.model_backend == ModelBackend.UNIREP:
        yield "pooling 'cls' would be the same for all proteins with backend 'unirep', which reads from left to right"
    if not (math.isfinite(recipe.embedding_scale) and recipe.embedding_scale > 0):
        yield f"embedding_scale {recipe.embedding_scale} is not a positive number"


def _length_problems(recipe: EmbeddingRecipe) -> Iterator[str]:
    if recipe.max_length < WHOLE_SEQUENCE:
        yield f"max_length {recipe.max_length} is negative; {WHOLE_SEQUENCE} means the whole sequence"
    if recipe.chunk_size < 1:
        yield f"chunk_size {recipe.chunk_size} is below 1"
    if not 0 <= recipe.chunk_overlap < max(recipe.chunk_size, 1):
        yield f"chunk_overlap {recipe.chunk_overlap} is not in 0 <= overlap < chunk_size {recipe.chunk_size}"


def _whole_sequence_problems(recipe: EmbeddingRecipe) -> Iterator[str]:
    """Refuse what counted k-mers and vectors of others would silently ignore."""
    backend = f"backend {str(recipe.model_backend)!r}"
    if recipe.weights_digest is None:
        yield f"weights_digest is missing; {backend} needs the digest of its file"
    for field, value in _WITHOUT_LAYERS.items():
        if getattr(recipe, field) != value:
            yield f"{field} must be {value!r} with {backend}, which has no layers, residue vectors or chunks"


def _unknown(field: str, value: str, choices: type[StrEnum]) -> Iterator[str]:
    known = [choice.value for choice in choices]
    if value not in known:
        yield f"{field} {value!r} is unknown; choose one of {', '.join(known)}"
