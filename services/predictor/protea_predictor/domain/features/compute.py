"""All features of candidates in one frame: the only way to one, in training and in serving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import is_root
from protea_predictor.domain.features.accretion import accretion_features
from protea_predictor.domain.features.alignment_voters import (
    AlignedByAspect,
    AlignedVoters,
    alignment_voter_features,
    aspect_vote_features,
    channel_features,
    self_bitscore_fraction,
)
from protea_predictor.domain.features.anc2vec import TermVectors, known_vector_features, neighbour_vector_features
from protea_predictor.domain.features.annotation_meta import annotation_features
from protea_predictor.domain.features.association import KnownAssociations, association_features
from protea_predictor.domain.features.frame import FeatureFrame, build_frame
from protea_predictor.domain.features.gains import TermGains
from protea_predictor.domain.features.go_context import go_context_features
from protea_predictor.domain.features.interpro import InterProHits, interpro_features
from protea_predictor.domain.features.knn import knn_features
from protea_predictor.domain.features.knn_voters import knn_voter_features
from protea_predictor.domain.features.lengths import length_features
from protea_predictor.domain.features.lineage import lineage_features
from protea_predictor.domain.features.links import LinkVotes
from protea_predictor.domain.features.pca import Projection, pca_features
from protea_predictor.domain.features.profile import ProfileVotes
from protea_predictor.domain.features.self_prior import OwnTerms, self_prior_features
from protea_predictor.domain.features.species import SpeciesPriors, species_features
from protea_predictor.domain.features.taxonomy_features import (
    Taxa,
    taxonomy_pair_features,
    taxonomy_voter_features,
)
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["ALWAYS_COMPUTED", "LARGEST_DISTANCE", "FeatureContext", "FeatureSources", "compute_features"]

LARGEST_DISTANCE = {DistanceMetric.COSINE: 2.0, DistanceMetric.L2: 4.0}
"""Between vectors of unit length; the similarity is what a distance lacks to it, as a share of it."""

ALWAYS_COMPUTED = (
    "knn",
    "annotation_meta",
    "length",
    "knn_vote",
    "go_context",
    "knn_distance",
    "knn_voters",
    "term",
)
"""Families of every prediction, in the order of `FEATURES`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureContext:
    """What every prediction has at hand.

    Attributes
    ----------
    graph
        The ontology.
    annotations
        Of the whole bank.
    metric
        What the distances are.
    query_lengths, reference_lengths
        Residues by row.
    """

    graph: GoGraph
    annotations: ReferenceAnnotations
    metric: DistanceMetric
    query_lengths: NDArray[np.integer]
    reference_lengths: NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSources:
    """What a prediction may have at hand; the families of what is ``None`` are absent.

    Attributes
    ----------
    known
        Experimental terms of each query known at t0, as they were annotated.
    own
        The queries' own annotations that are not experimental.
    is_lineage_wanted, is_association_wanted
        Whether these families are computed where something is known.
    associations
        What goes with the known terms; two features of the family ``association``.
    profile
        What the references most like each query say.
    species, query_taxa
        Family ``species``: terms of the references of each species, and the taxon of each query; both or none.
    gains
        Family ``gains``, which needs ``query_taxa`` and ``categories`` too: what references gained.
    categories
        How much is known of each query in each aspect, as `categories_of` gives it; weights by cell need it too.
    links
        Family ``links``: what the references say that interact with each query, or share papers with it.
    information_accretion
        Bits by row of the graph.
    aligned, aligned_by_aspect, self_bit_scores
        Voters of the alignment channel, the votes of each aspect, and the bits of each query with itself.
    alignment
        Columns of the families ``alignment_nw`` and ``alignment_sw``, by name.
    taxa, term_vectors, interpro
        Families ``taxonomy_pair`` and ``taxonomy_voters``, ``anc2vec_neighbor`` and ``anc2vec_query``, ``interpro``.
    projection, query_vectors
        Family ``emb_pca``; both or none.
    """

    known: TermLists | None = None
    is_lineage_wanted: bool = True
    is_association_wanted: bool = True
    associations: KnownAssociations | None = None
    profile: ProfileVotes | None = None
    species: SpeciesPriors | None = None
    query_taxa: NDArray[np.int64] | None = None
    gains: TermGains | None = None
    categories: NDArray[np.int8] | None = None
    links: LinkVotes | None = None
    own: OwnTerms | None = None
    information_accretion: NDArray[np.floating] | None = None
    aligned: AlignedVoters | None = None
    aligned_by_aspect: AlignedByAspect | None = None
    self_bit_scores: NDArray[np.float64] | None = None
    alignment: dict[str, NDArray[Any]] | None = None
    taxa: Taxa | None = None
    term_vectors: TermVectors | None = None
    interpro: InterProHits | None = None
    projection: Projection | None = None
    query_vectors: NDArray[np.floating] | None = None


