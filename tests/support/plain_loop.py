"""What every tiny model gives when it is run the straightforward way, by code that the embedder has no part in."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from support.transformers_loop import TransformersLoop
from support.unirep_steps import UniRepSteps

__all__ = ["PlainLoop", "plain_loop"]


class PlainLoop(Protocol):
    """One protein at a time, in float32."""

    def all_states(self, sequence: str) -> NDArray[np.float32]:
        """Every state of every token, shape ``(states, T, H)``, the first state first."""
        ...

    def residues(self, sequence: str, *, layer: int = 0) -> NDArray[np.float32]:
        """States of the residues, shape ``(L, H)``; layer 0 is the last."""
        ...

    def mean(self, sequence: str) -> NDArray[np.float32]:
        """Mean of the last layer over the residues, of unit length, shape ``(H,)``."""
        ...


def plain_loop(name: str, folder: Path) -> PlainLoop:
    """Open the model of `TINY_MODELS` in a folder."""
    return UniRepSteps(folder) if name == "unirep" else TransformersLoop(name, folder)
