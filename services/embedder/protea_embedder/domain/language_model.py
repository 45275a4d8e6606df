"""The port of protein language models: sequences into hidden states; pooling them is left to the encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

__all__ = ["LanguageModel", "RunModel"]

RunModel = Callable[[Sequence[int]], list[Tensor]]
"""Computes the states of the layers that it is given, counted from the end: 0 is the last."""


class LanguageModel(Protocol):
    """Runs a model on batches of sequences; what a position's state is does not depend on the batch."""

    @property
    def states(self) -> int:
        """Hidden states that the model has: its layers, and one for the embedding table if its vectors are as long."""
        ...

    @property
    def width(self) -> int:
        """Length ``H`` of a hidden state."""
        ...

    @property
    def first_residue(self) -> int:
        """Special tokens before the first residue."""
        ...

    @property
    def special_tokens(self) -> int:
        """Special tokens of a sequence, before and after its residues."""
        ...

    @property
    def longest_input(self) -> int | None:
        """Most tokens, special ones included, that the model has positions for; None if any number."""
        ...

    def prepare(self, sequences: Sequence[str]) -> RunModel:
        """Spell sequences as the model wants them; off the device, so that it may compute others meanwhile.

        Parameters
        ----------
        sequences
            One or more, of any length that fits `longest_input`.

        Returns
        -------
        run
            Computes their states on the device, for each of the layers given shape ``(n, T, H)``, float32; layer 0 is
            the last, ``states - 1`` the first state. Residue ``j`` of a sequence stands at position
            ``first_residue + j``; what lies behind its special tokens is padding. It raises `DeviceOutOfMemoryError`
            if the batch does not fit the device.
        """
        ...
