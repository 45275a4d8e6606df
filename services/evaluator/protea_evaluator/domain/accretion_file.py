"""Information accretion as a text file, in the form that CAFA's evaluators read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_common.errors import PermanentError

__all__ = ["AccretionFile", "AccretionFileError", "read_accretion", "read_terms_of_interest", "write_accretion"]

_MOST_LINES = 200_000
"""Lines that a file may have: the ontology has 45,000 terms, and a file of another kind is noticed soon."""

_COLUMNS = 2


class AccretionFileError(PermanentError):
    """A file of terms cannot be read; says which line is wrong."""

    slug = "accretion-file-invalid"

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"Line {line} {problem}. Give a text file with a GO term, a tab and its bits on each line.")
        self.line = line


@dataclass(frozen=True, slots=True, eq=False)
class AccretionFile:
    """Weights of the terms of an ontology.

    Attributes
    ----------
    accretion
        In bits, shape ``(n_terms,)``; terms that the file does not name weigh nothing, as in CAFA's evaluators.
    n_missing
        Terms of the ontology that the file does not name.
    """

    accretion: NDArray[np.float64]
    n_missing: int


def write_accretion(accretion: NDArray[np.float64], graph: GoGraph) -> bytes:
    """Write a line for each term, by identifier; `read_accretion` gives the same numbers back."""
    return "".join(
        f"{go_id}\t{bits!r}\n" for go_id, bits in zip(graph.go_ids, accretion.tolist(), strict=True)
    ).encode()


def read_accretion(lines: Iterable[str], graph: GoGraph) -> AccretionFile:
    """Read weights; terms that the ontology does not hold are passed over.

    Raises
    ------
    AccretionFileError
        If a line has no number of bits that is at least 0, or there are too many lines, or none fits the ontology.
    """
    accretion, named = np.zeros(len(graph.go_ids)), np.zeros(len(graph.go_ids), dtype=np.bool_)
    for number, fields in _fields(lines):
        if len(fields) != _COLUMNS:
            raise AccretionFileError(number, f"has {len(fields)} columns instead of 2")
        row = graph.row_of.get(fields[0])
        if row is not None:
            accretion[row], named[row] = _bits(fields[1], number), True
    if not named.any():
        raise AccretionFileError(1, "and all others name no term of the ontology")
    return AccretionFile(accretion, int(np.count_nonzero(~named)))


def read_terms_of_interest(lines: Iterable[str], graph: GoGraph) -> NDArray[np.bool_]:
    """Read which terms count, from the first column; terms that the ontology does not hold are passed over.

    Raises
    ------
    AccretionFileError
        If there are too many lines, or none fits the ontology.
    """
    rows = [graph.row_of.get(fields[0]) for _, fields in _fields(lines)]
    of_interest = np.zeros(len(graph.go_ids), dtype=np.bool_)
    of_interest[[row for row in rows if row is not None]] = True
    if not of_interest.any():
        raise AccretionFileError(1, "and all others name no term of the ontology")
    return of_interest


def _fields(lines: Iterable[str]) -> Iterable[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        if number > _MOST_LINES:
            raise AccretionFileError(number, f"is one too many: at most {_MOST_LINES} are read")
        if line.strip():
            yield number, line.split()


def _bits(text: str, line: int) -> float:
    try:
        bits = float(text)
    except ValueError:
        bits = math.nan
    if not (math.isfinite(bits) and bits >= 0):
        raise AccretionFileError(line, "has no number of bits that is at least 0")
    return bits
