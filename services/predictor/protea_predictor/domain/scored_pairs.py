"""Terms of proteins with their scores, however they came about: what is stored where evidence is not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["ScoredPairs"]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """Pairs of a protein and a term, those of a protein together; shape ``(n,)`` each.

    Attributes
    ----------
    query_row, term_row
        The pair, as rows among the proteins and in the `GoGraph`.
    scores
        In [0, 1].
    """

    query_row: NDArray[np.int64]
    term_row: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, positions: NDArray[np.int64]) -> ScoredPairs:
        """Keep some pairs, in the order given."""
        return ScoredPairs(self.query_row[positions], self.term_row[positions], self.scores[positions])

    def with_scores(self, scores: NDArray[np.float64]) -> ScoredPairs:
        """Give the same pairs other scores."""
        return replace(self, scores=scores)

    def worth_storing(self, *, abstain_below: float) -> ScoredPairs:
        """Keep what scores above 0 and at least ``abstain_below``."""
        return self.take(np.flatnonzero((self.scores > 0) & (self.scores >= abstain_below)))
