"""Gene Association Files as a stream of rows, with a count of what was left out and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from protea_common.errors import PermanentError

__all__ = ["GafFormatError", "GafHeader", "GafReader", "GafRow", "RejectReason", "read_gaf"]

_SUPPORTED_VERSIONS = ("2.0", "2.1", "2.2")

_MIN_COLUMNS = 15
_GO_ID = re.compile(r"GO:[0-9]{7}")
_DATE_CHARACTERS = len("YYYYMMDD")
_AFTER_ALL_DATES = "99999999"
_CACHED_VALUES = 65_536
"""Checked identifiers and dates remembered: fewer than the 45,000 live terms and the checks cost more than they do now,
many more and a file full of nonsense fills the memory."""


class GafFormatError(PermanentError):
    """The annotation file is not a Gene Association File of version 2.0 to 2.2, or holds no annotation."""

    slug = "gaf-format"


class RejectReason(StrEnum):
    """Why a line of a GAF became no row."""

    SHORT_LINE = "short_line"
    BAD_ACCESSION = "bad_accession"
    BAD_GO_ID = "bad_go_id"
    MISSING_EVIDENCE_CODE = "missing_evidence_code"
    BAD_DATE = "bad_date"
    AFTER_CUTOFF = "after_cutoff"


class GafRow(NamedTuple):
    """One annotation, with the values as the file spells them; an empty optional column is ``None``.

    Attributes
    ----------
    accession
        Column 2, the canonical accession; isoform forms of column 17 are not read.
    qualifier
        Column 4, parts separated by bars, such as ``NOT|involved_in``.
    annotation_date
        Column 14, ``YYYYMMDD``, a day that exists.
    """

    accession: str
    go_id: str
    evidence_code: str
    qualifier: str | None
    db_reference: str | None
    with_from: str | None
    annotation_date: str
    assigned_by: str | None


@dataclass(frozen=True, slots=True)
class GafHeader:
    """What the comment lines before the first annotation say about the file, as they spell it."""

    gaf_version: str
    date_generated: str | None
    generated_by: str | None
    go_version: str | None


@dataclass(slots=True)
class GafReader:
    """Rows of one GAF, read once; the counts grow while the rows are taken.

    Attributes
    ----------
    header
        Known before the first row is taken.
    data_lines
        Annotation lines read so far, rejected ones included.
    rejects
        Lines rejected so far, by reason.
    """

    header: GafHeader
    data_lines: int = field(default=0, init=False)
    rejects: Counter[RejectReason] = field(default_factory=Counter, init=False)
    _lines: Iterator[str] = field(repr=False)
    _annotated_before: str = field(repr=False)

    def __iter__(self) -> Iterator[GafRow]:
        for line in self._lines:
            if line.startswith("!") or not line.strip():
                continue
            self.data_lines += 1
            parsed = _parse_line(line, self._annotated_before)
            if isinstance(parsed, RejectReason):
                self.rejects[parsed] += 1
            else:
                yield parsed


def read_gaf(lines: Iterable[str], *, annotated_before: date | None = None) -> GafReader:
    """Open a GAF: read its header and stream its rows.

    Rows are neither kept nor de-duplicated, so memory does not grow with the file.

    Parameters
    ----------
    lines
        Lines of the file, with or without their line ends.
    annotated_before
        Take only annotations dated strictly before this day, which cuts a snapshot of then out of a later file.

    Returns
    -------
    reader
        Iterate over it once; ask it for header and counts.

    Raises
    ------
    GafFormatError
        If the lines before the first annotation name no supported ``gaf-version``, or if there is no annotation.

    References
    ----------
    Gene Ontology Consortium, Gene Association File format 2.0, 2.1 and 2.2.
    """
    rest = iter(lines)
    fields: dict[str, str] = {}
    for line in rest:
        if line.startswith("!"):
            key, _, value = line[1:].partition(":")
            fields.setdefault(key.strip().lower(), value.strip())
        elif line.strip():
            cutoff = _AFTER_ALL_DATES if annotated_before is None else annotated_before.isoformat().replace("-", "")
            return GafReader(_parse_header(fields), _lines=chain([line], rest), _annotated_before=cutoff)
    _parse_header(fields)
    raise GafFormatError("GAF: the file holds no annotation line; load a complete file.")


def _parse_header(fields: Mapping[str, str]) -> GafHeader:
    version = fields.get("gaf-version")
    if version not in _SUPPORTED_VERSIONS:
        found = "there is no '!gaf-version:' line" if version is None else f"'!gaf-version: {version}' is not supported"
        raise GafFormatError(
            f"GAF: {found} before the first annotation; load a GAF of version {', '.join(_SUPPORTED_VERSIONS)}."
        )
    return GafHeader(
        gaf_version=version,
        date_generated=fields.get("date-generated", fields.get("generated")),  # the GO's and GOA's word for it
        generated_by=fields.get("generated-by"),
        go_version=fields.get("go-version"),
    )


def _parse_line(line: str, annotated_before: str) -> GafRow | RejectReason:
    # Columns 16 and 17 stay in one piece: nothing of them is read.
    columns = line.rstrip("\r\n").split("\t", _MIN_COLUMNS)
    if len(columns) < _MIN_COLUMNS:
        return RejectReason.SHORT_LINE
    _, accession, _, qualifier, go_id, reference, evidence_code, with_from, _, _, _, _, _, day, assigned_by, *_ = (
        columns
    )
    fault = _fault(accession, go_id, evidence_code, day)
    if fault is not None:
        return fault
    if day >= annotated_before:
        return RejectReason.AFTER_CUTOFF
    return GafRow(
        accession,
        go_id,
        evidence_code,
        qualifier or None,
        reference or None,
        with_from or None,
        day,
        assigned_by or None,
    )


def _fault(accession: str, go_id: str, evidence_code: str, day: str) -> RejectReason | None:
    """Tell what is wrong with the columns every annotation needs; ``None`` when nothing is."""
    if not accession or " " in accession:
        return RejectReason.BAD_ACCESSION
    if not _is_go_id(go_id):
        return RejectReason.BAD_GO_ID
    if not evidence_code:
        return RejectReason.MISSING_EVIDENCE_CODE
    if not _is_date(day):
        return RejectReason.BAD_DATE
    return None


@lru_cache(maxsize=_CACHED_VALUES)
def _is_go_id(text: str) -> bool:
    return _GO_ID.fullmatch(text) is not None


@lru_cache(maxsize=_CACHED_VALUES)
def _is_date(text: str) -> bool:
    if not (len(text) == _DATE_CHARACTERS and text.isascii() and text.isdecimal()):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
