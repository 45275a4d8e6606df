"""Made-up proteins for tests that need many sequences and no biology."""

from __future__ import annotations

import numpy as np

__all__ = ["random_proteins"]


def random_proteins(count: int, *, seed: int = 7) -> list[str]:
    """Draw sequences of 5 to 400 standard residues."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), size=rng.integers(5, 400))) for _ in range(count)]
