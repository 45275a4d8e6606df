from __future__ import annotations

import numpy as np

from protea_common.domain.ontology import ASPECTS, Aspect
from protea_predictor.domain.pools import build_pools, search_pools
from protea_predictor.domain.reference_annotations import build_reference_annotations
from support.annotated_references import annotation_rows, diamond_graph

GRAPH = diamond_graph()
ANNOTATIONS = build_reference_annotations(
    # Reference 0 has both aspects, 1 function only, 2 process only, 3 nothing that counts.
    annotation_rows(
        [(0, 3, "IDA", None), (0, 5, "IEA", None), (1, 4, "IDA", None), (2, 0, "ND", None), (3, 0, "IDA", "NOT")]
    ),
    n_references=5,
    n_terms=6,
)
VECTORS = np.array([[1, 0], [1, 1], [0, 1], [1, 0.1], [1, 0.2]], dtype=np.float32)


def test_a_reference_is_in_the_pool_of_every_aspect_it_is_annotated_in() -> None:
    pools = build_pools(ANNOTATIONS, GRAPH, is_aspect_separated=True)

    assert [pool.aspect for pool in pools] == list(ASPECTS)
    assert {pool.aspect: pool.reference_rows.tolist() for pool in pools} == {
        Aspect.MOLECULAR_FUNCTION: [0, 1],
        Aspect.BIOLOGICAL_PROCESS: [0, 2],
        Aspect.CELLULAR_COMPONENT: [],
    }


def test_the_shared_pool_holds_every_annotated_reference() -> None:
    (pool,) = build_pools(ANNOTATIONS, GRAPH, is_aspect_separated=False)

    assert pool.aspect is None
    assert pool.reference_rows.tolist() == [0, 1, 2]


def test_each_aspect_finds_its_own_neighbours() -> None:
    pools = build_pools(ANNOTATIONS, GRAPH, is_aspect_separated=True)
    query = np.array([[0.1, 1.0]], dtype=np.float32)

    found = search_pools(query, VECTORS, pools, k=2)

    assert {pool.aspect: pool.neighbours.rows.tolist() for pool in found} == {
        Aspect.MOLECULAR_FUNCTION: [[1, 0]],
        Aspect.BIOLOGICAL_PROCESS: [[2, 0]],
        Aspect.CELLULAR_COMPONENT: [[-1, -1]],
    }


def test_exclusions_and_the_threshold_hold_in_every_pool() -> None:
    pools = build_pools(ANNOTATIONS, GRAPH, is_aspect_separated=True)
    query = np.array([[0.0, 1.0]], dtype=np.float32)

    found = search_pools(query, VECTORS, pools, k=2, excluded=np.array([[2]]), distance_threshold=0.5)

    assert [pool.neighbours.rows.tolist() for pool in found] == [[[1, -1]], [[-1, -1]], [[-1, -1]]]
