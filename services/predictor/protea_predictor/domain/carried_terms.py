"""Which reference carries which term, as sparse matrices: what votes and statistics over a whole bank are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.features.votes import EXPERIMENTAL, evidence_kinds
from protea_predictor.domain.ragged import indptr_of
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["CarriedTerms", "Matrix", "is_root", "pick_entries"]

Matrix: TypeAlias = csr_array


@dataclass(frozen=True, slots=True, eq=False)
class CarriedTerms:
    """References by terms, 1 where the reference carries the term; roots, which all carry, are left out.

    Attributes
    ----------
    every
        By whatever evidence, float32, shape ``(n_references, n_terms)``.
    experimental
        By experimental evidence, same shape.
    aspects
        Aspect of each term, as a position in `ASPECTS`, shape ``(n_terms,)``.
    """

    every: Matrix
    experimental: Matrix
    aspects: NDArray[np.int8]

    @classmethod
    def build(cls, annotations: ReferenceAnnotations, graph: GoGraph) -> CarriedTerms:
        """Gather the annotations of a bank."""
        shape = (len(annotations.density), len(graph.go_ids))
        ones = np.ones(len(annotations.term_rows), dtype=np.float32)
        everything = Matrix((ones, annotations.term_rows, annotations.indptr), shape=shape)
        is_inner = ~is_root(graph)[annotations.term_rows]
        is_shown = evidence_kinds(annotations.evidence_codes)[annotations.evidence] == EXPERIMENTAL
        return cls(
            every=pick_entries(everything, is_inner),
            experimental=pick_entries(everything, is_inner & is_shown),
            aspects=graph.aspects,
        )


def is_root(graph: GoGraph) -> NDArray[np.bool_]:
    """Whether nothing is above a term, shape ``(n_terms,)``."""
    alone: NDArray[np.bool_] = np.diff(graph.closure_indptr) == 1
    return alone


def pick_entries(matrix: Matrix, is_kept: NDArray[np.bool_]) -> Matrix:
    """Keep some of the stored entries of a matrix; ``is_kept`` is in their order."""
    owners = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    indptr = indptr_of(owners[is_kept], matrix.shape[0])
    return Matrix((matrix.data[is_kept], matrix.indices[is_kept], indptr), shape=matrix.shape)
