"""Which references resemble which targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hits"]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Pairs of a target and a reference that resembles it, never itself; by target, best first.

    Attributes
    ----------
    targets, references
        Positions in the corpus, shape ``(n_hits,)``.
    weights
        Bit score or squared cosine, above 0.
    similarities
        Bit score as a share of what the target scores with itself, or cosine, in [0, 1].
    """

    targets: NDArray[np.int64]
    references: NDArray[np.int64]
    weights: NDArray[np.float32]
    similarities: NDArray[np.float32]

    def where(self, mask: NDArray[np.bool_]) -> Hits:
        """Keep the hits that the mask marks."""
        return Hits(self.targets[mask], self.references[mask], self.weights[mask], self.similarities[mask])
