"""Information accretion: how much a term says about a protein of which its parents are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_common.errors import PermanentError
from protea_evaluator.domain.protein_terms import ProteinTerms

__all__ = ["DegenerateAccretionError", "information_accretion"]


class DegenerateAccretionError(PermanentError):
    """The annotations say nothing about which terms are rare."""

    slug = "information-accretion-degenerate"

    def __init__(self) -> None:
        super().__init__(
            "No protein of these annotations has a term other than a root, so every term looks equally rare; "
            "use an annotation set with experimental annotations."
        )


def information_accretion(annotations: ProteinTerms, graph: GoGraph) -> NDArray[np.float64]:
    """Compute the information accretion of each term of the ontology.

    For a term with ``n`` proteins, of ``m`` that have all its parents, it is ``-log2((n + 1) / (m + 1))``. So a term
    that every protein with its parents has is exactly 0, and one that no protein has is the higher the more proteins
    could have had it.

    Parameters
    ----------
    annotations
        Propagated pairs.

    Returns
    -------
    accretion
        In bits, at least 0, shape ``(n_terms,)``; roots are 0.

    Raises
    ------
    DegenerateAccretionError
        If no protein has a term with parents.

    References
    ----------
    Clark and Radivojac 2013, Bioinformatics 29:i53, equation 4.
    """
    is_root = np.diff(graph.closure_indptr) == 1
    if is_root[annotations.terms].all():
        raise DegenerateAccretionError
    proteins_of = _proteins_by_term(annotations, graph)
    accretion = np.zeros(len(graph.go_ids))
    for term, proteins in enumerate(proteins_of):
        parents = graph.parents(term)
        if len(parents):
            n_parents = _count_common([proteins_of[parent] for parent in parents])
            accretion[term] = np.log2((n_parents + 1) / (len(proteins) + 1))
    return accretion


def _proteins_by_term(annotations: ProteinTerms, graph: GoGraph) -> list[NDArray[np.int32]]:
    """Proteins of each term, ascending."""
    order = np.lexsort((annotations.proteins, annotations.terms))
    cuts = np.searchsorted(annotations.terms[order], np.arange(1, len(graph.go_ids)))
    return np.split(annotations.proteins[order], cuts) if len(graph.go_ids) else []


def _count_common(sets: list[NDArray[np.int32]]) -> int:
    """Count what is in all of the ascending sets."""
    rarest, *others = sorted(sets, key=len)
    common = rarest
    for other in others:
        common = np.intersect1d(common, other, assume_unique=True)
    return len(common)
