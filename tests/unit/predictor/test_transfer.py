from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_common.domain.ontology import ASPECTS, Aspect
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.donors import SequenceIds
from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.neighbours import Neighbours
from protea_predictor.domain.pools import PoolNeighbours, build_pools, search_pools
from protea_predictor.domain.reference_annotations import build_reference_annotations, propagate_annotations
from protea_predictor.domain.transfer import transfer_annotations
from support.annotated_references import annotation_rows, diamond_graph, random_graph, random_rows

NO_ONE = -1
NOWHERE = np.inf


def neighbours(
    aspect: Aspect | None, rows: Sequence[Sequence[int]], distances: Sequence[Sequence[float]]
) -> PoolNeighbours:
    return PoolNeighbours(aspect, Neighbours(np.array(distances, dtype=np.float64), np.array(rows, dtype=np.int64)))


def pairs(candidates: Candidates) -> list[tuple[int, int]]:
    return list(zip(candidates.query_row.tolist(), candidates.term_row.tolist(), strict=True))


def ledger(candidates: Candidates, row: int) -> list[tuple[int, int, int, float, bool]]:
    donors = candidates.donors
    part = slice(donors.indptr[row], donors.indptr[row + 1])
    return list(
        zip(
            donors.reference_rows[part].tolist(),
            donors.k_positions[part].tolist(),
            donors.sequence_ranks[part].tolist(),
            donors.distances[part].tolist(),
            donors.same_sequence[part].tolist(),
            strict=True,
        )
    )


def test_a_worked_example_of_one_query() -> None:
    # Terms GO:1..GO:4 are rows 0..3 (process), GO:5 and GO:6 rows 4 and 5 (function).
    annotations = build_reference_annotations(
        annotation_rows(
            [
                (0, 3, "IEA", None),
                (1, 3, "IDA", "involved_in"),
                (1, 1, "IDA", None),
                (1, 5, "IDA", None),
                (2, 3, "ISS", None),
                (2, 5, "IEA", None),
                (3, 3, "EXP", None),
            ]
        ),
        n_references=4,
        n_terms=6,
    )
    process = neighbours(Aspect.BIOLOGICAL_PROCESS, [[1, 0, 2]], [[0.1, 0.2, 0.6]])
    function = neighbours(Aspect.MOLECULAR_FUNCTION, [[2, NO_ONE, NO_ONE]], [[0.6, NOWHERE, NOWHERE]])
    sequences = SequenceIds(queries=np.array([70]), references=np.array([50, 50, 70, 80]))

    found = transfer_annotations((process, function), annotations, diamond_graph(), sequences=sequences)

    assert pairs(found) == [(0, 1), (0, 3), (0, 5)]
    assert found.reference_row.tolist() == [1, 1, 2]
    assert found.distance.tolist() == found.neighbor_min_distance.tolist() == [0.1, 0.1, 0.6]
    assert [annotations.evidence_codes[code] for code in found.evidence] == ["IDA", "IDA", "IEA"]
    assert [annotations.qualifiers[number] for number in found.qualifier] == ["", "involved_in", ""]
    assert found.vote_count.tolist() == [1, 3, 1]
    assert [annotations.evidence_codes[code] for code in found.donors.evidence] == ["IDA", "IDA", "IEA", "ISS", "IEA"]
    np.testing.assert_allclose(found.neighbor_vote_fraction, [1 / 3, 1, 1 / 3])
    np.testing.assert_allclose(found.neighbor_mean_distance, [0.1, 0.3, 0.6])
    # Distances .1 .2 .6 .6: mean .375, squares .075625 .030625 .050625 .050625, their mean .051875.
    np.testing.assert_allclose(found.neighbor_distance_std, np.sqrt(0.051875))
    assert found.go_term_frequency.tolist() == [1, 4, 2]
    assert found.ref_annotation_density.tolist() == [3, 3, 2]
    assert found.k_position.tolist() == [1, 1, 1]
    assert found.same_sequence.tolist() == [False, False, True]
    # References 0 and 1 share sequence 50, so reference 2 is the third protein but the second sequence.
    assert ledger(found, 1) == [(1, 1, 1, 0.1, False), (0, 2, 1, 0.2, False), (2, 3, 2, 0.6, True)]
    assert ledger(found, 2) == [(2, 1, 1, 0.6, True)]


