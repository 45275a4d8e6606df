"""Protein FASTA as a stream of checked records, with the header styles of UniProt, NCBI and bare identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protea_common.domain.sequence import illegal_residues, normalise_sequence
from protea_common.errors import PermanentError

__all__ = [
    "MAX_ACCESSION_CHARACTERS",
    "DuplicateAccessionError",
    "FastaFormatError",
    "FastaLimitError",
    "FastaLimits",
    "FastaRecord",
    "read_fasta",
]

MAX_ACCESSION_CHARACTERS = 255
"""Longest accession read: raised over 2,700 it no longer fits a database index; lowered under 120, the long
identifiers of GENCODE files are refused."""

_NCBI_DATABASES = frozenset({"gi", "ref", "gb", "emb", "dbj", "tpg", "tpe", "tpd", "pir", "prf", "pdb", "lcl", "gnl"})
_REVIEWED_BY_DATABASE = {"sp": True, "tr": False}
_UNIPROT_KEY = re.compile(r"(?:^|\s)([A-Z]{2})=")


class FastaFormatError(PermanentError):
    """The FASTA file cannot be read; its message names the line and what to change.

    Attributes
    ----------
    line
        Line of the file, 1-based; ``None`` when the file as a whole is meant.
    accession
        Protein that the line belongs to, when it is known.
    """

    slug = "fasta-format"

    def __init__(self, problem: str, *, line: int | None = None, accession: str | None = None) -> None:
        place = "FASTA" if line is None else f"FASTA line {line}"
        super().__init__(f"{place}: {problem}" if accession is None else f"{place}, {accession}: {problem}")
        self.line = line
        self.accession = accession


class DuplicateAccessionError(FastaFormatError):
    """Two records of the FASTA file have the same accession, so results could not be told apart."""

    slug = "duplicate-accession"


class FastaLimitError(FastaFormatError):
    """The FASTA file holds more records or residues than this installation accepts."""

    slug = "fasta-limit"
    status = 413


@dataclass(frozen=True, slots=True)
class FastaLimits:
    """How much one FASTA file may hold.

    Attributes
    ----------
    max_records
        Raised, the accessions remembered to find duplicates (about 100 bytes each) and the jobs made of them grow.
    max_residues_per_sequence
        Raised, one sequence may fill the memory here and, embedded, that of the accelerator.
    max_total_residues
        Raised, one upload may occupy the embedder for as long as it takes.
    """

    max_records: int
    max_residues_per_sequence: int
    max_total_residues: int


@dataclass(frozen=True, slots=True)
class FastaRecord:
    """One protein of a FASTA file.

    Attributes
    ----------
    accession
        Identifier, isoform suffix and version included as written.
    sequence
        Normalised residues, at least one.
    entry_name
        UniProt entry name such as ``BRCA1_HUMAN``.
    reviewed
        Swiss-Prot (``sp``) or TrEMBL (``tr``); ``None`` when the header does not say.
    description
        What the header says beside the other fields; may be empty.
    """

    accession: str
    sequence: str
    entry_name: str | None
    reviewed: bool | None
    organism: str | None
    taxonomy_id: int | None
    gene_name: str | None
    description: str


@dataclass(frozen=True, slots=True)
class _Raw:
    """A record as it stands in the file: line of its header, header without ``>``, sequence lines."""

    line: int
    header: str
    pieces: list[str]


@dataclass(frozen=True, slots=True)
class _Identifier:
    accession: str
    entry_name: str | None = None
    reviewed: bool | None = None


def read_fasta(lines: Iterable[str], *, limits: FastaLimits) -> Iterator[FastaRecord]:
    """Stream the records of a protein FASTA file; the first fault ends the reading.

    Parameters
    ----------
    lines
        Lines with or without their line ends, as `read_text_lines` yields them. Blank lines are passed over.
    limits
        How much the file may hold.

    Yields
    ------
    record
        In file order. One record is held at a time, and the accessions seen so far.

    Raises
    ------
    FastaFormatError
        If there is no record, text before the first header, a header without identifier or sequence, or a character
        that is no residue.
    DuplicateAccessionError
        If an accession comes a second time.
    FastaLimitError
        If a limit is exceeded.

    References
    ----------
    UniProt, "FASTA headers"; NCBI C++ Toolkit, "FASTA sequence ID format"; Pearson and Lipman 1988, PNAS 85:2444.
    """
    seen: set[str] = set()
    total_residues = 0
    for raw in _split_records(lines, limits):
        record = _parse_record(raw, limits)
        total_residues += len(record.sequence)
        _refuse_duplicate(record, seen, raw.line)
        seen.add(record.accession)
        _refuse_excess(record, limits, line=raw.line, n_records=len(seen), total_residues=total_residues)
        yield record
    if not seen:
        raise FastaFormatError("the input is empty; send at least one header line '>ACCESSION' and its sequence.")


def _split_records(lines: Iterable[str], limits: FastaLimits) -> Iterator[_Raw]:
    # One more than the limit may still turn out to be a stop sign, which does not count.
    max_characters = limits.max_residues_per_sequence + 1
    raw: _Raw | None = None
    n_characters = 0
    for number, line in enumerate(lines, start=1):
        if line.startswith(">"):
            if raw is not None:
                yield raw
            raw, n_characters = _Raw(number, line[1:].strip(), []), 0
            continue
        piece = "".join(line.split())
        if raw is None:
            _refuse_text_before_header(piece, number)
            continue
        n_characters += len(piece)
        if n_characters > max_characters:
            raise _too_long(raw.line, _identify(raw).accession, limits)
        raw.pieces.append(piece)
    if raw is not None:
        yield raw


def _refuse_text_before_header(piece: str, line: int) -> None:
    if piece:
        raise FastaFormatError(
            "a record starts with '>', and this line does not; put a header line '>ACCESSION' before the sequence.",
            line=line,
        )


def _parse_record(raw: _Raw, limits: FastaLimits) -> FastaRecord:
    identifier = _identify(raw)
    description, fields = _describe(raw.header)
    taxonomy_id = fields.get("OX", "")
    return FastaRecord(
        accession=identifier.accession,
        sequence=_checked_sequence(raw, identifier.accession, limits),
        entry_name=identifier.entry_name,
        reviewed=identifier.reviewed,
        organism=fields.get("OS"),
        taxonomy_id=int(taxonomy_id) if taxonomy_id.isascii() and taxonomy_id.isdecimal() else None,
        gene_name=next(iter(fields.get("GN", "").split()), None),
        description=description,
    )


def _checked_sequence(raw: _Raw, accession: str, limits: FastaLimits) -> str:
    sequence = normalise_sequence("".join(raw.pieces))
    if not sequence:
        raise FastaFormatError(
            "the header has no sequence below it; add it or remove the header.", line=raw.line, accession=accession
        )
    found = illegal_residues(sequence)
    if found:
        places = ", ".join(f"{char!r} at {position}" for position, char in found)
        raise FastaFormatError(
            f"no residue: {places}; use the one-letter amino acid codes, without gaps or stops inside.",
            line=raw.line,
            accession=accession,
        )
    if len(sequence) > limits.max_residues_per_sequence:
        raise _too_long(raw.line, accession, limits)
    return sequence


def _identify(raw: _Raw) -> _Identifier:
    """Read the identifier in front of the header's first white space."""
    token = next(iter(raw.header.split(maxsplit=1)), "")
    identifier = _parse_identifier(token)
    if not identifier.accession:
        raise FastaFormatError("the header names no accession; write it directly after '>'.", line=raw.line)
    if len(identifier.accession) > MAX_ACCESSION_CHARACTERS or not identifier.accession.isprintable():
        raise FastaFormatError(
            f"{identifier.accession[:40]!r} is no accession; use at most {MAX_ACCESSION_CHARACTERS} visible signs.",
            line=raw.line,
        )
    return identifier


