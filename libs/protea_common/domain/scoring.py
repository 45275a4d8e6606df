"""The vocabulary of scoring: signals, formulas, recipes and the presets that ship with PROTEA.

The arithmetic over arrays of candidates lives with the predictor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from uuid import NAMESPACE_URL, UUID, uuid5

from protea_common.domain.cell_weights import KNOWN_TERMS, KNOWN_TERMS_MEAN
from protea_common.domain.evidence import (
    DEFAULT_EVIDENCE_WEIGHT_FALLBACK,
    DEFAULT_EVIDENCE_WEIGHTS,
    normalise_evidence_code,
)
from protea_common.domain.ontology import ASPECTS
from protea_common.errors import PermanentError

__all__ = [
    "CELLS",
    "DEFAULT_PRESET",
    "DEFAULT_WEIGHTS",
    "PRESETS",
    "Formula",
    "InvalidScoringError",
    "Missing",
    "Preset",
    "ScoringRecipe",
    "Signal",
    "parse_formula",
]


class InvalidScoringError(PermanentError):
    """A scoring recipe names an unknown formula, signal or cell, or a weight outside [0, 1]."""

    slug = "invalid-scoring"


class Signal(StrEnum):
    """What can speak for a candidate term; each lies in [0, 1] and may be missing.

    All but similarity, evidence weight and taxonomic proximity are the features of the same name.
    """

    EMBEDDING_SIMILARITY = "embedding_similarity"
    IDENTITY_NW = "identity_nw"
    IDENTITY_SW = "identity_sw"
    EVIDENCE_WEIGHT = "evidence_weight"
    TAXONOMIC_PROXIMITY = "taxonomic_proximity"
    NEIGHBOR_VOTE_FRACTION = "neighbor_vote_fraction"
    KNN_WEIGHTED_VOTE = "knn_weighted_vote"
    KNN_RANK_VOTE = "knn_rank_vote"
    KNN_VOTE_EXPERIMENTAL = "knn_vote_experimental"
    KNN_ASPECT_VOTE = "knn_aspect_vote"
    KNN_ASPECT_VOTE_EXPERIMENTAL = "knn_aspect_vote_experimental"
    ALIGNMENT_WEIGHTED_VOTE = "alignment_weighted_vote"
    ALIGNMENT_VOTE_EXPERIMENTAL = "alignment_vote_experimental"
    ALIGNMENT_ASPECT_VOTE = "alignment_aspect_vote"
    ALIGNMENT_ASPECT_VOTE_EXPERIMENTAL = "alignment_aspect_vote_experimental"
    ALIGNMENT_SELF_BITSCORE_FRACTION = "alignment_self_bitscore_fraction"
    ALIGNMENT_MAX_IDENTITY = "alignment_max_identity"
    ALIGNMENT_BEST_BITSCORE_FRACTION = "alignment_best_bitscore_fraction"
    PROFILE_VOTE = "profile_vote"
    PROFILE_VOTE_EXPERIMENTAL = "profile_vote_experimental"
    ASSOCIATION_MAX = "association_max"
    ASSOCIATION_MEAN = "association_mean"
    SELF_PRIOR_SCORE = "self_prior_score"
    SELF_PRIOR_CURATED = "self_prior_curated"
    SELF_PRIOR_ELECTRONIC = "self_prior_electronic"
    INTERPRO_SCORE = "interpro_score"
    TERM_PRIOR = "term_prior"
    TERM_PRIOR_SPECIES = "term_prior_species"
    TERM_GAINS_SPECIES = "term_gains_species"
    INTERACTION_VOTE = "interaction_vote"
    PUBLICATION_VOTE = "publication_vote"


class Formula(StrEnum):
    """How signals become one score."""

    LINEAR = "linear"
    EVIDENCE_WEIGHTED = "evidence_weighted"


class Missing(StrEnum):
    """What becomes of a signal that a candidate lacks: it is left out of the mean, or counts as 0."""

    SKIP = "skip"
    ZERO = "zero"


CELLS: tuple[str, ...] = tuple(
    f"{category}-{aspect.cafa.lower()}" for category in ("nk", "lk", "pk") for aspect in ASPECTS
)
"""How much is known of a protein (nothing, something in other aspects, something in this one), in each aspect."""

DEFAULT_WEIGHTS: Mapping[str, float] = MappingProxyType({Signal.EMBEDDING_SIMILARITY.value: 1.0})
"""Weights of a recipe that names none: the nearest donor's similarity alone."""


