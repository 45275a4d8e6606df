"""Payloads of the evaluator's operations."""

from __future__ import annotations

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from protea_common.operations.payload import OperationPayload

__all__ = [
    "AnalyzeAnnotationEvolution",
    "CompareEvaluations",
    "ComputeInformationAccretion",
    "ExportRunCrate",
    "GenerateEvaluationSet",
    "PredictBaseline",
    "RunCafaEvaluation",
    "StratifyEvaluation",
    "WriteEvaluationReport",
]

_UPLOAD_PATTERN = r"^artifact:"

_INSTEAD = {
    "alignment": "; without a table, predict_go_terms with the preset alignment_vote and alignment: required is this "
    "baseline by the platform's own search"
}
"""What does the same where what a baseline reads is not at hand."""


class AnalyzeAnnotationEvolution(OperationPayload):
    """Parameters of ``analyze_annotation_evolution``."""

    old_annotation_set_id: UUID = Field(description="The earlier annotations.")
    new_annotation_set_id: UUID = Field(description="The later ones.")


class GenerateEvaluationSet(OperationPayload):
    """Parameters of ``generate_evaluation_set``."""

    old_annotation_set_id: UUID = Field(description="What was known at t0.")
    new_annotation_set_id: UUID = Field(description="What was known at t1.")
    window_role: Literal["valid", "test"] | None = Field(
        None,
        description=(
            "What the window between them is for: valid to stop training and to choose, test to report on; nothing is "
            "ever selected on a test window."
        ),
    )
    holdout_waiver: str | None = Field(
        None,
        min_length=10,
        max_length=1_000,
        description="Why the window has this role though the date of a release is unknown; kept with the set.",
    )
    pivot_ontology_snapshot_id: UUID | None = Field(
        None,
        description=(
            "Ontology that both sets are mapped onto, through merged and replaced terms; needed where they were read "
            "with different releases. Terms are then compared with all terms above them."
        ),
    )
    drop_binding_only: bool = Field(
        default=False,
        description=(
            "Leave out what a protein gained in molecular function where that is protein binding (GO:0005515) and at "
            "most terms above it, as CAFA does; a protein that gained nothing else is no target. What was known at t0 "
            "stays as it is."
        ),
    )


class RunCafaEvaluation(OperationPayload):
    """Parameters of ``run_cafa_evaluation``."""

    evaluation_set_id: UUID = Field(description="Ground truth.")
    prediction_set_id: UUID = Field(description="Predictions to measure.")
    engine: Literal["protea", "cafaeval"] = Field(
        "protea", description="Our own measures, or the public evaluator as a program of its own, slower by far."
    )
    propagation: Literal["fill", "fill-closure", "max"] = Field(
        "fill",
        description=(
            "How scores reach terms above: fill gives them to terms without a score of their own, max to all; "
            "fill-closure is what cafaeval-protea calls fill."
        ),
    )
    normalisation: Literal["cafa", "pred", "gt"] = Field(
        "cafa",
        description=(
            "What averages are divided by: cafa takes precision over proteins with a prediction and the rest over all, "
            "pred and gt take all over the former or the latter."
        ),
    )
    thresholds: Literal["grid", "exact"] = Field(
        "grid", description="Measure at multiples of 0.01, or at every distinct score."
    )
    cohort: Literal["measurable", "annotated", "mixed"] = Field(
        "measurable",
        description=(
            "Which proteins without a novel term count: none; all; or, as cafaeval-protea does, only their predictions."
        ),
    )
    purpose: Literal["select", "report", "probe"] = Field(
        "probe",
        description="What the figures are for. Selecting is refused on a test window.",
    )
    information_accretion_set_id: UUID | None = Field(
        None, description="Weights of terms, from compute_information_accretion; null for what was known at t0."
    )
    ia_uri: str | None = Field(
        None,
        pattern=_UPLOAD_PATTERN,
        max_length=1024,
        description="Weights of terms: `artifact:<key>` of an upload with lines of a term, a tab and its bits.",
    )
    terms_of_interest_uri: str | None = Field(
        None,
        pattern=_UPLOAD_PATTERN,
        max_length=1024,
        description="Only these terms count: `artifact:<key>` of an upload with a term on each line.",
    )
    n_resamples: int = Field(
        1_000, ge=0, le=10_000, description="Samples of the proteins for the interval of Fmax; 0 for no interval."
    )

    @model_validator(mode="after")
    def _require_one_accretion(self) -> Self:
        if self.information_accretion_set_id is not None and self.ia_uri is not None:
            message = "information_accretion_set_id and ia_uri are two answers to one question; give one of them"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _require_of_cafaeval_what_it_can(self) -> Self:
        asked = {"thresholds": self.thresholds, "cohort": self.cohort, "propagation": self.propagation}
        only_ours = [name for name, value in asked.items() if value in {"exact", "annotated", "mixed", "fill-closure"}]
        if self.terms_of_interest_uri is not None:
            only_ours.append("terms_of_interest_uri")
        if self.engine == "cafaeval" and only_ours:
            message = f"cafaeval cannot measure with this {' and '.join(only_ours)}; take engine=protea"
            raise ValueError(message)
        return self


