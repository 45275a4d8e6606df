from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.scoring import CELLS, PRESETS, Formula, Missing, ScoringRecipe, Signal
from protea_predictor.domain.donors import SequenceIds
from protea_predictor.domain.errors import ShapeMismatchError, UncoveredSignalError
from protea_predictor.domain.neighbours import Neighbours
from protea_predictor.domain.pools import PoolNeighbours
from protea_predictor.domain.reference_annotations import build_reference_annotations
from protea_predictor.domain.scoring import candidate_signals, require_coverage, require_produced, score_candidates
from protea_predictor.domain.transfer import transfer_annotations
from support.annotated_references import annotation_rows, diamond_graph

NAN = np.nan


def signals(**values: list[float]) -> dict[str, NDArray[np.float64]]:
    return {name: np.array(column, dtype=np.float64) for name, column in values.items()}


def test_signals_of_a_worked_example() -> None:
    annotations = build_reference_annotations(
        annotation_rows([(0, 3, "IEA", None), (1, 3, "IDA", None), (1, 5, "XYZ", None)]), n_references=2, n_terms=6
    )
    pool = PoolNeighbours(None, Neighbours(np.array([[0.5, 1.5, np.inf, np.inf]]), np.array([[0, 1, -1, -1]])))
    candidates = transfer_annotations(
        (pool,), annotations, diamond_graph(), sequences=SequenceIds(np.array([0]), np.array([1, 2]))
    )

    plain = candidate_signals(candidates, annotations.evidence_codes, ScoringRecipe())
    overridden = candidate_signals(candidates, annotations.evidence_codes, ScoringRecipe(evidence_weights={"IEA": 0.3}))

    assert plain["embedding_similarity"].tolist() == [0.75, 0.25]
    assert plain["neighbor_vote_fraction"].tolist() == [0.5, 0.25]
    assert plain["evidence_weight"].tolist() == [0.8, 0.5]
    assert overridden["evidence_weight"].tolist() == [0.3, 0.5]


def test_a_linear_score_is_the_weighted_mean_of_the_signals_that_are_there() -> None:
    recipe = ScoringRecipe(weights={"embedding_similarity": 0.5, "identity_nw": 0.3, "identity_sw": 0.2})

    scores = score_candidates(
        signals(
            embedding_similarity=[0.8, 0.8, NAN, NAN],
            identity_nw=[0.4, NAN, 0.4, NAN],
            identity_sw=[1.0, NAN, NAN, NAN],
        ),
        recipe,
    )

    # (.4 + .12 + .2) / 1; .4 / .5; .12 / .3; nothing there.
    np.testing.assert_allclose(scores, [0.72, 0.8, 0.4, 0.0])


def test_a_signal_left_out_lacks_everywhere() -> None:
    recipe = ScoringRecipe(weights={"embedding_similarity": 0.5, "identity_nw": 0.5})

    assert score_candidates(signals(embedding_similarity=[0.6, 0.2]), recipe).tolist() == [0.6, 0.2]
    assert score_candidates(signals(identity_sw=[0.6, 0.2]), recipe).tolist() == [0.0, 0.0]


def test_the_evidence_weight_always_multiplies_in_an_evidence_weighted_score() -> None:
    veto = PRESETS["evidence_veto"].recipe
    both = PRESETS["embedding_plus_evidence"].recipe
    given_signals = signals(embedding_similarity=[0.9, 0.9, 0.9], evidence_weight=[1.0, 0.8, NAN])

    assert score_candidates(given_signals, veto).tolist() == [0.9, 0.72, 0.45]
    # Means .95, .85 and .9, since the third has no evidence to average, times 1, .8 and the fallback .5.
    assert score_candidates(given_signals, both).tolist() == [0.95, 0.68, 0.45]


def test_signals_are_clamped_and_scores_rounded_to_six_digits() -> None:
    scores = score_candidates(signals(embedding_similarity=[1.7, -0.2, 1 / 3]), ScoringRecipe())

    assert scores.tolist() == [1.0, 0.0, 0.333333]


@given(
    values=st.lists(
        st.tuples(*(st.none() | st.floats(0, 1) for _ in Signal)),
        min_size=1,
        max_size=5,
    ),
    weights=st.dictionaries(st.sampled_from([signal.value for signal in Signal]), st.floats(0.01, 1), min_size=1),
    formula=st.sampled_from(Formula),
    missing=st.sampled_from(Missing),
)
def test_scores_agree_with_plain_loops(
    *, values: list[tuple[float | None, ...]], weights: dict[str, float], formula: Formula, missing: Missing
) -> None:
    columns = {
        signal.value: np.array([NAN if row[n] is None else row[n] for row in values], dtype=np.float64)
        for n, signal in enumerate(Signal)
    }

    scores = score_candidates(columns, ScoringRecipe(formula=formula, weights=weights, missing=missing))

    for row, score in zip(values, scores.tolist(), strict=True):
        there = {signal.value: value for signal, value in zip(Signal, row, strict=True) if value is not None}
        used = {name: weight for name, weight in weights.items() if name in there or missing is Missing.ZERO}
        total = sum(weight * there.get(name, 0.0) for name, weight in used.items())
        expected = total / sum(used.values()) if used else 0.0
        if formula is Formula.EVIDENCE_WEIGHTED:
            expected *= there.get("evidence_weight", 0.5)
        assert score == pytest.approx(expected, abs=5.1e-7)
        assert 0 <= score <= 1


