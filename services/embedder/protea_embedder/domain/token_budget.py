"""How much a device computes at once; it learns from batches that did not fit."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TokenBudget"]


@dataclass(slots=True)
class TokenBudget:
    """The limits of a batch on one device.

    Attributes
    ----------
    tokens
        Most that the longest sequence times the number of sequences may be, at least 1.
    sequences
        Most sequences, at least 1.
    """

    tokens: int
    sequences: int

    def shrink_below(self, tokens: int) -> None:
        """Allow at most half of a batch that did not fit."""
        self.tokens = max(min(self.tokens, tokens // 2), 1)
