"""Candidates of neighbours and of aligned references together."""

import numpy as np
import pytest

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.ontology import Aspect
from protea_common.domain.scoring import ScoringRecipe
from protea_predictor.domain.alignment.hits import AlignedHits
from protea_predictor.domain.alignment.union import NOT_A_NEIGHBOUR, unite_channels
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import CarriedTerms
from protea_predictor.domain.donors import SequenceIds
from protea_predictor.domain.features.alignment_voters import (
    AlignedVoters,
    aligned_by_aspect,
    alignment_voter_features,
    aspect_vote_features,
)
from protea_predictor.domain.features.knn import knn_features
from protea_predictor.domain.neighbours import Neighbours
from protea_predictor.domain.pools import Pool, PoolNeighbours
from protea_predictor.domain.prediction import PredictionRecipe, Queries, predict_terms
from protea_predictor.domain.reference_annotations import ReferenceAnnotations, build_reference_annotations
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceProteins
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.domain.transfer import transfer_annotations
from support.annotated_references import annotation_rows, diamond_graph

SEQUENCES = SequenceIds(queries=np.array([70, 71]), references=np.array([50, 51, 70]))


def hits(*rows: tuple[int, int, float]) -> AlignedHits:
    """Hits of (query, reference, bit score)."""
    query, reference, bits = zip(*rows, strict=True)
    same = np.full(len(rows), 0.5)
    return AlignedHits(np.array(query), np.array(reference), np.array(bits), same, same, same, same)


@pytest.fixture
def annotations() -> ReferenceAnnotations:
    rows = [
        (0, 3, "IEA", None),
        (1, 3, "IDA", None),
        (1, 1, "IDA", None),
        (2, 3, "ISS", None),
        (2, 5, "IEA", "enables"),
    ]
    return build_reference_annotations(annotation_rows(rows), n_references=3, n_terms=6)


@pytest.fixture
def neighbours_only(annotations: ReferenceAnnotations) -> Candidates:
    """Query 0 has reference 1 as neighbour in the process aspect; query 1 has none."""
    found = Neighbours(np.array([[0.1], [np.inf]]), np.array([[1], [-1]]))
    pool = PoolNeighbours(Aspect.BIOLOGICAL_PROCESS, found)
    return transfer_annotations((pool,), annotations, diamond_graph(), sequences=SEQUENCES)


@pytest.fixture
def united(neighbours_only: Candidates, annotations: ReferenceAnnotations) -> tuple[Candidates, AlignedVoters]:
    found = hits((0, 2, 90.0), (0, 1, 30.0), (1, 0, 40.0))
    distances = np.array([0.4, 0.1, 0.7])
    return unite_channels(
        neighbours_only, found, annotations, diamond_graph(), distances=distances, sequences=SEQUENCES
    )


def test_aligned_references_add_candidates_and_leave_the_others_alone(
    united: tuple[Candidates, AlignedVoters], annotations: ReferenceAnnotations
) -> None:
    candidates, _ = united
    pairs = list(zip(candidates.query_row.tolist(), candidates.term_row.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 3), (0, 5), (1, 3)]
    assert candidates.vote_count.tolist() == [1, 1, 0, 0]
    assert candidates.reference_row.tolist() == [1, 1, 2, 0]
    assert candidates.distance.tolist() == candidates.neighbor_mean_distance.tolist() == [0.1, 0.1, 0.4, 0.7]
    assert candidates.k_position.tolist() == [1, 1, NOT_A_NEIGHBOUR, NOT_A_NEIGHBOUR]
    assert candidates.same_sequence.tolist() == [False, False, True, False]
    assert [annotations.evidence_codes[code] for code in candidates.evidence] == ["IDA", "IDA", "IEA", "IEA"]
    assert candidates.donors.indptr.tolist() == [0, 1, 2, 2, 2]


def test_each_candidate_knows_its_aligned_voters(
    united: tuple[Candidates, AlignedVoters], annotations: ReferenceAnnotations
) -> None:
    candidates, voters = united
    assert voters.indptr.tolist() == [0, 1, 3, 4, 5]
    assert voters.reference_rows.tolist() == [1, 2, 1, 2, 0]
    assert voters.ranks.tolist() == [2, 1, 2, 1, 1]
    features = alignment_voter_features(
        candidates,
        voters,
        diamond_graph().aspects[candidates.term_row],
        evidence_codes=annotations.evidence_codes,
    )
    assert features["alignment_weighted_vote"].tolist() == [0.25, 1, 1, 1]


