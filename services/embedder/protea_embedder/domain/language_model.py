"""The port of protein language models: sequences into hidden states; pooling them is left to the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

__all__ = ["LanguageModel"]


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

    def hidden_states(self, sequences: Sequence[str], layers: Sequence[int]) -> list[Tensor]:
        """Run the model.

        Parameters
        ----------
        sequences
            One or more, of any length that fits `longest_input`.
        layers
            Counted from the end: 0 is the last layer, ``states - 1`` the first state.

        Returns
        -------
        states
            One for each of ``layers``, shape ``(n, T, H)``, float32. Residue ``j`` of a sequence stands at position
            ``first_residue + j``; what lies behind its special tokens is padding.

        Raises
        ------
        DeviceOutOfMemoryError
            If the batch does not fit the device.
        """
        ...
