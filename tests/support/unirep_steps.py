"""UniRep by hand: one protein, one step after the other, in numpy and float64, from the formulas of the papers.

It shares no code with the embedder: tokens, weight normalisation, gates and layers are written here anew, after Krause
et al. 2016 (arXiv:1609.07959) and Alley et al. 2019 (Nat Methods 16:1315).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

__all__ = ["UniRepSteps"]

_ORDER = "_MRHKDESTNQCUGPAVIFYWLOX"
_START = 24

Array = NDArray[np.float64]


class UniRepSteps:
    """Hidden states of residues, the state of the start token cut off by hand."""

    def __init__(self, folder: Path) -> None:
        self._arrays = safetensors.numpy.load((folder / "model.safetensors").read_bytes())
        self._layers = sum(name.endswith(".wmh") for name in self._arrays)

    def all_states(self, sequence: str) -> NDArray[np.float32]:
        """Every layer's state of every token, shape ``(states, T, H)``."""
        steps = [self._array("embedding")[token] for token in (_START, *map(_token, sequence))]
        states = []
        for layer in range(self._layers):
            steps = self._run(layer, steps)
            states.append(steps)
        return np.array(states, dtype=np.float32)

    def residues(self, sequence: str, *, layer: int = 0) -> NDArray[np.float32]:
        """States of the residues, shape ``(L, H)``; layer 0 is the last."""
        states: NDArray[np.float32] = self.all_states(sequence)[-1 - layer, 1:]
        return states

    def mean(self, sequence: str) -> NDArray[np.float32]:
        """Mean of the last layer over the residues, of unit length, shape ``(H,)``."""
        mean = self.residues(sequence).mean(axis=0)
        unit: NDArray[np.float32] = mean / np.linalg.norm(mean)
        return unit

    def _run(self, layer: int, steps: list[Array]) -> list[Array]:
        wx, wh, wmx, wmh = (self._normalized(layer, name) for name in ("x", "h", "mx", "mh"))
        bias = self._array(f"mlstm.{layer}.b")
        hidden = cell = np.zeros(len(wmh))
        states = []
        for x in steps:
            m = (x @ wmx) * (hidden @ wmh)
            i, f, o, u = np.split(x @ wx + m @ wh + bias, 4)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(u)
            hidden = _sigmoid(o) * np.tanh(cell)
            states.append(hidden)
        return states

    def _normalized(self, layer: int, name: str) -> Array:
        v, g = self._array(f"mlstm.{layer}.w{name}"), self._array(f"mlstm.{layer}.g{name}")
        weights: Array = g * v / np.sqrt((v**2).sum(axis=0))
        return weights

    def _array(self, name: str) -> Array:
        return self._arrays[name].astype(np.float64)


def _token(residue: str) -> int:
    found = _ORDER.find(residue)
    return found if found > 0 else _ORDER.index("X")


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))
