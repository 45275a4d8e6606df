from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from protea_common.domain.scoring import (
    CELLS,
    DEFAULT_PRESET,
    PRESETS,
    Formula,
    InvalidScoringError,
    Missing,
    ScoringRecipe,
    parse_formula,
)


def test_a_recipe_left_open_scores_by_similarity_alone() -> None:
    recipe = ScoringRecipe()

    assert recipe.formula is Formula.LINEAR
    assert recipe.weighted_signals == {"embedding_similarity": 1.0}


@pytest.mark.parametrize(
    ("weights", "named"),
    [
        ({"embedding": 1.0}, "embedding"),
        ({"embedding_similarity": 1.5}, "embedding_similarity"),
        ({"embedding_similarity": 0.5, "identity_nw": -0.1}, "identity_nw"),
        ({"embedding_similarity": float("nan")}, "embedding_similarity"),
        ({"embedding_similarity": 0.0}, "Every signal weighs 0"),
        ({}, "Every signal weighs 0"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weights: Mapping[str, float], named: str) -> None:
    with pytest.raises(InvalidScoringError, match=named):
        ScoringRecipe(weights=weights)


def test_evidence_weights_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(InvalidScoringError, match="IEA"):
        ScoringRecipe(evidence_weights={"IEA": 2.0})


def test_formulas_are_read_by_name() -> None:
    assert parse_formula("evidence_weighted") is Formula.EVIDENCE_WEIGHTED
    with pytest.raises(InvalidScoringError, match=r"'cubic'.*linear, evidence_weighted"):
        parse_formula("cubic")


def test_evidence_weights_come_from_the_recipe_then_the_table_then_the_fallback() -> None:
    recipe = ScoringRecipe(evidence_weights={"IEA": 0.2, "ODD": 0.9})

    assert [recipe.evidence_weight(code) for code in ("IEA", "ODD", "IDA", "ISS", "ND", "", "XYZ")] == [
        0.2,
        0.9,
        1.0,
        0.7,
        0.1,
        0.5,
        0.5,
    ]


def test_an_eco_identifier_weighs_as_its_evidence_code() -> None:
    assert ScoringRecipe().evidence_weight("ECO:0000501") == 0.8
    assert ScoringRecipe(evidence_weights={"IEA": 0.2}).evidence_weight("ECO:0000501") == 0.2


@pytest.mark.parametrize(
    ("name", "formula", "weights"),
    [
        ("embedding_only", "linear", {"embedding_similarity": 1.0}),
        ("vote_fraction", "linear", {"neighbor_vote_fraction": 1.0}),
        ("alignment_vote", "linear", {"alignment_weighted_vote": 1.0}),
        ("alignment_only", "linear", {"identity_nw": 0.6, "identity_sw": 0.4}),
        ("embedding_plus_alignment", "linear", {"embedding_similarity": 0.5, "identity_nw": 0.3, "identity_sw": 0.2}),
        ("alignment_weighted", "linear", {"embedding_similarity": 0.5, "identity_nw": 0.3, "identity_sw": 0.2}),
        ("embedding_plus_vote", "linear", {"embedding_similarity": 0.5, "neighbor_vote_fraction": 0.5}),
        ("evidence_primary", "linear", {"embedding_similarity": 0.2, "evidence_weight": 0.8}),
        ("embedding_plus_evidence", "evidence_weighted", {"embedding_similarity": 1.0, "evidence_weight": 1.0}),
        ("evidence_veto", "evidence_weighted", {"embedding_similarity": 1.0}),
        (
            "composite",
            "linear",
            {
                "embedding_similarity": 0.4,
                "identity_nw": 0.2,
                "identity_sw": 0.1,
                "taxonomic_proximity": 0.1,
                "neighbor_vote_fraction": 0.2,
            },
        ),
        (
            "composite_no_embedding",
            "linear",
            {"identity_nw": 0.2, "identity_sw": 0.1, "taxonomic_proximity": 0.1, "neighbor_vote_fraction": 0.2},
        ),
        (
            "composite_with_evidence",
            "evidence_weighted",
            {
                "embedding_similarity": 0.4,
                "identity_nw": 0.2,
                "identity_sw": 0.1,
                "evidence_weight": 0.2,
                "taxonomic_proximity": 0.1,
            },
        ),
        (
            "votes_of_both_channels",
            "linear",
            {
                "knn_weighted_vote": 0.5,
                "knn_vote_experimental": 0.5,
                "alignment_weighted_vote": 0.5,
                "alignment_vote_experimental": 0.5,
                "self_prior_curated": 0.2,
                "term_prior": 0.3,
            },
        ),
    ],
)
def test_presets_weigh_as_published(name: str, formula: str, weights: Mapping[str, float]) -> None:
    preset = PRESETS[name]

    assert preset.name == name
    assert preset.description
    assert preset.recipe.formula == formula
    assert preset.recipe.weighted_signals == weights


def test_cells_have_weights_of_their_own() -> None:
    recipe = ScoringRecipe.parse(
        formula="linear",
        weights={"embedding_similarity": 1.0},
        cell_weights={"pk-bpo": {"profile_vote": 0.5, "term_prior": 0.0}, "nk-mfo": {"term_prior": 1.0}},
        missing="zero",
    )

    assert recipe.missing is Missing.ZERO
    assert recipe.weighted_by_cell == {"nk-mfo": {"term_prior": 1.0}, "pk-bpo": {"profile_vote": 0.5}}
    assert recipe.signals_read == ("embedding_similarity", "profile_vote", "term_prior")
    assert CELLS[:4] == ("nk-mfo", "nk-bpo", "nk-cco", "lk-mfo")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cell_weights": {"pk": {"term_prior": 1.0}}}, "no cell pk"),
        ({"cell_weights": {"pk-bpo": {"colour": 1.0}}}, "no signal colour"),
        ({"cell_weights": {"pk-bpo": {"term_prior": 2.0}}}, "term_prior"),
        ({"cell_weights": {"pk-bpo": {}}}, "Every signal of pk-bpo weighs 0"),
        ({"missing": "mean"}, "'mean'.*skip, zero"),
    ],
)
def test_cells_that_mean_nothing_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidScoringError, match=named):
        ScoringRecipe.parse(formula="linear", weights={"embedding_similarity": 1.0}, **changes)


