"""From the vectors of queries to scored GO terms: search, transfer, score, agree with the ontology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.scoring import ScoringRecipe
from protea_predictor.domain.alignment.hits import AlignedHits
from protea_predictor.domain.alignment.union import unite_channels
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import CarriedTerms
from protea_predictor.domain.consistent_scores import consistent_scores
from protea_predictor.domain.distances import exact_distances
from protea_predictor.domain.donors import SequenceIds
from protea_predictor.domain.features.alignment_voters import (
    ALIGNMENT_DONORS,
    AlignedByAspect,
    AlignedVoters,
    aligned_by_aspect,
)
from protea_predictor.domain.features.compute import FeatureContext, FeatureSources, compute_features
from protea_predictor.domain.features.frame import FeatureFrame
from protea_predictor.domain.known_candidates import add_pairs, supported_pairs
from protea_predictor.domain.pools import Pool, search_pools
from protea_predictor.domain.reference_bank import ReferenceBank
from protea_predictor.domain.scored_pairs import ScoredPairs
from protea_predictor.domain.scoring import candidate_signals, feature_signals, require_coverage
from protea_predictor.domain.search_means import SearchMeans
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.domain.transfer import transfer_annotations

__all__ = [
    "FoundTerms",
    "Prediction",
    "PredictionRecipe",
    "Queries",
    "find_terms",
    "predict_terms",
    "score_terms",
]


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """Proteins asked about.

    Attributes
    ----------
    accessions
        As the query set names them, ``n`` of them.
    sequence_ids, lengths
        Sequence of each and its residues, shape ``(n,)``.
    vectors
        Half precision, shape ``(n, D)``.
    """

    accessions: tuple[str, ...]
    sequence_ids: NDArray[np.int64]
    lengths: NDArray[np.int32]
    vectors: NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionRecipe:
    """How terms are predicted.

    Attributes
    ----------
    k
        Neighbours per query in each pool.
    metric
        Which distance.
    distance_threshold
        Neighbours farther away are dropped; ``None`` keeps all.
    scoring
        How the signals of a candidate become its score.
    """

    k: int
    metric: DistanceMetric
    distance_threshold: float | None
    scoring: ScoringRecipe


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Candidates with their scores.

    Attributes
    ----------
    candidates
        All of them, by query and term.
    frame
        Their features, in their order.
    scores
        In [0, 1], shape ``(n_candidates,)``; no term scores below one of its descendants.
    kept
        Positions of those worth storing, ascending: scored above 0, and not the root of an aspect.
    aligned
        Aligned references that carry each candidate; ``None`` without an alignment channel.
    """

    candidates: Candidates
    frame: FeatureFrame
    scores: NDArray[np.float64]
    kept: NDArray[np.int64]
    aligned: AlignedVoters | None = None

    @property
    def pairs_kept(self) -> ScoredPairs:
        """Those worth storing, with their scores."""
        return ScoredPairs(self.candidates.query_row, self.candidates.term_row, self.scores).take(self.kept)


@dataclass(frozen=True, slots=True, eq=False)
class FoundTerms:
    """Candidates before they are scored.

    Attributes
    ----------
    candidates
        Of all channels, by query and term.
    aligned, by_aspect
        Aligned references that carry each, and what the best of each aspect say; ``None`` without an alignment channel.
    """

    candidates: Candidates
    aligned: AlignedVoters | None = None
    by_aspect: AlignedByAspect | None = None


def predict_terms(
    queries: Queries,
    bank: ReferenceBank,
    pools: Sequence[Pool],
    ontology: StoredOntology,
    recipe: PredictionRecipe,
    *,
    sources: FeatureSources | None = None,
    hits: AlignedHits | None = None,
) -> Prediction:
    """Predict the GO terms of queries: `find_terms`, then `score_terms`."""
    found = find_terms(queries, bank, pools, ontology, recipe, hits=hits)
    return score_terms(found, queries, bank, ontology, recipe, sources=sources)


