"""The mapping of InterPro entries to GO terms as a stream of pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

__all__ = ["EntryTerm", "InterPro2GoReader", "read_interpro2go"]

_DAY = re.compile(r"!(?:version )?date: *([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})\b.*\s*")
_PAIR = re.compile(r"InterPro:(IPR[0-9]{6})\b.* ; (GO:[0-9]{7})\s*")


class EntryTerm(NamedTuple):
    """An entry and a term that it implies."""

    ipr_accession: str
    go_id: str


@dataclass(slots=True)
class InterPro2GoReader:
    """Pairs of one file, read once; the counts grow while the pairs are taken.

    Attributes
    ----------
    data_lines
        Lines that are no comment, read so far.
    rejected
        Those of them that hold no pair.
    released_on
        The day that a comment tells, such as ``!date: 2022/10/05 11:07:08``; ``None`` until one does.
    """

    data_lines: int = field(default=0, init=False)
    rejected: int = field(default=0, init=False)
    released_on: date | None = field(default=None, init=False)
    _lines: Iterable[str] = field(repr=False)

    def __iter__(self) -> Iterator[EntryTerm]:
        for line in self._lines:
            if line.startswith("!"):
                self.released_on = self.released_on or _day(line)
                continue
            if not line.strip():
                continue
            self.data_lines += 1
            pair = _PAIR.fullmatch(line)
            if pair is None:
                self.rejected += 1
            else:
                yield EntryTerm(*pair.groups())


def read_interpro2go(lines: Iterable[str]) -> InterPro2GoReader:
    """Open a mapping in the external2go format: ``InterPro:IPR000719 label > GO:label ; GO:0004672``.

    References
    ----------
    Gene Ontology Consortium, mappings of external classification systems to GO.
    """
    return InterPro2GoReader(_lines=lines)


def _day(comment: str) -> date | None:
    """Read the day of a comment; ``None`` if it tells none, or none that exists."""
    told = _DAY.fullmatch(comment)
    if told is None:
        return None
    try:
        return date(*map(int, told.groups()))
    except ValueError:
        return None