def test_a_repeated_sequence_keeps_the_rank_of_its_first_protein() -> None:
    annotations = build_reference_annotations(
        annotation_rows([(reference, 3, "IDA", None) for reference in range(4)]), n_references=4, n_terms=6
    )
    pool = neighbours(None, [[0, 1, 2, 3]], [[0.1, 0.1, 0.1, 0.2]])

    found = transfer_annotations(
        (pool,), annotations, diamond_graph(), sequences=SequenceIds(np.array([0]), np.array([7, 8, 7, 9]))
    )

    assert found.donors.sequence_ranks.tolist() == [1, 2, 1, 3]


def test_an_aspects_pool_gives_terms_of_its_aspect_only() -> None:
    annotations = build_reference_annotations(
        annotation_rows([(0, 3, "IDA", None), (0, 5, "IDA", None)]), n_references=1, n_terms=6
    )
    sequences = SequenceIds(np.array([0]), np.array([1]))
    separated = neighbours(Aspect.MOLECULAR_FUNCTION, [[0]], [[0.5]])
    shared = neighbours(None, [[0]], [[0.5]])

    assert pairs(transfer_annotations((separated,), annotations, diamond_graph(), sequences=sequences)) == [(0, 5)]
    assert pairs(transfer_annotations((shared,), annotations, diamond_graph(), sequences=sequences)) == [(0, 3), (0, 5)]


def test_no_neighbours_give_no_candidates() -> None:
    annotations = build_reference_annotations(annotation_rows([(0, 3, "IDA", None)]), n_references=1, n_terms=6)
    pool = neighbours(None, [[NO_ONE, NO_ONE]], [[NOWHERE, NOWHERE]])

    found = transfer_annotations(
        (pool,), annotations, diamond_graph(), sequences=SequenceIds(np.array([0]), np.array([1]))
    )

    assert len(found) == 0
    assert found.donors.indptr.tolist() == [0]
    assert found.neighbor_mean_distance.tolist() == []


def test_an_empty_bank_gives_no_candidates() -> None:
    annotations = build_reference_annotations(annotation_rows([]), n_references=0, n_terms=6)
    vectors = np.ones((2, 3), dtype=np.float32)
    pools = build_pools(annotations, diamond_graph(), is_aspect_separated=True)
    searched = search_pools(vectors, vectors[:0], pools, k=3)

    found = transfer_annotations(
        searched, annotations, diamond_graph(), sequences=SequenceIds(np.array([1, 2]), np.array([], dtype=np.int64))
    )

    assert len(found) == 0