def test_the_composite_of_known_terms_weighs_each_cell() -> None:
    recipe = PRESETS["composite_by_knowledge"].recipe

    assert tuple(recipe.weighted_by_cell) == CELLS
    assert recipe.missing is Missing.ZERO
    assert recipe.weighted_by_cell["lk-cco"] == {
        "alignment_aspect_vote": 0.5,
        "alignment_aspect_vote_experimental": 0.5,
    }
    for cell, weights in recipe.weighted_by_cell.items():
        assert sum(weights.values()) == pytest.approx(1, abs=0.035), cell
    cells = recipe.weighted_by_cell.values()
    for signal, weight in recipe.weighted_signals.items():
        assert weight == pytest.approx(sum(weights.get(signal, 0) for weights in cells) / 9, abs=0.0051), signal


def test_the_composite_by_knowledge_does_not_change_under_its_name() -> None:
    """Homes keep the recipe that they were given first: another one needs another name."""
    recipe = PRESETS["composite_by_knowledge"].recipe
    written = json.dumps([recipe.weighted_signals, recipe.weighted_by_cell], sort_keys=True)
    assert sha256(written.encode()).hexdigest()[:16] == "b4e8553aee0b6257"


def test_there_is_no_other_preset_and_the_default_needs_no_alignment() -> None:
    assert len(PRESETS) == 15
    assert set(DEFAULT_PRESET.recipe.weighted_signals) <= {"embedding_similarity", "neighbor_vote_fraction"}
