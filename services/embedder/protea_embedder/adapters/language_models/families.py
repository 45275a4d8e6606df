"""What the families of models differ in: their class, how their tokenizer is asked, their special tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from transformers import (
    AutoTokenizer,
    EsmcModel,
    EsmcTokenizer,
    EsmModel,
    EsmTokenizer,
    PreTrainedModel,
    T5EncoderModel,
    T5Tokenizer,
)

from protea_embedder.adapters.language_models.tokens import ResidueTokens, read_residue_tokens
from protea_embedder.domain.recipe import EmbeddingRecipe, ModelBackend

__all__ = ["Family", "family_of", "read_tokens"]

PROST_T5: Final = "prostt5"
"""A model with this in its name wants to be told that amino acids follow, by a token in front."""

PROST_T5_PREFIX: Final = "<AA2fold>"

_RARE_AS_UNKNOWN: Final = {"U": "X", "Z": "X", "O": "X", "B": "X"}
"""The T5 models were trained with these residues as X."""

Tokenize = Callable[[Any, str], list[int]]


@dataclass(frozen=True, slots=True)
class Family:
    """Models that are run alike.

    Attributes
    ----------
    model_type
        What their ``config.json`` calls them.
    model_class, model_options
        Their class in transformers, and what it wants beside the folder.
    load_tokenizer
        Opens the tokenizer of a folder.
    tokenize
        Gives the tokens of a protein in one-letter code.
    tokens_before
        Special tokens in front of the residues.
    aliases
        Residues that are read as another.
    """

    model_type: str
    model_class: type[PreTrainedModel]
    model_options: Mapping[str, Any]
    load_tokenizer: Callable[[Path], Any]
    tokenize: Tokenize
    tokens_before: int
    aliases: Mapping[str, str]


def family_of(recipe: EmbeddingRecipe) -> Family:
    """Find how a recipe's model is run; the recipe's backend is one of those that need torch."""
    if recipe.model_backend == ModelBackend.T5 and PROST_T5 in recipe.model_name.lower():
        return _PROST_T5
    return _FAMILIES[ModelBackend(recipe.model_backend)]


def read_tokens(family: Family, folder: Path) -> ResidueTokens:
    """Ask the tokenizer of a folder how it spells residues.

    Raises
    ------
    UnsuitableTokenizerError
        If it does not spell them one by one.
    """
    tokenizer = family.load_tokenizer(folder)
    return read_residue_tokens(
        lambda residues: family.tokenize(tokenizer, residues),
        tokens_before=family.tokens_before,
        padding=int(tokenizer.pad_token_id),
        aliases=family.aliases,
    )


def _opener(tokenizer_class: Any, **options: Any) -> Callable[[Path], Any]:
    def load(folder: Path) -> Any:
        return tokenizer_class.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)

    return load


def _ids(tokenized: Mapping[str, Any]) -> list[int]:
    return [int(token) for token in tokenized["input_ids"]]


def _raw(tokenizer: Any, residues: str) -> list[int]:
    return _ids(tokenizer(residues))


def _spaced(tokenizer: Any, residues: str) -> list[int]:
    return _ids(tokenizer(" ".join(residues)))


def _spaced_after_prefix(tokenizer: Any, residues: str) -> list[int]:
    return _ids(tokenizer(" ".join([PROST_T5_PREFIX, *residues])))


def _listed(tokenizer: Any, residues: str) -> list[int]:
    return _ids(tokenizer(list(residues), is_split_into_words=True))


_ESM = Family("esm", EsmModel, {"add_pooling_layer": False}, _opener(EsmTokenizer), _raw, 1, {})
_T5 = Family("t5", T5EncoderModel, {}, _opener(T5Tokenizer, do_lower_case=False), _spaced, 0, _RARE_AS_UNKNOWN)
_PROST_T5 = Family(
    "t5", T5EncoderModel, {}, _opener(T5Tokenizer, do_lower_case=False), _spaced_after_prefix, 1, _RARE_AS_UNKNOWN
)

_FAMILIES: Final[Mapping[ModelBackend, Family]] = {
    ModelBackend.ESM: _ESM,
    ModelBackend.AUTO: _ESM,
    ModelBackend.ESM3C: Family("esmc", EsmcModel, {}, _opener(EsmcTokenizer), _raw, 1, {}),
    ModelBackend.T5: _T5,
    ModelBackend.ANKH: Family("t5", T5EncoderModel, {}, _opener(AutoTokenizer), _listed, 0, _RARE_AS_UNKNOWN),
}
