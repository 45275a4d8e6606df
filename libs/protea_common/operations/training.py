"""Payloads of the operations that learn from windows: datasets, re-rankers, calibrations."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from protea_common.operations.payload import OperationPayload
from protea_common.operations.prediction import CandidateChoices

__all__ = ["ArtifactName", "ExportResearchDataset", "FitCalibration", "ImportReranker", "TrainReranker"]

ArtifactName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", min_length=1, max_length=190)]
"""Name that can stand in the key of an artifact."""

Category = Literal["nk", "lk", "pk"]
CafaAspect = Literal["bpo", "mfo", "cco"]

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=1000)]
"""Why an exception is right; kept with what comes of it."""


class ExportResearchDataset(CandidateChoices):
    """Parameters of ``export_research_dataset``: candidates come about as ``predict_go_terms`` makes them."""

    output_name: ArtifactName = Field(description="Name of the dataset; one that is taken is refused.")
    train_evaluation_set_ids: tuple[UUID, ...] = Field(
        min_length=1, max_length=64, description="Windows to learn from, earliest first."
    )
    selection_evaluation_set_id: UUID | None = Field(
        default=None, description="Window to stop training by; its role must be valid. Null for a dataset without one."
    )
    proteins_per_block: int = Field(default=256, ge=1, le=4096, description="Proteins whose rows are held at a time.")
    scoring_config_id: UUID | None = Field(
        default=None, description="Recipe that says which candidates of a protein are best; null for the default."
    )
    best_per_aspect: int = Field(
        default=200, ge=1, le=10_000, description="Candidates of a protein and aspect, best first, that are all kept."
    )
    share_of_others: float = Field(
        default=0.1,
        ge=0.001,
        le=1.0,
        description=(
            "False candidates behind the best are drawn by chance, this share of them, and each then counts as "
            "1 / share rows; true ones are all kept. 1 keeps every candidate."
        ),
    )
    thinning_seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of that draw.")
    suspicious_auc: float = Field(
        default=0.98, gt=0.5, le=1.0, description="A single feature that tells true rows from false so well is a leak."
    )
    alarm_waivers: dict[str, Reason] = Field(
        default_factory=dict, max_length=64, description="Columns whose alarms are no matter, with the reason."
    )
    temporal_waiver: Reason | None = Field(
        default=None, description="Why roles and dates that are not known are no matter; known ones are not waived."
    )


class TrainReranker(OperationPayload):
    """Parameters of ``train_reranker``."""

    name: ArtifactName = Field(description="Name of the re-ranker; one that is taken is refused.")
    dataset_id: UUID = Field(description="What to learn from, and the window to stop by.")
    category: Category = Field(description="Proteins to learn from, by what was known of them at t0.")
    aspect: CafaAspect | None = Field(default=None, description="Aspect to learn; null for all three.")
    objective: Literal["binary", "lambdarank"] = Field(
        "binary", description="Probability of each candidate, or the order of a protein's candidates."
    )
    max_rounds: int = Field(default=1000, ge=1, le=10_000)
    early_stopping_rounds: int = Field(default=50, ge=1, le=1000)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=63, ge=2, le=1024)
    min_data_in_leaf: int = Field(default=50, ge=1, le=100_000)
    feature_fraction: float = Field(default=0.8, gt=0, le=1)
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    lambda_l2: float = Field(default=1.0, ge=0, le=1e6)
    lambdarank_truncation_level: int = Field(default=100, ge=1, le=10_000)
    seed: int = Field(default=42, ge=0, lt=2**31)
    threads: int = Field(default=1, ge=1, le=2)
    weighting: Literal["information_accretion", "none"] = Field(
        "information_accretion", description="What the rows of a term weigh."
    )
    negatives_per_positive: float | None = Field(
        default=None, gt=0, le=10_000, description="Keep so many false rows for each true one; null for all."
    )
    dropped_columns: tuple[str, ...] = Field(default=(), max_length=256, description="Features not to learn from.")
    max_rows: int = Field(default=5_000_000, ge=1_000, le=50_000_000, description="More rows are refused.")
    temporal_waiver: Reason | None = Field(
        default=None, description="Why roles and dates that are not known are no matter; known ones are not waived."
    )


class FitCalibration(OperationPayload):
    """Parameters of ``fit_calibration``."""

    evaluation_set_id: UUID = Field(description="Window to learn from; its role must be valid.")
    prediction_set_id: UUID = Field(
        description="Predictions made from the window's older annotation set, neither calibrated nor cut off."
    )
    max_rows: int = Field(default=5_000_000, ge=1_000, le=50_000_000, description="More predictions are refused.")
    temporal_waiver: Reason | None = Field(
        default=None, description="Why a role that is not known is no matter; a known one is not waived."
    )


class ImportReranker(OperationPayload):
    """Parameters of ``import_reranker``: a booster that was trained elsewhere."""

    name: ArtifactName = Field(description="Name of the re-ranker.")
    source_uri: str = Field(
        pattern=r"^artifact:", max_length=1024, description="Uploaded file in LightGBM's text format."
    )
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="Digest that the file must have.")
    category: Category = Field(default="pk", description="Proteins it is for.")
    aspect: CafaAspect | None = Field(default=None, description="Aspect it is for; null for all three.")
    dataset_id: UUID | None = Field(default=None, description="What it was trained on.")
    evaluation_set_id: UUID | None = Field(
        default=None, description="Window that it was selected on; its role must be valid."
    )
    temporal_waiver: Reason | None = Field(
        default=None, description="Why a role that is not known is no matter; a known one is not waived."
    )
    external_source: str | None = Field(default=None, max_length=2000, description="Where it comes from.")
    spec_yaml: str | None = Field(default=None, max_length=100_000, description="How it was trained, as YAML.")
    run_json: str | None = Field(default=None, max_length=1_000_000, description="What came of it, as JSON.")
    force: bool = Field(default=False, description="Replace a re-ranker of this name.")
