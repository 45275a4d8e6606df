"""What became known between two annotation releases, split by what was known before (the CAFA target categories)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_evaluator.domain.term_rows import UNKNOWN_ROW, rows_of_terms

__all__ = ["Category", "Delta", "known_pairs", "split_by_knowledge"]

_NO_SUCCESSORS: Mapping[str, str] = MappingProxyType({})


class Category(StrEnum):
    """How much was known at t0 about a protein that gained terms until t1."""

    NO_KNOWLEDGE = "NK"
    LIMITED_KNOWLEDGE = "LK"
    PARTIAL_KNOWLEDGE = "PK"


@dataclass(frozen=True, slots=True, eq=False)
class Delta:
    """The terms that proteins gained between two releases: the ground truth of an evaluation.

    Attributes
    ----------
    accessions
        Proteins that gained a term in any category, ascending; pairs refer to positions in it.
    truth
        Gained pairs of each category, as annotated: ancestors are not filled in.
    known
        Pairs already annotated at t0 in the aspects in which a protein is of partial knowledge.
    unmapped_annotations
        Annotations of both releases that were left out because the ontology does not hold their term.
    left_out
        What a further rule took from the ground truth, by the name that ``stats`` gives it; see `drop_binding_only`.
    """

    accessions: tuple[str, ...]
    truth: Mapping[Category, ProteinTerms]
    known: ProteinTerms
    unmapped_annotations: int
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def stats(self) -> dict[str, int]:
        """Counts stored with an evaluation set; ``known_terms_count`` counts the pairs of ``known``."""
        counts = {"delta_proteins": len(self.accessions)}
        counts |= {f"{category.lower()}_proteins": pairs.count_proteins() for category, pairs in self.truth.items()}
        counts |= {f"{category.lower()}_annotations": len(pairs) for category, pairs in self.truth.items()}
        return counts | {"known_terms_count": len(self.known)} | dict(self.left_out)


def split_by_knowledge(
    old: AnnotationTable,
    new: AnnotationTable,
    graph: GoGraph,
    *,
    live_ids: Mapping[str, str] = _NO_SUCCESSORS,
    closes: bool = False,
) -> Delta:
    """Find the terms that proteins gained from one release to the next, by category.

    Only annotations with experimental evidence count. A negated annotation of either release, whatever its evidence,
    takes its term and all terms below it from the protein's annotations in both. What is left of ``new`` without
    what is left of ``old`` is gained, and a gained pair is of

    - no knowledge, if the protein had no annotation in any aspect,
    - limited knowledge, if it had some, but none in the aspect of the term,
    - partial knowledge, if it had some in that aspect; all it had there is ``known``.

    Terms are compared as annotated, without their ancestors. So an ancestor of a known term counts as gained when
    somebody annotates it; it drops out when the known terms are excluded, see `prepare_inputs`.

    Parameters
    ----------
    old, new
        The releases at t0 and at t1.
    graph
        The ontology that both are read in.
    live_ids
        Live identifier of each merged one, for terms that the graph does not hold.
    closes
        Compare terms with all terms above them. That is for releases that were read with different ontologies: a term
        that was merged into one above it, or moved below another, must not look like something learnt.

    Returns
    -------
    delta
        Empty categories are present with no pairs.

    References
    ----------
    Jiang et al. 2016, Genome Biol 17:184 (no and limited knowledge).
    """
    accessions = tuple(sorted({*old.accessions, *new.accessions}))
    before, after = (_mapped(table, accessions, graph, live_ids) for table in (old, new))
    negated = _with_descendants(np.concatenate([before.negated, after.negated]), graph)
    known, later = (
        ProteinTerms.from_keys(np.setdiff1d(release.positive, negated), graph) for release in (before, after)
    )
    if closes:
        known, later = propagate_terms(known, graph), propagate_terms(later, graph)
    gained = ProteinTerms.from_keys(np.setdiff1d(later.keys(graph), known.keys(graph)), graph)
    masks = _category_masks(gained, known)
    partial = gained.protein_aspects()[masks[Category.PARTIAL_KNOWLEDGE]]
    targets = np.unique(gained.proteins)
    return Delta(
        accessions=tuple(accessions[target] for target in targets),
        truth={category: gained.where(mask).renumbered(targets) for category, mask in masks.items()},
        known=known.where(np.isin(known.protein_aspects(), partial)).renumbered(targets),
        unmapped_annotations=before.n_unmapped + after.n_unmapped,
    )


def known_pairs(
    table: AnnotationTable, graph: GoGraph, *, live_ids: Mapping[str, str] = _NO_SUCCESSORS
) -> ProteinTerms:
    """Read what experiments had shown in a release, as annotated; proteins are numbered by their order."""
    accessions = tuple(sorted(table.accessions))
    release = _mapped(table, accessions, graph, live_ids)
    return ProteinTerms.from_keys(np.setdiff1d(release.positive, _with_descendants(release.negated, graph)), graph)


@dataclass(frozen=True, slots=True, eq=False)
class _MappedRelease:
    """Keys of the pairs of one release that say something, see `pair_keys`."""

    positive: NDArray[np.int64]
    negated: NDArray[np.int64]
    n_unmapped: int


def _mapped(
    table: AnnotationTable, accessions: tuple[str, ...], graph: GoGraph, live_ids: Mapping[str, str]
) -> _MappedRelease:
    """Read a release in the ontology, with proteins numbered by their position in ``accessions``."""
    code_of = {accession: code for code, accession in enumerate(accessions)}
    codes = np.array([code_of[accession] for accession in table.accessions], dtype=np.int32)
    terms = rows_of_terms(table.go_ids, graph, live_ids)[table.term_codes]
    keys = pair_keys(codes[table.protein_codes], terms, graph)
    says_something = table.is_experimental | table.is_negated
    is_mapped = terms != UNKNOWN_ROW
    return _MappedRelease(
        positive=keys[table.is_experimental & ~table.is_negated & is_mapped],
        negated=keys[table.is_negated & is_mapped],
        n_unmapped=int(np.count_nonzero(says_something & ~is_mapped)),
    )


def _with_descendants(keys: NDArray[np.int64], graph: GoGraph) -> NDArray[np.int64]:
    """Add to each pair the pairs of its protein with all terms below: who lacks a function lacks its kinds."""
    pairs = ProteinTerms.from_keys(keys, graph)
    below = [
        pair_keys(np.full(len(rows), protein, dtype=np.int32), rows, graph)
        for protein, term in zip(pairs.proteins, pairs.terms, strict=True)
        if len(rows := graph.descendants(int(term)))
    ]
    return np.concatenate([keys, *below])


def _category_masks(gained: ProteinTerms, known: ProteinTerms) -> dict[Category, NDArray[np.bool_]]:
    is_known_protein = np.isin(gained.proteins, known.proteins)
    is_known_aspect = np.isin(gained.protein_aspects(), known.protein_aspects())
    return {
        Category.NO_KNOWLEDGE: ~is_known_protein,
        Category.LIMITED_KNOWLEDGE: is_known_protein & ~is_known_aspect,
        Category.PARTIAL_KNOWLEDGE: is_known_aspect,
    }
