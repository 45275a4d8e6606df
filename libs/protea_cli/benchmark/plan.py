"""What a benchmark file may say: data, windows with roles, methods, and how they are measured and compared."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from protea_common.domain.scoring import PRESETS

__all__ = [
    "ASPECTS",
    "CATEGORIES",
    "Annotations",
    "Comparison",
    "Encoder",
    "Method",
    "Ontology",
    "Plan",
    "Scoring",
    "Selection",
    "Window",
]

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=64)]
"""What a part of the file is called in the rest of it, and in the table."""

Category = Literal["NK", "LK", "PK"]
AspectName = Literal["MFO", "BPO", "CCO"]
Measure = Literal["fmax", "weighted_fmax"]

CATEGORIES: Final[tuple[Category, ...]] = ("NK", "LK", "PK")
ASPECTS: Final[tuple[AspectName, ...]] = ("MFO", "BPO", "CCO")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class _Given(_Part):
    """Something that is there already, by its id, or a file to load."""

    id: UUID | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.id is None) == (self.file is None):
            message = "give either id (of what is loaded already) or file (to be loaded)"
            raise ValueError(message)
        return self


class Ontology(_Given):
    """A release of GO."""


class Annotations(_Given):
    """An annotation set; the same file may be cut at several days."""

    before: date | None = Field(None, description="Keep only annotations dated strictly before this day.")
    version: str | None = Field(None, min_length=1, max_length=64, description="Name of the release.")

    @model_validator(mode="after")
    def _require_file_for_cut(self) -> Self:
        if self.id is not None and (self.before is not None or self.version is not None):
            message = "before and version are for a file; a loaded set has its own"
            raise ValueError(message)
        return self


class Encoder(_Part):
    """How sequences become vectors: a recipe that is there, or the k-mer encoder, fitted on the proteins."""

    id: UUID | None = None
    kind: Literal["kmer"] | None = None
    seed: int = Field(0, ge=0, description="Of the k-mer encoder.")

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.id is None) == (self.kind is None):
            message = "give either id (of a recipe) or kind: kmer"
            raise ValueError(message)
        return self


class Window(_Part):
    """What was learnt between two annotation sets, and what it may be used for."""

    old: Key = Field(alias="from", description="Annotation set of t0.")
    new: Key = Field(alias="to", description="Annotation set of t1.")
    role: Literal["valid", "test"] = Field(description="valid to choose on, test to report on.")
    waiver: str | None = Field(None, description="Why the role is right though the date of a release is unknown.")
    drop_binding_only: bool = Field(
        default=False,
        exclude_if=operator.not_,  # a benchmark that was kept before there was a choice stays the same
        description="Leave out what proteins gained in molecular function where it is protein binding alone.",
    )


class Scoring(_Part):
    """A recipe for scores, besides the presets."""

    formula: str = "linear"
    weights: dict[str, float]
    evidence_weights: dict[str, float] | None = None
    cell_weights: dict[str, dict[str, float]] | None = None
    missing: Literal["skip", "zero"] = "skip"


class Method(_Part):
    """A baseline, or predictions from neighbours under an encoder."""

    baseline: Literal["naive", "alignment", "interpro", "carry_over"] | None = None
    hits: Path | None = Field(None, description="For the baseline alignment: table of query, subject and bit score.")
    donors: Literal["experimental", "all"] = Field("experimental", description="For the baseline alignment.")
    source_version: str | None = Field(None, description="For the baseline interpro: release of the mapping.")
    encoder: Key | None = None
    scoring: str | None = Field(None, description="A preset, or one of this file.")
    rerankers: tuple[str, ...] = Field((), max_length=12, description="Names or ids of boosters.")
    calibration: UUID | None = None
    choices: dict[str, Any] = Field(default_factory=dict, description="Further parameters of predict_go_terms.")

    @model_validator(mode="after")
    def _require_one_kind(self) -> Self:
        if (self.baseline is None) == (self.encoder is None):
            message = "give either baseline or encoder"
            raise ValueError(message)
        of_neighbours = [name for name in ("scoring", "rerankers", "calibration", "choices") if getattr(self, name)]
        if self.baseline is not None and of_neighbours:
            message = f"{' and '.join(of_neighbours)} cannot be chosen for a baseline"
            raise ValueError(message)
        return self


class Comparison(_Part):
    """Which method the others are compared with, and how."""

    baseline: Key
    measure: Measure = "fmax"
    n_resamples: int = Field(2_000, ge=1_000, le=20_000)
    seed: int = Field(0, ge=0, lt=2**32)
    confidence: float = Field(0.95, gt=0.5, lt=1)
    effect_of_interest: float | None = Field(None, gt=0, le=1)


class Selection(_Part):
    """On which window the best method is chosen, and by what."""

    window: Key
    measure: Measure = "fmax"


class Plan(_Part):
    """A whole file."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=190)]
    description: str | None = Field(None, max_length=20_000)
    hypothesis: str | None = Field(None, max_length=20_000)
    tags: tuple[str, ...] = Field((), max_length=32)
    ontology: Ontology
    proteins: Path | None = Field(None, description="FASTA of the references; left out where they are loaded.")
    annotations: dict[Key, Annotations] = Field(min_length=2)
    encoders: dict[Key, Encoder] = Field(default_factory=dict)
    windows: dict[Key, Window] = Field(min_length=1)
    scoring: dict[Key, Scoring] = Field(default_factory=dict)
    methods: dict[Key, Method] = Field(min_length=1)
    compare: Comparison | None = None
    choose: Selection | None = None
    evaluation: dict[str, Any] = Field(default_factory=dict, description="Further parameters of run_cafa_evaluation.")
    ia_file: Path | None = Field(None, description="Weights of terms; otherwise they are of what was known at t0.")
    categories: tuple[Category, ...] = Field(CATEGORIES, min_length=1)
    aspects: tuple[AspectName, ...] = Field(ASPECTS, min_length=1)

    def purpose(self, window: str) -> str:
        """Say what figures on a window are for: to select by, to report, or neither."""
        if self.choose is not None and window == self.choose.window:
            return "select"
        return "report" if self.windows[window].role == "test" else "probe"

    def scoring_names(self) -> Mapping[str, str]:
        """Scoring recipe of each method that names one."""
        return {name: method.scoring for name, method in self.methods.items() if method.scoring is not None}

    def is_own_scoring(self, name: str) -> bool:
        """Whether a scoring recipe is of this file and not a preset."""
        return name in self.scoring and name not in PRESETS
