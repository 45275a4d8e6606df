"""The ports that sequence encoders implement; they leave models and devices to those who implement them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import TransientError
from protea_embedder.domain.spans import SpanVectors

__all__ = ["DeviceOutOfMemoryError", "Encoder", "ResidueEncoder", "SpanEncoder"]


class DeviceOutOfMemoryError(TransientError):
    """The batch does not fit the device's memory; a smaller one may."""

    slug: ClassVar[str] = "device-out-of-memory"


class Encoder(Protocol):
    """Turns amino-acid sequences into one vector each.

    The vector of a sequence is a property of the sequence: alone, in any batch and in any order it is the same within
    1e-5 per component in float32. Any string is accepted: empty, of one residue, with non-standard residues.
    """

    @property
    def dimension(self) -> int:
        """Length ``D`` of a vector."""
        ...

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        """Embed sequences, one vector per protein.

        Parameters
        ----------
        sequences
            Amino-acid strings in one-letter code.

        Returns
        -------
        embeddings
            Finite values, shape ``(n, D)``, row ``i`` for ``sequences[i]``; shape ``(0, D)`` for no sequences.
        """
        ...


@runtime_checkable
class SpanEncoder(Encoder, Protocol):
    """An encoder that sees a limited part of a sequence, and may give it several vectors."""

    @property
    def max_residues(self) -> int | None:
        """Residues of a sequence that are seen; None for all of them."""
        ...

    @property
    def batch_tokens(self) -> int:
        """Tokens that are best computed at once: the longest sequence times the number of sequences."""
        ...

    def prepare_spans(self, sequences: Sequence[str]) -> Callable[[], SpanVectors]:
        """Make sequences ready off the device; what it gives embeds them there, a vector for each span."""
        ...


@runtime_checkable
class ResidueEncoder(Encoder, Protocol):
    """An encoder that has a vector for every residue."""

    @property
    def residue_width(self) -> int:
        """Length of a residue's vector."""
        ...

    def prepare_residues(self, sequences: Sequence[str]) -> Callable[[], list[NDArray[np.float32]]]:
        """Make sequences ready off the device; what it gives embeds their residues there.

        For each sequence it gives shape ``(residues that are seen, residue_width)``.
        """
        ...
