"""Proteins, ontology and dated annotations as arrays, and the windows cut out of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from protea_cli.demo.data import read_lines, read_proteins
from protea_common.domain.evidence import is_experimental, is_negated
from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.information_accretion import information_accretion
from protea_evaluator.domain.knowledge import Delta, known_pairs, split_by_knowledge
from protea_evaluator.domain.propagation import propagate_terms
from protea_ingest.domain.gaf import read_gaf
from protea_ingest.domain.obo import parse_obo

__all__ = ["Corpus", "Evidence", "Matrix", "Window", "aspect_columns", "cut_window", "read_corpus"]

Matrix: TypeAlias = sp.csr_array
"""Proteins by terms, or targets by terms."""

_NO_DATA = "ND"


class Evidence:
    """Kinds of evidence, as positions in `Corpus.kinds`."""

    EXPERIMENTAL, OTHER, NO_DATA = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Everything that was read; annotations are rows.

    Attributes
    ----------
    accessions, sequences
        Of each protein.
    taxa
        Its NCBI taxon, 0 where the file names none, shape ``(n_proteins,)``.
    graph
        The ontology.
    proteins, terms, kinds, days, negated
        Of each annotation: positions, kind of evidence, day as ``YYYYMMDD`` and NOT qualifier.
    """

    accessions: tuple[str, ...]
    sequences: tuple[str, ...]
    taxa: NDArray[np.int64]
    graph: GoGraph
    proteins: NDArray[np.int64]
    terms: NDArray[np.int64]
    kinds: NDArray[np.int8]
    days: NDArray[np.int64]
    negated: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """Proteins and terms."""
        return len(self.accessions), len(self.graph.go_ids)

    @property
    def closure(self) -> Matrix:
        """Each term with all above it, reflexive."""
        indices, n_terms = self.graph.closure_indices, len(self.graph.go_ids)
        return Matrix((np.ones(len(indices), np.float32), indices, self.graph.closure_indptr), shape=(n_terms, n_terms))

    def annotated_before(self, day: date, *kinds: int) -> Matrix:
        """Read what was annotated before a day by some kinds of evidence, with ancestors: 1 where it was, else 0.

        What a NOT annotation of before that day says, or implies for the terms below, is taken out.
        """
        is_before = self.days < _number(day)
        said = self._pairs(is_before & ~self.negated & np.isin(self.kinds, kinds))
        denied = Matrix(self._pairs(is_before & self.negated) @ self.closure.T)
        kept = Matrix(said - said.multiply(denied > 0))
        kept.eliminate_zeros()
        return _ones(Matrix(kept @ self.closure))

    def table_before(self, day: date) -> AnnotationTable:
        """Cut the release of a day: the annotations dated before it, as the evaluator takes them."""
        return AnnotationTable.from_rows(self._rows(np.flatnonzero(self.days < _number(day))))

    def _rows(self, positions: NDArray[np.int64]) -> Iterator[tuple[str, str, str, str | None]]:
        codes = {Evidence.EXPERIMENTAL: "EXP", Evidence.OTHER: "ISS", Evidence.NO_DATA: _NO_DATA}
        for row in positions:
            go_id, qualifier = self.graph.go_ids[self.terms[row]], "NOT" if self.negated[row] else None
            yield self.accessions[self.proteins[row]], go_id, codes[int(self.kinds[row])], qualifier

    def _pairs(self, mask: NDArray[np.bool_]) -> Matrix:
        rows, columns = self.proteins[mask], self.terms[mask]
        return _ones(Matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=self.shape))


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A stretch of time in which proteins gained terms.

    Attributes
    ----------
    start, end
        First day, and first day behind it; what is known is what was annotated before ``start``.
    delta
        What was gained.
    targets
        Position of each of its accessions in the corpus, shape ``(n,)``.
    accretion
        Information accretion of each term by what experiments had shown before ``start``, in bits, shape
        ``(n_terms,)``.
    """

    start: date
    end: date
    delta: Delta
    targets: NDArray[np.int64]
    accretion: NDArray[np.float64]


def read_corpus(*, ontology: Path, proteins: Path, annotations: Path) -> Corpus:
    """Read the three files; annotations of proteins or terms that the others lack are passed over."""
    document = parse_obo(read_lines(ontology))
    graph = GoGraph.build(document.live_terms(), document.relations)
    records = read_proteins(proteins)
    position_of = {accession: position for position, accession in enumerate(records)}
    columns = [
        (
            position_of[row.accession],
            graph.row_of[row.go_id],
            _kind(row.evidence_code),
            int(row.annotation_date),
            is_negated(row.qualifier),
        )
        for row in read_gaf(read_lines(annotations))
        if row.accession in position_of and row.go_id in graph.row_of
    ]
    pairs = np.array(columns, dtype=np.int64).T
    return Corpus(
        accessions=tuple(records),
        sequences=tuple(record.sequence for record in records.values()),
        taxa=np.array([record.taxonomy_id or 0 for record in records.values()], dtype=np.int64),
        graph=graph,
        proteins=pairs[0],
        terms=pairs[1],
        kinds=pairs[2].astype(np.int8),
        days=pairs[3],
        negated=pairs[4].astype(np.bool_),
    )


def cut_window(corpus: Corpus, start: date, end: date) -> Window:
    """Find what was gained from one day to another, and what each term is worth by what was known on the first."""
    old, new = corpus.table_before(start), corpus.table_before(end)
    delta = split_by_knowledge(old, new, corpus.graph)
    position_of = {accession: position for position, accession in enumerate(corpus.accessions)}
    known = propagate_terms(known_pairs(old, corpus.graph), corpus.graph)
    return Window(
        start=start,
        end=end,
        delta=delta,
        targets=np.array([position_of[accession] for accession in delta.accessions], dtype=np.int64),
        accretion=information_accretion(known, corpus.graph),
    )


def aspect_columns(graph: GoGraph) -> list[NDArray[np.int64]]:
    """Terms of each aspect without its root, in the order of `ASPECTS`."""
    is_root = np.diff(graph.closure_indptr) == 1
    return [np.flatnonzero((graph.aspects == number) & ~is_root) for number in range(len(ASPECTS))]


def _kind(code: str) -> int:
    if is_experimental(code):
        return Evidence.EXPERIMENTAL
    return Evidence.NO_DATA if code == _NO_DATA else Evidence.OTHER


def _number(day: date) -> int:
    return int(day.isoformat().replace("-", ""))


def _ones(matrix: Matrix) -> Matrix:
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
