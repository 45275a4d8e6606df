"""What the references are annotated with: one entry per reference and term, direct or propagated to ancestors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.evidence import is_negated
from protea_common.domain.ontology import GoGraph
from protea_common.domain.scoring import ScoringRecipe
from protea_predictor.domain.annotation_rows import AnnotationRows
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.ragged import gather_rows, group_starts, indptr_of

__all__ = [
    "ReferenceAnnotations",
    "build_reference_annotations",
    "propagate_annotations",
]

_REFERENCES_PER_CHUNK = 8192
"""References propagated at once: a million pairs or a few, some 100 MB; more costs memory and saves no time."""


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceAnnotations:
    """Terms of each reference as CSR rows; nothing negated is in them.

    Attributes
    ----------
    indptr
        Row boundaries, shape ``(n_references + 1,)``.
    term_rows
        Rows in the `GoGraph`, ascending and distinct within a reference, shape ``(n_entries,)``.
    evidence, qualifier
        Number of the evidence code and of the qualifier of each entry, same shape.
    evidence_codes, qualifiers
        Text of each number.
    density
        Terms each reference is directly annotated with, shape ``(n_references,)``.
    term_frequency
        References that carry each term, shape ``(n_terms,)``.
    """

    indptr: NDArray[np.int64]
    term_rows: NDArray[np.int32]
    evidence: NDArray[np.int16]
    qualifier: NDArray[np.int16]
    evidence_codes: tuple[str, ...]
    qualifiers: tuple[str, ...]
    density: NDArray[np.int64]
    term_frequency: NDArray[np.int64]

    @property
    def owners(self) -> NDArray[np.int64]:
        """Reference row of each entry, shape ``(n_entries,)``."""
        return np.repeat(np.arange(len(self.density), dtype=np.int64), np.diff(self.indptr))


def build_reference_annotations(rows: AnnotationRows, *, n_references: int, n_terms: int) -> ReferenceAnnotations:
    """Gather annotation rows into one entry per reference and term.

    Negated rows are left out. Of several rows for the same reference and term the one with the best evidence stays, by
    the default evidence weights, then by the code's alphabetical order, then by the qualifier's: a donor has one vote.

    Parameters
    ----------
    rows
        Annotations in any order.
    n_references, n_terms
        Number of references, annotated or not, and of terms in the graph.

    Returns
    -------
    annotations
        No rows give references without terms.

    Raises
    ------
    ShapeMismatchError
        If the columns of ``rows`` differ in length.
    """
    lengths = {len(column) for column in (rows.reference_row, rows.term_row, rows.evidence, rows.qualifier)}
    require_shape(
        len(lengths) == 1, f"Columns of annotation rows have lengths {sorted(lengths)}; give one value per row."
    )
    negated = np.array([is_negated(qualifier) for qualifier in rows.qualifiers], dtype=np.bool_)
    kept = np.flatnonzero(~negated[rows.qualifier])
    pairs = rows.reference_row[kept].astype(np.int64) * n_terms + rows.term_row[kept]
    preference = _preference(rows.evidence_codes, rows.qualifiers)[rows.evidence[kept], rows.qualifier[kept]]
    chosen = _preferred(pairs, preference)
    pairs, kept = pairs[chosen], kept[chosen]
    indptr = indptr_of(pairs // n_terms, n_references)
    return ReferenceAnnotations(
        indptr=indptr,
        term_rows=(pairs % n_terms).astype(np.int32),
        evidence=rows.evidence[kept],
        qualifier=rows.qualifier[kept],
        evidence_codes=rows.evidence_codes,
        qualifiers=rows.qualifiers,
        density=np.diff(indptr),
        term_frequency=np.bincount(pairs % n_terms, minlength=n_terms),
    )


def propagate_annotations(annotations: ReferenceAnnotations, graph: GoGraph) -> ReferenceAnnotations:
    """Annotate each reference with the ancestors of its terms too (true-path rule).

    An ancestor takes evidence and qualifier from the annotation with the best evidence among those that imply it; of
    equally good ones from the term's own annotation where there is one, then as in `build_reference_annotations`.

    Parameters
    ----------
    annotations
        Direct annotations.
    graph
        The graph their term rows belong to.

    Returns
    -------
    annotations
        The same references; ``density`` still counts direct annotations, ``term_frequency`` counts propagated ones.
    """
    preference = _preference(annotations.evidence_codes, annotations.qualifiers)
    n_references, n_terms = len(annotations.density), len(graph.go_ids)
    chunks = [
        _propagated_pairs(annotations, graph, preference, rows=slice(start, start + _REFERENCES_PER_CHUNK))
        for start in range(0, max(1, n_references), _REFERENCES_PER_CHUNK)
    ]
    pairs, sources = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    return replace(
        annotations,
        indptr=indptr_of(pairs // n_terms, n_references),
        term_rows=(pairs % n_terms).astype(np.int32),
        evidence=annotations.evidence[sources],
        qualifier=annotations.qualifier[sources],
        term_frequency=np.bincount(pairs % n_terms, minlength=n_terms),
    )


def _propagated_pairs(
    annotations: ReferenceAnnotations, graph: GoGraph, preference: NDArray[np.int64], *, rows: slice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of reference and term, as one number each, ascending, with the entry that speaks best for each."""
    references = np.arange(len(annotations.density), dtype=np.int64)[rows]
    owners, entries = gather_rows(annotations.indptr, references)
    terms = annotations.term_rows[entries]
    lower, positions = gather_rows(graph.closure_indptr, terms)
    ancestors = graph.closure_indices[positions]
    pairs = references[owners[lower]] * len(graph.go_ids) + ancestors
    sources = entries[lower]
    best = preference[annotations.evidence[sources], annotations.qualifier[sources]]
    evidence_rank, tie_rank = np.divmod(best, preference.size)
    is_inherited = ancestors != terms[lower]
    chosen = _preferred(pairs, (evidence_rank * 2 + is_inherited) * preference.size + tie_rank)
    return pairs[chosen], sources[chosen]


def _preference(evidence_codes: Sequence[str], qualifiers: Sequence[str]) -> NDArray[np.int64]:
    """Rank every pair of evidence code and qualifier; the lowest number is preferred.

    A rank is ``weight_rank * n + tie_rank`` with n pairs in all, so that a weight always decides before the names do.
    """
    table = ScoringRecipe()
    weights = np.array([-table.evidence_weight(code) for code in evidence_codes])
    weight_ranks = np.unique(weights, return_inverse=True)[1].reshape(-1, 1)
    code_ranks = np.argsort(np.argsort(evidence_codes)).reshape(-1, 1)
    qualifier_ranks = np.argsort(np.argsort(qualifiers)).reshape(1, -1)
    n_pairs = len(evidence_codes) * len(qualifiers)
    return (weight_ranks * n_pairs + code_ranks * len(qualifiers) + qualifier_ranks).astype(np.int64)


def _preferred(pairs: NDArray[np.int64], preference: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of the preferred row of each pair, by ascending pair."""
    order = np.lexsort((preference, pairs))
    chosen: NDArray[np.int64] = order[group_starts(pairs[order])]
    return chosen