def test_pools_of_different_depth_and_missing_sequences_are_refused() -> None:
    annotations = build_reference_annotations(annotation_rows([(0, 3, "IDA", None)]), n_references=1, n_terms=6)
    graph, sequences = diamond_graph(), SequenceIds(np.array([0]), np.array([1]))
    one, two = neighbours(None, [[0]], [[0.1]]), neighbours(None, [[0, NO_ONE]], [[0.1, NOWHERE]])

    with pytest.raises(ShapeMismatchError, match="same K"):
        transfer_annotations((one, two), annotations, graph, sequences=sequences)
    with pytest.raises(ShapeMismatchError, match="0 sequence ids for 1 references"):
        transfer_annotations((one,), annotations, graph, sequences=SequenceIds(np.array([0]), np.array([], dtype=int)))
    with pytest.raises(ShapeMismatchError, match="2 sequence ids for 1 queries"):
        transfer_annotations((one,), annotations, graph, sequences=SequenceIds(np.array([0, 1]), np.array([1])))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 6),
    is_separated=st.booleans(),
    is_propagated=st.booleans(),
    threshold=st.none() | st.floats(0, 2),
)
def test_transfer_agrees_with_plain_loops(
    *, seed: int, k: int, is_separated: bool, is_propagated: bool, threshold: float | None
) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 18)
    annotations = build_reference_annotations(
        annotation_rows(random_rows(rng, n_rows=40, n_references=12, n_terms=18)), n_references=12, n_terms=18
    )
    annotations = propagate_annotations(annotations, graph) if is_propagated else annotations
    sequences = SequenceIds(rng.integers(0, 6, size=5), rng.integers(0, 6, size=12))
    vectors = rng.integers(-1, 2, size=(6, 3)).astype(np.float32)  # by sequence, so that shared ones tie
    pools = build_pools(annotations, graph, is_aspect_separated=is_separated)
    searched = search_pools(
        vectors[sequences.queries], vectors[sequences.references], pools, k=k, distance_threshold=threshold
    )

    found = transfer_annotations(searched, annotations, graph, sequences=sequences)

    votes: dict[tuple[int, int], list[tuple[int, int, int, float, bool]]] = defaultdict(list)
    spread: dict[int, list[float]] = defaultdict(list)
    terms_of: dict[int, list[int]] = defaultdict(list)
    for reference, term in zip(annotations.owners.tolist(), annotations.term_rows.tolist(), strict=True):
        terms_of[reference].append(term)
    for pool in searched:
        for query in range(5):
            seen: list[int] = []
            for rank, reference in enumerate(pool.neighbours.rows[query].tolist(), start=1):
                if reference == NO_ONE:
                    continue
                distance, sequence = (
                    float(pool.neighbours.distances[query, rank - 1]),
                    int(sequences.references[reference]),
                )
                spread[query].append(distance)
                seen.extend([] if sequence in seen else [sequence])
                for term in terms_of[reference]:
                    if pool.aspect in (None, ASPECTS[graph.aspects[term]]):
                        is_same = sequence == sequences.queries[query]
                        votes[query, term].append((reference, rank, seen.index(sequence) + 1, distance, bool(is_same)))
    assert pairs(found) == sorted(votes)
    for row, pair in enumerate(sorted(votes)):
        donors = votes[pair]
        assert ledger(found, row) == donors
        nearest = donors[0]
        assert (found.reference_row[row], found.k_position[row], found.sequence_rank[row]) == nearest[:3]
        assert (found.distance[row], found.same_sequence[row]) == nearest[3:]
        assert found.vote_count[row] == len({donor[0] for donor in donors})
        assert 0 < found.neighbor_vote_fraction[row] == len(donors) / k <= 1
        assert found.neighbor_mean_distance[row] == pytest.approx(np.mean([donor[3] for donor in donors]))
        assert found.neighbor_distance_std[row] == pytest.approx(np.std(spread[pair[0]]), abs=1e-12)
        assert found.go_term_frequency[row] == sum(pair[1] in terms for terms in terms_of.values())
        assert found.ref_annotation_density[row] == annotations.density[nearest[0]]


def test_a_thousand_queries_take_well_under_two_seconds() -> None:
    rng = np.random.default_rng(0)
    n_references, n_terms, terms_each = 5_000, 9_000, 180  # 60 in each aspect once propagated
    graph = random_graph(rng, n_terms)
    annotations = build_reference_annotations(
        annotation_rows([(0, 0, "IDA", None)]), n_references=n_references, n_terms=n_terms
    )
    terms = np.sort(
        rng.choice(n_terms // terms_each, size=(n_references, terms_each)) * terms_each + np.arange(terms_each)
    )
    annotations = type(annotations)(
        indptr=np.arange(n_references + 1) * terms_each,
        term_rows=terms.ravel().astype(np.int32),
        evidence=np.zeros(terms.size, dtype=np.int16),
        qualifier=np.zeros(terms.size, dtype=np.int16),
        evidence_codes=annotations.evidence_codes,
        qualifiers=annotations.qualifiers,
        density=np.full(n_references, 10),
        term_frequency=np.bincount(terms.ravel(), minlength=n_terms),
    )
    found = [
        neighbours(aspect, rng.integers(0, n_references, size=(1_000, 5)), np.sort(rng.random((1_000, 5))))  # type: ignore[arg-type]  # arrays are sequences here
        for aspect in ASPECTS
    ]
    sequences = SequenceIds(np.arange(1_000), np.arange(n_references))

    started = process_time()
    candidates = transfer_annotations(found, annotations, graph, sequences=sequences)

    assert process_time() - started < 2
    assert len(candidates.donors.reference_rows) == 1_000 * 3 * 5 * 60