def find_terms(
    queries: Queries,
    bank: ReferenceBank,
    pools: Sequence[Pool],
    ontology: StoredOntology,
    recipe: PredictionRecipe,
    *,
    means: SearchMeans | None = None,
    chosen: Sequence[NDArray[np.int64]] | None = None,
    hits: AlignedHits | None = None,
    carried: CarriedTerms | None = None,
    sources: FeatureSources | None = None,
) -> FoundTerms:
    """Find candidates among the terms of the nearest references and, where there are hits, of aligned ones.

    A reference that is the query itself, by accession, is no donor; one with the query's sequence under another
    accession is. ``chosen`` are the references that are compared, as in `search_pools`, and ``means`` how all are;
    ``carried`` are the terms of the bank, gathered here where they are needed and not given. With ``sources`` what they
    say of known terms, and common terms, are candidates too, as `supported_pairs` lists them.

    Raises
    ------
    ShapeMismatchError, InvalidVectorError
        If the vectors cannot be compared.
    """
    found = search_pools(
        queries.vectors,
        bank.vectors,
        pools,
        k=recipe.k,
        excluded=bank.proteins.rows_of(queries.accessions).reshape(-1, 1),
        metric=recipe.metric,
        distance_threshold=recipe.distance_threshold,
        means=means,
        chosen=chosen,
    )
    sequences = SequenceIds(queries.sequence_ids, bank.proteins.sequence_ids)
    candidates = transfer_annotations(found, bank.annotations, ontology.graph, sequences=sequences)
    united = FoundTerms(candidates)
    if hits is not None:
        carried = carried or CarriedTerms.build(bank.annotations, ontology.graph)
        united = _united(candidates, queries, bank, ontology, hits=hits, carried=carried, metric=recipe.metric)
    return united if sources is None else _with_known_terms(united, sources, queries, bank, ontology)


def score_terms(
    found: FoundTerms,
    queries: Queries,
    bank: ReferenceBank,
    ontology: StoredOntology,
    recipe: PredictionRecipe,
    *,
    sources: FeatureSources | None = None,
) -> Prediction:
    """Compute the features and the scores of candidates.

    ``sources`` are what features are computed from beside neighbours and references; their categories are needed where
    the scoring has weights by cell.

    Raises
    ------
    UncoveredSignalError
        If the recipe gives weight to a signal that no candidate has.
    """
    candidates, aligned = found.candidates, found.aligned
    sources = replace(sources or FeatureSources(), aligned=aligned, aligned_by_aspect=found.by_aspect)
    frame = compute_features(candidates, _context(queries, bank, ontology, recipe), sources)
    signals = feature_signals(frame) | candidate_signals(
        candidates, bank.annotations.evidence_codes, recipe.scoring, metric=recipe.metric
    )
    require_coverage(signals, recipe.scoring)
    scores = consistent_scores(
        signals,
        recipe.scoring,
        query_row=candidates.query_row,
        term_row=candidates.term_row,
        graph=ontology.graph,
        categories=sources.categories,
    )
    kept = np.flatnonzero((scores > 0) & ~ontology.is_root[candidates.term_row])
    return Prediction(candidates, frame, scores, kept, aligned)


def _united(
    candidates: Candidates,
    queries: Queries,
    bank: ReferenceBank,
    ontology: StoredOntology,
    *,
    hits: AlignedHits,
    carried: CarriedTerms,
    metric: DistanceMetric,
) -> FoundTerms:
    by_aspect = aligned_by_aspect(hits, carried, n_queries=len(queries.accessions))
    hits = hits.where(hits.among_best(ALIGNMENT_DONORS) | by_aspect.is_voter)
    candidates, aligned = unite_channels(
        candidates,
        hits,
        bank.annotations,
        ontology.graph,
        distances=_hit_distances(queries, bank, hits, metric),
        sequences=SequenceIds(queries.sequence_ids, bank.proteins.sequence_ids),
        voted=by_aspect.keys,
    )
    return FoundTerms(candidates, aligned, by_aspect)


def _with_known_terms(
    found: FoundTerms, sources: FeatureSources, queries: Queries, bank: ReferenceBank, ontology: StoredOntology
) -> FoundTerms:
    candidates, graph = found.candidates, ontology.graph
    pairs = supported_pairs(
        sources.profile,
        sources.associations,
        bank.annotations,
        graph,
        n_queries=len(queries.accessions),
        known=candidates.query_row * len(graph.go_ids) + candidates.term_row,
    )
    candidates, aligned = add_pairs(candidates, found.aligned, pairs, bank.annotations, graph)
    return replace(found, candidates=candidates, aligned=aligned)


def _context(
    queries: Queries, bank: ReferenceBank, ontology: StoredOntology, recipe: PredictionRecipe
) -> FeatureContext:
    return FeatureContext(
        graph=ontology.graph,
        annotations=bank.annotations,
        metric=recipe.metric,
        query_lengths=queries.lengths,
        reference_lengths=bank.proteins.lengths,
    )


def _hit_distances(
    queries: Queries, bank: ReferenceBank, hits: AlignedHits, metric: DistanceMetric
) -> NDArray[np.float64]:
    """Embedding distance of each aligned pair; few pairs, so the exact distance costs little."""
    return exact_distances(
        queries.vectors, bank.vectors, query_rows=hits.query_row, reference_rows=hits.reference_row, metric=metric
    )