def _parse_identifier(token: str) -> _Identifier:
    """Take ``db|accession|name`` apart; a bar after anything but a known database is part of the identifier."""
    database, *parts = token.split("|")
    database = database.lower()
    if database in _REVIEWED_BY_DATABASE and parts:
        entry_name = parts[1] if len(parts) > 1 and parts[1] else None
        return _Identifier(parts[0], entry_name, _REVIEWED_BY_DATABASE[database])
    if database in _NCBI_DATABASES and parts:
        return _parse_ncbi_identifier(database, parts)
    return _Identifier(token)


def _parse_ncbi_identifier(database: str, parts: list[str]) -> _Identifier:
    match database:
        case "gi" if len(parts) > 1 and parts[1]:  # gi|15676103|ref|NP_273234.1|
            return _parse_identifier("|".join(parts[1:]))
        case "pdb":  # pdb|1A22|B: an entry and its chain
            return _Identifier("_".join(part for part in parts[:2] if part))
        case "gnl":  # gnl|database|identifier
            return _Identifier("|".join(part for part in parts if part))
        case _:  # ref|NP_273234.1| and, with the accession left empty, pir||S12345
            return _Identifier(next((part for part in parts if part), ""))


def _describe(header: str) -> tuple[str, dict[str, str]]:
    """Cut what follows the identifier into a description and its ``KEY=value`` fields.

    A header without such fields may end in ``[organism]``, as NCBI writes it. Of the headers that NCBI joins for
    identical sequences (by the control character 1) only the first is read.
    """
    _, *rest = header.partition("\x01")[0].split(maxsplit=1)
    description, *pairs = _UNIPROT_KEY.split("".join(rest))
    if not pairs:
        return _split_organism(description)
    return description.strip(), {key: value.strip() for key, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _split_organism(text: str) -> tuple[str, dict[str, str]]:
    """Split ``description [organism]`` at the bracket that matches the last one; organisms may hold brackets."""
    text = text.strip()
    if not text.endswith("]"):
        return text, {}
    depth = 0
    for start in range(len(text) - 1, -1, -1):
        depth += {"]": 1, "[": -1}.get(text[start], 0)
        if depth == 0:
            break
    organism = text[start + 1 : -1].strip()
    if depth or not organism or "=" in organism:  # [gbkey=CDS] is a field, not an organism
        return text, {}
    return text[:start].strip(), {"OS": organism}


def _refuse_duplicate(record: FastaRecord, seen: set[str], line: int) -> None:
    if record.accession in seen:
        raise DuplicateAccessionError(
            "this accession came before; give each record an accession of its own.",
            line=line,
            accession=record.accession,
        )


def _refuse_excess(record: FastaRecord, limits: FastaLimits, *, line: int, n_records: int, total_residues: int) -> None:
    if n_records > limits.max_records:
        raise FastaLimitError(
            f"more than {limits.max_records:,} records; split the file.", line=line, accession=record.accession
        )
    if total_residues > limits.max_total_residues:
        raise FastaLimitError(
            f"more than {limits.max_total_residues:,} residues in all; split the file.",
            line=line,
            accession=record.accession,
        )


def _too_long(line: int, accession: str, limits: FastaLimits) -> FastaLimitError:
    return FastaLimitError(
        f"the sequence is longer than {limits.max_residues_per_sequence:,} residues; remove it or cut it into domains.",
        line=line,
        accession=accession,
    )