def test_a_deeper_hit_gives_only_what_it_votes_for() -> None:
    """Fifty better hits have a function alone, so that the 51st votes for a process, though not for its function."""
    functions = [(row, 5, "IDA", None) for row in range(50)]
    annotated = build_reference_annotations(
        annotation_rows([*functions, (50, 3, "IEA", None), (50, 4, "IEA", None), (51, 5, "IDA", None)]),
        n_references=52,
        n_terms=6,
    )
    found = hits(*((0, row, 200.0 - row) for row in range(51)))
    carried = CarriedTerms.build(annotated, diamond_graph())
    by_aspect = aligned_by_aspect(found, carried, n_queries=1)
    pool = PoolNeighbours(Aspect.MOLECULAR_FUNCTION, Neighbours(np.array([[0.1]]), np.array([[51]])))
    sequences = SequenceIds(queries=np.array([99]), references=np.arange(52))
    neighbours = transfer_annotations((pool,), annotated, diamond_graph(), sequences=sequences)

    candidates, voters = unite_channels(
        neighbours,
        found,
        annotated,
        diamond_graph(),
        distances=np.linspace(0.2, 0.9, 51),
        sequences=sequences,
        voted=by_aspect.keys,
    )

    assert candidates.term_row.tolist() == [3, 5]
    assert candidates.reference_row.tolist() == [50, 51]
    assert candidates.distance.tolist() == pytest.approx([0.9, 0.1])
    assert np.diff(voters.indptr).tolist() == [0, 50]
    votes = aspect_vote_features(candidates, by_aspect)
    assert votes["alignment_aspect_vote"].tolist() == [1, 1]
    assert votes["alignment_aspect_vote_experimental"].tolist() == pytest.approx([np.nan, 1], nan_ok=True)


def test_without_hits_nothing_changes(neighbours_only: Candidates, annotations: ReferenceAnnotations) -> None:
    candidates, voters = unite_channels(
        neighbours_only,
        AlignedHits.none(),
        annotations,
        diamond_graph(),
        distances=np.zeros(0),
        sequences=SEQUENCES,
    )
    for name in ("query_row", "term_row", "distance", "vote_count", "evidence", "neighbor_distance_std"):
        assert getattr(candidates, name).tolist() == getattr(neighbours_only, name).tolist()
    assert candidates.donors.indptr.tolist() == neighbours_only.donors.indptr.tolist()
    assert voters.indptr.tolist() == [0] * (len(candidates) + 1)


def test_a_prediction_with_hits_scores_the_terms_that_only_they_give(annotations: ReferenceAnnotations) -> None:
    ids = np.arange(1, 4)
    accessions, vectors = np.array([b"A", b"B", b"C"]), np.eye(3, dtype=np.float16)
    proteins = ReferenceProteins(accessions, ids, np.full(3, 9, dtype=np.int32), np.zeros(3, dtype=np.int32))
    bank = ReferenceBank(proteins=proteins, vectors=vectors, annotations=annotations)
    queries = Queries(("Q",), np.array([9]), np.array([9], dtype=np.int32), np.array([[0, 1, 1]], dtype=np.float16))
    pools = (Pool(Aspect.BIOLOGICAL_PROCESS, np.array([1])),)
    ontology = StoredOntology(diamond_graph(), np.arange(6))
    recipe = PredictionRecipe(k=1, metric=DistanceMetric.COSINE, distance_threshold=None, scoring=ScoringRecipe())

    alone = predict_terms(queries, bank, pools, ontology, recipe)
    both = predict_terms(queries, bank, pools, ontology, recipe, hits=hits((0, 2, 90.0)))

    assert alone.aligned is None
    assert alone.candidates.term_row.tolist() == [1, 3]
    assert both.candidates.term_row.tolist() == [1, 3, 5]
    assert both.aligned is not None
    assert both.aligned.indptr.tolist() == [0, 0, 1, 2]
    np.testing.assert_allclose(both.candidates.distance, np.full(3, 1 - np.sqrt(0.5)))
    assert np.isnan(knn_features(both.candidates)["k_position"]).tolist() == [False, False, True]


def test_the_best_hits_are_kept_and_the_query_itself_is_none() -> None:
    found = hits((0, 1, 10.0), (0, 3, 30.0), (0, 2, 30.0), (0, 0, 99.0), (1, 0, 50.0))
    best = found.best(per_query=2, own_rows=np.array([0, -1]))
    kept = list(zip(best.query_row.tolist(), best.reference_row.tolist(), best.bit_score.tolist(), strict=True))
    assert kept == [(0, 2, 30.0), (0, 3, 30.0), (1, 0, 50.0)]