class ComputeInformationAccretion(OperationPayload):
    """Parameters of ``compute_information_accretion``."""

    annotation_set_id: UUID = Field(description="What is counted.")
    ontology_snapshot_id: UUID | None = Field(None, description="Terms to weigh; null for the annotation set's own.")
    regime: Literal["experimental", "lafa", "cafa", "direct", "curated"] = Field(
        "experimental",
        description=(
            "Which evidence counts: experimental is PROTEA's 13 codes, lafa what LAFA counts (the same), cafa the 8 of "
            "the challenge, direct the six of single experiments, curated the 13 and all that a curator inferred."
        ),
    )


class CompareEvaluations(OperationPayload):
    """Parameters of ``compare_evaluations``."""

    evaluation_result_id: UUID = Field(description="The one that is hoped to be better.")
    baseline_evaluation_result_id: UUID = Field(description="The one that it is compared with.")
    weighting: Literal["unweighted", "weighted"] = Field(
        "unweighted", description="Terms count alike, or by their information accretion."
    )
    n_resamples: int = Field(2_000, ge=1_000, le=20_000, description="Samples of the proteins.")
    seed: int = Field(0, ge=0, lt=2**32)
    confidence: float = Field(0.95, gt=0.5, lt=1)
    power: float = Field(0.80, gt=0.5, lt=1, description="Of the minimum detectable effect.")
    effect_of_interest: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Least difference that would matter; without it an interval around 0 is not read as 'the same'.",
    )


class StratifyEvaluation(OperationPayload):
    """Parameters of ``stratify_evaluation``."""

    evaluation_result_id: UUID = Field(description="What is split.")
    axes: tuple[Literal["category", "aspect", "length", "homology"], ...] = Field(
        ("category", "aspect", "length", "homology"), min_length=1, max_length=4
    )
    min_population: int = Field(30, ge=2, le=10_000, description="Cells of fewer proteins are marked, not dropped.")

    @model_validator(mode="after")
    def _require_distinct_axes(self) -> Self:
        if len(set(self.axes)) < len(self.axes):
            message = "an axis is named twice"
            raise ValueError(message)
        return self


class PredictBaseline(OperationPayload):
    """Parameters of ``predict_baseline``."""

    evaluation_set_id: UUID = Field(description="Whose proteins are predicted, from what was known at its t0.")
    method: Literal["naive", "alignment", "interpro", "carry_over"] = Field(
        description=(
            "naive: how common each term is; alignment: votes of the 50 best hits, by bit score; interpro: what the "
            "stored signatures imply; carry_over: what was annotated electronically at t0."
        )
    )
    hits_uri: str | None = Field(
        None,
        pattern=_UPLOAD_PATTERN,
        max_length=1024,
        description=(
            "For alignment: `artifact:<key>` of a table of query, subject and bit score, without a header. By the "
            "platform's own search, predict_go_terms with the preset alignment_vote and alignment: required is this "
            "baseline."
        ),
    )
    donors: Literal["experimental", "all"] = Field(
        "experimental", description="For alignment: whose annotations are transferred."
    )
    source_version: str | None = Field(
        None, min_length=1, max_length=64, description="For interpro: release of the mapping of signatures to terms."
    )

    @model_validator(mode="after")
    def _require_what_the_method_reads(self) -> Self:
        needed = {"alignment": ("hits_uri", self.hits_uri), "interpro": ("source_version", self.source_version)}
        for method, (name, value) in needed.items():
            if (self.method == method) != (value is not None):
                message = f"{name} is for the method {method}, which needs it{_INSTEAD.get(method, '')}"
                raise ValueError(message)
        return self


class WriteEvaluationReport(OperationPayload):
    """Parameters of ``write_evaluation_report``."""

    evaluation_result_id: UUID = Field(description="What is told of.")
    title: str = Field("Evaluation report", min_length=1, max_length=200, description="Heading of the report.")


class ExportRunCrate(OperationPayload):
    """Parameters of ``export_run_crate``."""

    evaluation_result_id: UUID = Field(description="What is packed, with all that is needed to measure it again.")
