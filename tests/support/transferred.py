"""A small transfer of annotations, drawn at random, for the tests of features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.donors import SequenceIds
from protea_predictor.domain.features.compute import FeatureContext
from protea_predictor.domain.pools import build_pools, search_pools
from protea_predictor.domain.reference_annotations import (
    ReferenceAnnotations,
    build_reference_annotations,
    propagate_annotations,
)
from protea_predictor.domain.transfer import transfer_annotations
from support.annotated_references import annotation_rows, random_graph, random_rows

__all__ = ["Transferred", "random_transfer"]


@dataclass(frozen=True, slots=True, eq=False)
class Transferred:
    """Candidates with all they were made from."""

    candidates: Candidates
    annotations: ReferenceAnnotations
    graph: GoGraph
    sequences: SequenceIds
    query_vectors: NDArray[np.float16]
    context: FeatureContext


def random_transfer(seed: int, *, n_queries: int = 6, k: int = 4, queries: slice = slice(None)) -> Transferred:
    """Transfer terms of 30 references to queries; ``queries`` takes some of the same queries."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 25)
    rows = random_rows(rng, n_rows=120, n_references=30, n_terms=25)
    direct = build_reference_annotations(annotation_rows(rows), n_references=30, n_terms=25)
    annotations = propagate_annotations(direct, graph)
    references = rng.normal(size=(30, 8)).astype(np.float16)
    vectors = rng.normal(size=(n_queries, 8)).astype(np.float16)[queries]
    sequences = SequenceIds(rng.integers(100, 110, n_queries)[queries], rng.integers(100, 120, 30))
    pools = build_pools(annotations, graph, is_aspect_separated=True)
    candidates = transfer_annotations(
        search_pools(vectors, references, pools, k=k), annotations, graph, sequences=sequences
    )
    context = FeatureContext(
        graph=graph,
        annotations=annotations,
        metric=DistanceMetric.COSINE,
        query_lengths=rng.integers(50, 500, n_queries)[queries],
        reference_lengths=rng.integers(50, 500, 30),
    )
    return Transferred(candidates, annotations, graph, sequences, vectors, context)
