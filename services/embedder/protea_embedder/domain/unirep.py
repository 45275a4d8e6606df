"""UniRep's arrays: their names, their shapes, and the tokens that its training gave to residues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["EMBEDDING", "LICENCE", "START", "TOKENS", "UNKNOWN", "array_problems", "array_shapes"]

LICENCE: Final = "CC BY-NC 4.0"
"""Of the published weights, as their authors state it: no commercial use."""

EMBEDDING: Final = "embedding"

START: Final = 24
"""Token in front of every protein."""

UNKNOWN: Final = 23
"""Token of X, and of Z, B and J."""

TOKENS: Final[Mapping[str, int]] = {
    residue: number for number, residue in enumerate("MRHKDESTNQCUGPAVIFYWLOX", start=1)
} | dict.fromkeys("ZBJ", UNKNOWN)
"""Token of each residue, as the published arrays were trained; 0 is padding and 25 the end of a protein."""

_N_TOKENS: Final = 26


def array_shapes(*, layers: int, units: int, inputs: int) -> dict[str, tuple[int, ...]]:
    """Name the arrays of a model, with their shapes.

    Parameters
    ----------
    layers, units
        Layers, one upon the other, and the length ``H`` of a hidden state.
    inputs
        Length of a token's vector.

    Returns
    -------
    shapes
        By name: ``w`` are weights, ``g`` the lengths of their columns, ``b`` the bias of the gates; ``x`` is the input,
        ``h`` the last hidden state, ``m`` the middle.

    References
    ----------
    Alley et al. 2019, Nat Methods 16:1315.
    """
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (_N_TOKENS, inputs)}
    for layer in range(layers):
        width = inputs if layer == 0 else units
        shapes |= {
            f"mlstm.{layer}.{name}": shape
            for name, shape in {
                "wx": (width, 4 * units),
                "wh": (units, 4 * units),
                "wmx": (width, units),
                "wmh": (units, units),
                "b": (4 * units,),
                "gx": (4 * units,),
                "gh": (4 * units,),
                "gmx": (units,),
                "gmh": (units,),
            }.items()
        }
    return shapes


def array_problems(found: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """Say which arrays are missing, and which have another shape."""
    missing = [name for name in wanted if name not in found]
    if missing:
        yield f"there is no {', '.join(missing)}"
    for name, shape in wanted.items():
        if name in found and found[name] != shape:
            yield f"{name} has the shape {found[name]}, where {shape} is expected"