def compute_features(candidates: Candidates, context: FeatureContext, sources: FeatureSources) -> FeatureFrame:
    """Compute the features of all candidates.

    A candidate's features depend on its query alone: neither the other queries of a batch nor their order change a bit
    of them.
    """
    computed = _always(candidates, context) | _of_query(candidates, context, sources)
    computed |= _of_donors(candidates, context, sources) | _of_term(candidates, context, sources)
    return build_frame(candidates.query_row, candidates.term_row, computed)


def _always(candidates: Candidates, context: FeatureContext) -> dict[str, NDArray[Any]]:
    annotations, aspects = context.annotations, context.graph.aspects[candidates.term_row]
    return {
        **knn_features(candidates),
        **annotation_features(candidates, evidence_codes=annotations.evidence_codes, qualifiers=annotations.qualifiers),
        **length_features(candidates, query_lengths=context.query_lengths, reference_lengths=context.reference_lengths),
        **go_context_features(candidates, annotations, context.graph),
        **knn_voter_features(
            candidates,
            aspects,
            is_root=is_root(context.graph)[candidates.term_row],
            evidence_codes=annotations.evidence_codes,
            largest_distance=LARGEST_DISTANCE[context.metric],
        ),
    }


def _of_query(candidates: Candidates, context: FeatureContext, sources: FeatureSources) -> dict[str, NDArray[Any]]:
    columns = _of_known_terms(candidates, context, sources)
    if sources.query_taxa is not None:
        columns |= _of_species(candidates, sources, sources.query_taxa)
    if sources.links is not None:
        columns |= sources.links.features(candidates)
    if sources.own is not None:
        columns |= self_prior_features(candidates, sources.own)
    if sources.projection is not None and sources.query_vectors is not None:
        columns |= pca_features(candidates, sources.query_vectors, sources.projection)
    if sources.interpro is not None:
        columns |= interpro_features(candidates, sources.interpro, context.graph)
    return columns


def _of_known_terms(
    candidates: Candidates, context: FeatureContext, sources: FeatureSources
) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    if sources.known is not None and sources.is_lineage_wanted:
        columns |= lineage_features(candidates, sources.known, context.graph)
    if sources.known is not None and sources.is_association_wanted:
        columns |= association_features(candidates, sources.known, context.annotations, context.graph)
    if sources.associations is not None:
        columns |= sources.associations.features(candidates)
    if sources.profile is not None:
        columns |= sources.profile.features(candidates)
    return columns


def _of_species(
    candidates: Candidates, sources: FeatureSources, query_taxa: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    if sources.species is not None:
        columns |= species_features(candidates, sources.species, query_taxa)
    if sources.gains is not None and sources.categories is not None:
        columns |= sources.gains.features(candidates, query_taxa, sources.categories)
    return columns


def _of_donors(candidates: Candidates, context: FeatureContext, sources: FeatureSources) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    if sources.aligned is not None:
        columns |= channel_features(candidates, sources.aligned)
        aspects = context.graph.aspects[candidates.term_row]
        codes = context.annotations.evidence_codes
        columns |= alignment_voter_features(candidates, sources.aligned, aspects, evidence_codes=codes)
        if sources.self_bit_scores is not None:
            columns |= self_bitscore_fraction(candidates, columns, sources.self_bit_scores)
    if sources.aligned_by_aspect is not None:
        columns |= aspect_vote_features(candidates, sources.aligned_by_aspect)
    if sources.taxa is not None:
        columns |= taxonomy_pair_features(candidates, sources.taxa)
        columns |= taxonomy_voter_features(candidates, sources.taxa)
    return columns | (sources.alignment or {})


def _of_term(candidates: Candidates, context: FeatureContext, sources: FeatureSources) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    if sources.information_accretion is not None:
        columns |= accretion_features(candidates, sources.information_accretion)
    if sources.term_vectors is not None:
        aspects = context.graph.aspects[candidates.term_row]
        columns |= neighbour_vector_features(candidates, sources.term_vectors, aspects)
        columns |= known_vector_features(candidates, sources.term_vectors, sources.known, context.graph)
    return columns