def test_each_candidate_is_scored_by_the_weights_of_its_cell() -> None:
    recipe = ScoringRecipe(
        weights={"term_prior": 1.0},
        cell_weights={"lk-bpo": {"profile_vote": 0.5, "term_prior": 0.5}, "pk-cco": {"profile_vote": 1.0}},
    )
    columns = signals(term_prior=[0.1, 0.2, 0.3, 0.4], profile_vote=[0.9, 0.8, NAN, NAN])
    cells = np.array([CELLS.index(cell) for cell in ("nk-bpo", "lk-bpo", "lk-bpo", "pk-cco")])

    assert score_candidates(columns, recipe, cells=cells).tolist() == [0.1, 0.5, 0.3, 0.0]
    as_zero = replace(recipe, missing=Missing.ZERO)
    assert score_candidates(columns, as_zero, cells=cells).tolist() == [0.1, 0.5, 0.15, 0.0]
    with pytest.raises(ShapeMismatchError, match="cell"):
        score_candidates(columns, recipe)


def test_a_signal_that_only_a_cell_weighs_must_be_computed() -> None:
    recipe = ScoringRecipe(weights={"term_prior": 1.0}, cell_weights={"pk-cco": {"profile_vote": 1.0}})
    require_produced(recipe, families=("profile",))
    with pytest.raises(UncoveredSignalError, match="'profile_vote'"):
        require_produced(recipe)


def test_a_weighted_signal_that_nothing_has_is_named() -> None:
    recipe = PRESETS["embedding_plus_alignment"].recipe

    with pytest.raises(UncoveredSignalError, match="'identity_nw'"):
        require_coverage(signals(embedding_similarity=[0.5], identity_sw=[0.5]), recipe)
    with pytest.raises(UncoveredSignalError, match="'identity_sw'"):
        require_coverage(signals(embedding_similarity=[0.5], identity_nw=[0.5], identity_sw=[NAN]), recipe)


def test_candidates_without_a_donor_lack_what_a_donor_gives() -> None:
    recipe = PRESETS["embedding_plus_alignment"].recipe
    lacking = signals(embedding_similarity=[NAN], identity_nw=[NAN], identity_sw=[NAN], term_prior=[0.5])

    require_coverage(lacking, recipe)
    with pytest.raises(UncoveredSignalError, match="'identity_nw'"):
        require_coverage({name: values for name, values in lacking.items() if name != "identity_nw"}, recipe)


def test_one_value_anywhere_covers_a_signal_and_no_candidates_need_none() -> None:
    recipe = PRESETS["alignment_only"].recipe

    require_coverage(signals(identity_nw=[NAN, 0.5], identity_sw=[0.5, NAN]), recipe)
    require_coverage(signals(embedding_similarity=[]), recipe)


def test_an_evidence_weighted_recipe_needs_evidence_though_it_weighs_nothing() -> None:
    with pytest.raises(UncoveredSignalError) as caught:
        require_coverage(signals(embedding_similarity=[0.5]), PRESETS["evidence_veto"].recipe)

    assert caught.value.signal == "evidence_weight"


def test_no_candidates_have_no_scores() -> None:
    assert score_candidates(signals(embedding_similarity=[]), ScoringRecipe()).tolist() == []


def test_signals_of_different_length_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"\[1, 2\]"):
        score_candidates(signals(embedding_similarity=[0.5], identity_nw=[0.5, 0.5]), ScoringRecipe())


@pytest.mark.parametrize("name", ["embedding_only", "vote_fraction", "evidence_veto", "embedding_plus_vote"])
def test_a_preset_of_produced_signals_is_accepted_before_the_search(name: str) -> None:
    require_produced(PRESETS[name].recipe)


@pytest.mark.parametrize("name", ["alignment_only", "composite", "composite_no_embedding", "votes_of_both_channels"])
def test_a_preset_of_other_signals_is_refused_before_the_search(name: str) -> None:
    with pytest.raises(UncoveredSignalError):
        require_produced(PRESETS[name].recipe)


def test_unit_vectors_are_as_similar_by_squared_distance_as_by_cosine() -> None:
    annotations = build_reference_annotations(annotation_rows([(0, 3, "IDA", None)]), n_references=1, n_terms=6)
    similarities = {}
    for metric, distance in ((DistanceMetric.COSINE, 0.4), (DistanceMetric.L2, 0.8)):  # |q - r|^2 = 2 (1 - cos)
        pool = PoolNeighbours(None, Neighbours(np.array([[distance]]), np.array([[0]])))
        candidates = transfer_annotations(
            (pool,), annotations, diamond_graph(), sequences=SequenceIds(np.array([0]), np.array([1]))
        )
        found = candidate_signals(candidates, annotations.evidence_codes, ScoringRecipe(), metric=metric)
        similarities[metric] = found[Signal.EMBEDDING_SIMILARITY].tolist()

    assert similarities[DistanceMetric.COSINE] == similarities[DistanceMetric.L2] == [0.8]
