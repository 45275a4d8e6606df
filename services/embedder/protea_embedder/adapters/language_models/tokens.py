"""Residues into token ids: one token each, by a table that the model's own tokenizer fills."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protea_common.errors import PermanentError

__all__ = ["STANDARD_RESIDUES", "ResidueTokens", "UnsuitableTokenizerError", "read_residue_tokens"]

STANDARD_RESIDUES: Final = "ACDEFGHIKLMNPQRSTVWY"
UNKNOWN_RESIDUE: Final = "X"

_SYMBOLS: Final = string.ascii_uppercase + "*-."


class UnsuitableTokenizerError(PermanentError):
    """The model's tokenizer does not give each residue a token of its own."""

    slug: ClassVar[str] = "unsuitable-tokenizer"


@dataclass(frozen=True, slots=True, eq=False)
class ResidueTokens:
    """How a model spells a protein.

    Attributes
    ----------
    table
        Token of each ASCII character, int64, shape ``(128,)``.
    before, after
        Special tokens around the residues.
    padding
        Token that fills shorter sequences up.
    """

    table: NDArray[np.int64]
    before: tuple[int, ...]
    after: tuple[int, ...]
    padding: int

    @property
    def special_tokens(self) -> int:
        """Tokens beside the residues."""
        return len(self.before) + len(self.after)

    def spell(self, sequences: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        """Make a batch.

        Parameters
        ----------
        sequences
            One or more.

        Returns
        -------
        tokens
            int64, shape ``(n, T)``, filled up at the end.
        mask
            1 for tokens and 0 for padding, same shape; None where there is no padding.
        """
        lengths = np.array([len(sequence) for sequence in sequences]) + self.special_tokens
        tokens = np.full((len(sequences), lengths.max()), self.padding, dtype=np.int64)
        for row, sequence in zip(tokens, sequences, strict=True):
            spelled = self._of_one(sequence)
            row[: len(spelled)] = spelled
        if (lengths == lengths[0]).all():
            return torch.from_numpy(tokens), None
        mask = np.arange(tokens.shape[1]) < lengths[:, np.newaxis]
        return torch.from_numpy(tokens), torch.from_numpy(mask.astype(np.int64))

    def _of_one(self, sequence: str) -> NDArray[np.int64]:
        residues = np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)
        return np.concatenate([self.before, self.table[residues], self.after]).astype(np.int64)


def read_residue_tokens(
    tokenize: Callable[[str], Sequence[int]], *, tokens_before: int, padding: int, aliases: Mapping[str, str]
) -> ResidueTokens:
    """Ask a tokenizer how it spells each residue.

    Parameters
    ----------
    tokenize
        Gives the tokens of a protein with the special ones around it.
    tokens_before
        How many special tokens come first.
    padding
        The tokenizer's padding token.
    aliases
        Letters that are read as another one. A letter that has no single token is read as ``X``.

    Raises
    ------
    UnsuitableTokenizerError
        If a standard residue has no token of its own.
    """
    alphabet = STANDARD_RESIDUES + UNKNOWN_RESIDUE
    spelled = list(tokenize(alphabet))
    before, residues, after = (
        spelled[:tokens_before],
        spelled[tokens_before : tokens_before + len(alphabet)],
        spelled[tokens_before + len(alphabet) :],
    )
    if len(residues) != len(alphabet) or len(set(residues[:-1])) != len(STANDARD_RESIDUES):
        raise UnsuitableTokenizerError(
            f"The tokenizer makes {len(spelled)} tokens of the {len(alphabet)} residues {alphabet}, and each needs one "
            "of its own; the files of another model or backend may be meant."
        )
    known = dict(zip(alphabet, residues, strict=True))
    single = {symbol: _single(tokenize(symbol), len(before), len(after)) for symbol in _SYMBOLS}
    known = {symbol: token for symbol, token in single.items() if token is not None} | known
    table = np.full(128, known[UNKNOWN_RESIDUE], dtype=np.int64)
    for symbol in _SYMBOLS:
        token = known.get(aliases.get(symbol, symbol), known[UNKNOWN_RESIDUE])
        table[[ord(symbol), ord(symbol.lower())]] = token
    return ResidueTokens(table=table, before=tuple(before), after=tuple(after), padding=padding)


def _single(spelled: Sequence[int], before: int, after: int) -> int | None:
    """Give the token of a letter if it is one."""
    return spelled[before] if len(spelled) == before + 1 + after else None
