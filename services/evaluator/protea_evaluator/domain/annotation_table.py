"""The annotations of one release as columns, independent of the ontology they will be read in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.evidence import EXPERIMENTAL_CODES, is_negated, normalise_evidence_code

__all__ = ["AnnotationTable"]


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationTable:
    """Annotations of one release, a row each; identifiers are stored once and referred to by position.

    Terms stay identifiers, because rows of different ontology releases must never be compared.

    Attributes
    ----------
    accessions, go_ids
        Distinct identifiers in the order of their first appearance.
    protein_codes, term_codes
        Position in ``accessions`` and ``go_ids``, shape ``(n_annotations,)``.
    is_experimental, is_negated
        Kind of evidence and NOT qualifier of each annotation, shape ``(n_annotations,)``.
    """

    accessions: tuple[str, ...]
    go_ids: tuple[str, ...]
    protein_codes: NDArray[np.int32]
    term_codes: NDArray[np.int32]
    is_experimental: NDArray[np.bool_]
    is_negated: NDArray[np.bool_]

    @classmethod
    def from_rows(
        cls, rows: Iterable[tuple[str, str, str, str | None]], *, codes: frozenset[str] = EXPERIMENTAL_CODES
    ) -> AnnotationTable:
        """Build the table from accession, GO identifier, evidence code (GO or ECO spelling) and qualifier.

        Rows may come in any order and repeat; no rows give an empty table. Evidence of the given codes counts as
        experimental.
        """
        accessions: dict[str, int] = {}
        go_ids: dict[str, int] = {}
        columns: tuple[list[int], list[int], list[bool], list[bool]] = ([], [], [], [])
        experimental, negated = cache(lambda code: normalise_evidence_code(code) in codes), cache(is_negated)
        for accession, go_id, evidence_code, qualifier in rows:
            columns[0].append(accessions.setdefault(accession, len(accessions)))
            columns[1].append(go_ids.setdefault(go_id, len(go_ids)))
            columns[2].append(experimental(evidence_code))
            columns[3].append(negated(qualifier))
        return cls(
            accessions=tuple(accessions),
            go_ids=tuple(go_ids),
            protein_codes=np.array(columns[0], dtype=np.int32),
            term_codes=np.array(columns[1], dtype=np.int32),
            is_experimental=np.array(columns[2], dtype=np.bool_),
            is_negated=np.array(columns[3], dtype=np.bool_),
        )
