"""Which rows of an annotation file fit the loaded proteins and an ontology release, with a count of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from protea_common.domain.evidence import is_negated
from protea_ingest.domain.gaf import GafRow

__all__ = ["AnnotationFilter", "AnnotationRow", "Misfit", "TermIds"]


class Misfit(StrEnum):
    """Why a readable annotation is not kept."""

    UNKNOWN_PROTEIN = "unknown_protein"
    UNKNOWN_GO_ID = "unknown_go_id"
    OBSOLETE_TERM = "obsolete_term"
    DUPLICATE = "duplicate"


class AnnotationRow(NamedTuple):
    """One annotation with the row of its term, as it is stored."""

    protein_accession: str
    go_term_id: int
    qualifier: str | None
    is_negated: bool
    evidence_code: str
    assigned_by: str | None
    db_reference: str | None
    with_from: str | None
    annotation_date: str


@dataclass(frozen=True, slots=True)
class TermIds:
    """What the identifiers of one ontology release stand for.

    Attributes
    ----------
    live
        Row of each live term, by its identifier.
    merged
        Row of the live term into which an identifier was merged.
    obsolete
        Identifiers of obsolete terms; their successors are for a person to choose.
    """

    live: dict[str, int] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    obsolete: set[str] = field(default_factory=set)

    def add(self, go_id: str, row: int, *, is_obsolete: bool, alt_ids: Iterable[str]) -> None:
        """Take a term in; of two live terms with the same merged identifier the first counts."""
        if is_obsolete:
            self.obsolete.add(go_id)
            return
        self.live[go_id] = row
        for alt_id in alt_ids:
            self.merged.setdefault(alt_id, row)


@dataclass(slots=True)
class AnnotationFilter:
    """Keeps what fits, and counts the rest.

    Attributes
    ----------
    rejects
        Rows left out so far, by reason.
    remapped_alt_ids
        Rows kept so far under the term that their identifier was merged into.
    """

    terms: TermIds
    rejects: Counter[Misfit] = field(default_factory=Counter, init=False)
    remapped_alt_ids: int = field(default=0, init=False)

    def keep(self, rows: Iterable[GafRow], proteins: AbstractSet[str]) -> list[AnnotationRow]:
        """Take the rows of known proteins and terms, in order.

        Parameters
        ----------
        rows
            Annotations as the file has them.
        proteins
            Those of the rows' accessions that are known.
        """
        kept = []
        for row in rows:
            if row.accession not in proteins:
                self.rejects[Misfit.UNKNOWN_PROTEIN] += 1
                continue
            term = self._find_term(row.go_id)
            if isinstance(term, Misfit):
                self.rejects[term] += 1
            else:
                kept.append(_annotation(row, term))
        return kept

    def _find_term(self, go_id: str) -> int | Misfit:
        row = self.terms.live.get(go_id)
        if row is not None:
            return row
        if go_id in self.terms.obsolete:
            return Misfit.OBSOLETE_TERM
        row = self.terms.merged.get(go_id)
        if row is None:
            return Misfit.UNKNOWN_GO_ID
        self.remapped_alt_ids += 1
        return row


def _annotation(row: GafRow, go_term_id: int) -> AnnotationRow:
    return AnnotationRow(
        protein_accession=row.accession,
        go_term_id=go_term_id,
        qualifier=row.qualifier,
        is_negated=is_negated(row.qualifier),
        evidence_code=row.evidence_code,
        assigned_by=row.assigned_by,
        db_reference=row.db_reference,
        with_from=row.with_from,
        annotation_date=row.annotation_date,
    )
