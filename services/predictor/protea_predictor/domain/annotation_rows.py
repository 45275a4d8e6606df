"""Annotations on their way from the database into arrays: texts become numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["AnnotationRows", "Vocabulary"]


class Vocabulary:
    """Texts and the number each gets when it first comes by; ``None`` is the empty text."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def encode(self, texts: Iterable[str | None]) -> NDArray[np.int16]:
        """Give each text its number, a new one the next free number."""
        numbers = self._numbers
        return np.fromiter((numbers.setdefault(text or "", len(numbers)) for text in texts), dtype=np.int16)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts known; position = number."""
        return tuple(self._numbers)


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationRows:
    """Annotations as they are stored, one per reference, term and evidence code, in any order.

    Attributes
    ----------
    reference_row, term_row
        Row among the references and in the `GoGraph`, shape ``(n_rows,)``.
    evidence, qualifier
        Number of the evidence code and of the qualifier, same shape.
    evidence_codes, qualifiers
        Text of each number.
    """

    reference_row: NDArray[np.integer]
    term_row: NDArray[np.integer]
    evidence: NDArray[np.int16]
    qualifier: NDArray[np.int16]
    evidence_codes: tuple[str, ...]
    qualifiers: tuple[str, ...]
