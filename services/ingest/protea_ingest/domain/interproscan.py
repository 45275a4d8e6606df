"""Results of InterProScan as a stream of hits on sequences, with a count of what was left out and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

__all__ = ["HitReject", "InterProScanReader", "SignatureHit", "read_interproscan"]

_FEWEST_COLUMNS = 11
_ENTRY_COLUMN = 11
_RELEASE = re.compile(r"#+\s*InterProScan-(\S+)")
_MD5 = re.compile(r"[0-9a-f]{32}")
_ENTRY = re.compile(r"IPR[0-9]{6}")
_LONGEST_TEXT = 64
"""Characters of a database's name and of a score; longer ones are no output of InterProScan."""


class HitReject(StrEnum):
    """Why a line became no hit."""

    SHORT_LINE = "short_line"
    BAD_MD5 = "bad_md5"
    BAD_POSITION = "bad_position"
    NOT_INTEGRATED = "not_integrated"
    UNKNOWN_SEQUENCE = "unknown_sequence"
    DUPLICATE = "duplicate"


class SignatureHit(NamedTuple):
    """A signature of an InterPro entry on a sequence.

    Attributes
    ----------
    sequence_hash
        Column 2: MD5 of the sequence, lower case; it alone decides which sequence is meant.
    accession
        Column 1, of ``db|accession|name`` the middle: as the scanned file called the sequence.
    source_db
        Column 4: member database, such as ``Pfam`` or ``ProSiteProfiles``.
    entry
        Column 12: the InterPro entry, such as ``IPR000719``.
    first, last
        Columns 7 and 8: residues, 1-based, inclusive.
    evidence
        Column 9: score or e-value as it is spelled.
    """

    sequence_hash: str
    accession: str
    source_db: str
    entry: str
    first: int
    last: int
    evidence: str | None


@dataclass(slots=True)
class InterProScanReader:
    """Hits of one file, read once; the counts grow while the hits are taken.

    Attributes
    ----------
    release
        What a line ``# InterProScan-...`` that has passed says; ``None`` where none does.
    data_lines
        Lines with a hit read so far, rejected ones included.
    rejects
        Lines rejected so far, by reason.
    """

    release: str | None = field(default=None, init=False)
    data_lines: int = field(default=0, init=False)
    rejects: Counter[HitReject] = field(default_factory=Counter, init=False)
    _lines: Iterable[str] = field(repr=False)

    def __iter__(self) -> Iterator[SignatureHit]:
        for line in self._lines:
            if line.startswith("#"):
                found = _RELEASE.match(line)
                self.release = found.group(1)[:_LONGEST_TEXT] if found else self.release
            elif line.strip():
                self.data_lines += 1
                hit = _parse_line(line)
                if isinstance(hit, HitReject):
                    self.rejects[hit] += 1
                else:
                    yield hit


def read_interproscan(lines: Iterable[str]) -> InterProScanReader:
    """Open results in InterProScan's TSV format; hits are neither kept nor de-duplicated.

    A hit of a signature that belongs to no InterPro entry is left out, since nothing follows from it.

    References
    ----------
    InterProScan 5 documentation, Output formats, TSV.
    """
    return InterProScanReader(_lines=lines)


def _parse_line(line: str) -> SignatureHit | HitReject:
    columns = line.rstrip("\r\n").split("\t")
    if len(columns) < _FEWEST_COLUMNS or not columns[3] or len(columns[3]) > _LONGEST_TEXT:
        return HitReject.SHORT_LINE
    sequence_hash = columns[1].lower()
    if _MD5.fullmatch(sequence_hash) is None:
        return HitReject.BAD_MD5
    span = _span(columns[6], columns[7])
    if span is None:
        return HitReject.BAD_POSITION
    entry = columns[_ENTRY_COLUMN] if len(columns) > _ENTRY_COLUMN else ""
    if _ENTRY.fullmatch(entry) is None:
        return HitReject.NOT_INTEGRATED
    score = columns[8][:_LONGEST_TEXT]
    evidence = None if score in {"", "-"} else score
    return SignatureHit(sequence_hash, _accession(columns[0]), columns[3], entry, *span, evidence)


def _span(first: str, last: str) -> tuple[int, int] | None:
    if not (_is_number(first) and _is_number(last)):
        return None
    span = int(first), int(last)
    return span if 1 <= span[0] <= span[1] else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < len("2147483647")


def _accession(name: str) -> str:
    parts = name.split("|")
    return parts[1] if len(parts) == 3 else name  # noqa: PLR2004 - as in sp|P12345|NAME
