"""CAFA's rule for proteins of whose function it only became known that they bind proteins: that is no truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph
from protea_evaluator.domain.knowledge import Delta
from protea_evaluator.domain.protein_terms import ProteinTerms

__all__ = ["PROTEIN_BINDING", "drop_binding_only"]

PROTEIN_BINDING = "GO:0005515"

_MOLECULAR_FUNCTION = ASPECTS.index(Aspect.MOLECULAR_FUNCTION)


def drop_binding_only(delta: Delta, graph: GoGraph) -> Delta:
    """Take from the ground truth what proteins gained in molecular function, where that is protein binding alone.

    It is alone where a protein gained it and, in that aspect, at most terms above it. A term below it, such as
    identical protein binding, says more, and all stays. What was known at t0 stays as it is, and with it the category
    of every other pair; ``known`` tells of it only where a protein gained something, and so no more of the functions of
    those proteins.

    Parameters
    ----------
    graph
        The ontology that ``delta`` was read in; without protein binding in it nothing is dropped.

    Returns
    -------
    delta
        Of the proteins that gained something else, with what was left out in ``left_out``: ``binding_only_proteins``,
        those that lost molecular function, and ``binding_only_annotations``, the pairs.

    References
    ----------
    Zhou et al. 2019, Genome Biol 20:244, Methods: where it is the only annotation of a protein in the aspect.
    """
    dropped = _proteins_of_binding_only(delta, graph)
    truth = {category: _without(pairs, dropped) for category, pairs in delta.truth.items()}
    targets = np.unique(np.concatenate([pairs.proteins for pairs in truth.values()]))
    n_pairs = sum(map(len, delta.truth.values())) - sum(map(len, truth.values()))
    return replace(
        delta,
        accessions=tuple(delta.accessions[target] for target in targets),
        truth={category: pairs.renumbered(targets) for category, pairs in truth.items()},
        known=_without(delta.known, dropped).renumbered(targets),
        left_out={"binding_only_proteins": len(dropped), "binding_only_annotations": n_pairs},
    )


def _proteins_of_binding_only(delta: Delta, graph: GoGraph) -> NDArray[np.int32]:
    """Find the proteins that the rule is about, as positions in ``accessions``, ascending."""
    binding = graph.row_of.get(PROTEIN_BINDING)
    if binding is None:
        return np.empty(0, dtype=np.int32)
    gained = [pairs.where(pairs.aspects == _MOLECULAR_FUNCTION) for pairs in delta.truth.values()]
    proteins = np.concatenate([pairs.proteins for pairs in gained])
    terms = np.concatenate([pairs.terms for pairs in gained])
    says_more = ~np.isin(terms, [binding, *graph.ancestors(binding)])
    return np.setdiff1d(proteins[terms == binding], proteins[says_more])


def _without(pairs: ProteinTerms, dropped: NDArray[np.int32]) -> ProteinTerms:
    return pairs.where(~((pairs.aspects == _MOLECULAR_FUNCTION) & np.isin(pairs.proteins, dropped)))