def parse_formula(text: str) -> Formula:
    """Read the name of a formula.

    Raises
    ------
    InvalidScoringError
        If there is no such formula.
    """
    if text not in set(Formula):
        raise InvalidScoringError(f"There is no formula {text!r}; use one of {', '.join(Formula)}.")
    return Formula(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRecipe:
    """How a candidate's signals become its score.

    Attributes
    ----------
    formula
        ``linear``: the weighted mean of the signals that are there. ``evidence_weighted``: the same, times the weight
        of the donor's evidence code.
    weights
        Weight in [0, 1] by signal; a signal left out weighs 0. At least one is above 0.
    cell_weights
        Instead of ``weights``, by a name in `CELLS`, for the candidates of that cell; those of other cells have
        ``weights``.
    missing
        What becomes of a signal that a candidate lacks.
    evidence_weights
        Weight in [0, 1] by evidence code; codes left out keep their default. ``None`` for the defaults alone.

    Raises
    ------
    InvalidScoringError
        If a signal or a cell is unknown, a weight is outside [0, 1] or all weights, of a cell or without one, are 0.
    """

    formula: Formula = Formula.LINEAR
    weights: Mapping[str, float] = field(default_factory=lambda: DEFAULT_WEIGHTS)
    evidence_weights: Mapping[str, float] | None = None
    cell_weights: Mapping[str, Mapping[str, float]] | None = None
    missing: Missing = Missing.SKIP

    @classmethod
    def parse(
        cls,
        *,
        formula: str,
        weights: Mapping[str, float],
        evidence_weights: Mapping[str, float] | None = None,
        cell_weights: Mapping[str, Mapping[str, float]] | None = None,
        missing: str = Missing.SKIP,
    ) -> ScoringRecipe:
        """Read a recipe as it is sent and stored."""
        if missing not in set(Missing):
            raise InvalidScoringError(f"A missing signal cannot be {missing!r}; use one of {', '.join(Missing)}.")
        return cls(
            formula=parse_formula(formula),
            weights=weights,
            evidence_weights=evidence_weights,
            cell_weights=cell_weights,
            missing=Missing(missing),
        )

    def __post_init__(self) -> None:
        unknown = sorted(set(self.cell_weights or {}) - set(CELLS))
        if unknown:
            raise InvalidScoringError(f"There is no cell {', '.join(unknown)}; use some of {', '.join(CELLS)}.")
        _require_weights(self.weights, of="")
        for cell, weights in (self.cell_weights or {}).items():
            _require_weights(weights, of=f" of {cell}")
        _require_unit_interval(self.evidence_weights or {})

    @property
    def weighted_signals(self) -> dict[str, float]:
        """Signals that weigh more than 0 where no cell says otherwise, in the order of `Signal`."""
        return _above_zero(self.weights)

    @property
    def weighted_by_cell(self) -> dict[str, dict[str, float]]:
        """Signals that weigh more than 0 in each cell that has weights of its own, in the order of `CELLS`."""
        given = self.cell_weights or {}
        return {cell: _above_zero(given[cell]) for cell in CELLS if cell in given}

    @property
    def signals_read(self) -> tuple[str, ...]:
        """Signals that weigh more than 0 anywhere, in the order of `Signal`."""
        read = {name for weights in (self.weighted_signals, *self.weighted_by_cell.values()) for name in weights}
        return tuple(signal.value for signal in Signal if signal.value in read)

    def evidence_weight(self, code: str) -> float:
        """Weight of an evidence code, in [0, 1]: this recipe's own, else the default table's, else the fallback."""
        own = self.evidence_weights or {}
        if code in own:
            return own[code]
        name = normalise_evidence_code(code)
        return own.get(name, DEFAULT_EVIDENCE_WEIGHTS.get(name, DEFAULT_EVIDENCE_WEIGHT_FALLBACK))


def _above_zero(weights: Mapping[str, float]) -> dict[str, float]:
    return {signal.value: weights[signal] for signal in Signal if weights.get(signal, 0.0) > 0}


def _require_weights(weights: Mapping[str, float], *, of: str) -> None:
    unknown = sorted(set(weights) - set(Signal))
    if unknown:
        raise InvalidScoringError(f"There is no signal {', '.join(unknown)}; use some of {', '.join(Signal)}.")
    _require_unit_interval(weights)
    if not _above_zero(weights):
        raise InvalidScoringError(f"Every signal{of} weighs 0, so every score would be 0; give one a weight above 0.")


def _require_unit_interval(weights: Mapping[str, float]) -> None:
    for name, weight in weights.items():
        if not 0 <= weight <= 1:
            raise InvalidScoringError(f"The weight of {name!r} is {weight}; weights lie in [0, 1].")


@dataclass(frozen=True, slots=True)
class Preset:
    """A recipe under a name, as it is offered to users."""

    name: str
    description: str
    recipe: ScoringRecipe

    @property
    def id(self) -> UUID:
        """Id of its scoring config, the same on every machine."""
        return uuid5(NAMESPACE_URL, f"urn:protea:scoring-preset:{self.name}")


def _composite_by_knowledge() -> Preset:
    return Preset(
        "composite_by_knowledge",
        "Votes by aspect of neighbours, of aligned references and of those annotated alike, interacting or in the same "
        "papers, pairs of terms, own curated terms, frequent terms and those gained lately, weighted by what is known; "
        "needs alignment: required and compute_self_prior, compute_profile, compute_association, "
        "compute_species_prior, compute_term_gains and compute_links.",
        ScoringRecipe(weights=KNOWN_TERMS_MEAN, cell_weights=KNOWN_TERMS, missing=Missing.ZERO),
    )


def _preset(name: str, description: str, weights: Mapping[str, float], formula: Formula = Formula.LINEAR) -> Preset:
    return Preset(name, description, ScoringRecipe(formula=formula, weights=MappingProxyType(dict(weights))))


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            _preset("embedding_only", "Similarity of the nearest donor.", {"embedding_similarity": 1.0}),
            _preset("vote_fraction", "Share of the neighbours that carry the term.", {"neighbor_vote_fraction": 1.0}),
            _preset(
                "embedding_plus_vote",
                "Similarity and votes in equal parts.",
                {"embedding_similarity": 0.5, "neighbor_vote_fraction": 0.5},
            ),
            _preset(
                "alignment_vote",
                "Share of the bit scores of aligned references that carry the term; needs the alignment channel.",
                {"alignment_weighted_vote": 1.0},
            ),
            _preset(
                "alignment_only",
                "Sequence identity to the nearest donor; needs alignments.",
                {"identity_nw": 0.6, "identity_sw": 0.4},
            ),
            _preset(
                "embedding_plus_alignment",
                "Similarity and sequence identity in equal parts; needs alignments.",
                {"embedding_similarity": 0.5, "identity_nw": 0.3, "identity_sw": 0.2},
            ),
            _preset(
                "alignment_weighted",
                "Earlier name of embedding_plus_alignment, kept so that published figures can be repeated.",
                {"embedding_similarity": 0.5, "identity_nw": 0.3, "identity_sw": 0.2},
            ),
            _preset(
                "evidence_primary",
                "Mostly the donor's evidence code, a little similarity.",
                {"embedding_similarity": 0.2, "evidence_weight": 0.8},
            ),
            _preset(
                "embedding_plus_evidence",
                "Similarity and evidence in equal parts, times the evidence weight.",
                {"embedding_similarity": 1.0, "evidence_weight": 1.0},
                Formula.EVIDENCE_WEIGHTED,
            ),
            _preset(
                "evidence_veto",
                "Similarity times the evidence weight.",
                {"embedding_similarity": 1.0},
                Formula.EVIDENCE_WEIGHTED,
            ),
            _preset(
                "composite",
                "Similarity, identity, taxonomy and votes; needs alignments and taxonomy.",
                {
                    "embedding_similarity": 0.4,
                    "identity_nw": 0.2,
                    "identity_sw": 0.1,
                    "taxonomic_proximity": 0.1,
                    "neighbor_vote_fraction": 0.2,
                },
            ),
            _preset(
                "composite_no_embedding",
                "The composite without similarity; needs alignments and taxonomy.",
                {
                    "identity_nw": 0.2,
                    "identity_sw": 0.1,
                    "taxonomic_proximity": 0.1,
                    "neighbor_vote_fraction": 0.2,
                },
            ),
            _preset(
                "composite_with_evidence",
                "The composite of the first releases, times the evidence weight; needs alignments and taxonomy.",
                {
                    "embedding_similarity": 0.4,
                    "identity_nw": 0.2,
                    "identity_sw": 0.1,
                    "evidence_weight": 0.2,
                    "taxonomic_proximity": 0.1,
                },
                Formula.EVIDENCE_WEIGHTED,
            ),
            _preset(
                "votes_of_both_channels",
                "Votes of neighbours and aligned donors, own curated terms, frequent terms; needs alignments.",
                {
                    "knn_weighted_vote": 0.5,
                    "knn_vote_experimental": 0.5,
                    "alignment_weighted_vote": 0.5,
                    "alignment_vote_experimental": 0.5,
                    "self_prior_curated": 0.2,
                    "term_prior": 0.3,
                },
            ),
            _composite_by_knowledge(),
        )
    }
)
"""Recipes by name. Two recipes were published as ``composite``: the earlier is ``composite_with_evidence`` here."""

DEFAULT_PRESET = PRESETS["embedding_plus_vote"]
"""Used where no recipe is chosen: of those that need no alignment it ranks best.

It must stay within the signals that every prediction has; one that needs alignments would score 0 without them.
"""
