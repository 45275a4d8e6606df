"""The mapping of InterPro entries to GO terms as a stream of pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["EntryTerm", "InterPro2GoReader", "read_interpro2go"]

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
    """

    data_lines: int = field(default=0, init=False)
    rejected: int = field(default=0, init=False)
    _lines: Iterable[str] = field(repr=False)

    def __iter__(self) -> Iterator[EntryTerm]:
        for line in self._lines:
            if line.startswith("!") or not line.strip():
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
