"""What predictions are measured against, and how they did."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.annotation import AnnotationSet
from protea_common.orm.base import Base, CreatedAt, Digest, JsonObject, TextList, UuidKey
from protea_common.orm.job import Job
from protea_common.orm.ontology import OntologySnapshot
from protea_common.orm.prediction import PredictionSet
from protea_common.orm.reranker import RerankerModel
from protea_common.orm.scoring import ScoringConfig

__all__ = ["EvaluationResult", "EvaluationSet", "InformationAccretionSet"]


class EvaluationSet(Base):
    """What was learnt between two annotation sets, t0 and t1.

    Written by the evaluator.

    Attributes
    ----------
    old_annotation_set_id, new_annotation_set_id
        Annotations at t0 and at t1.
    stats
        Proteins and annotations per category of knowledge.
    window_role
        What may be done on the window: ``valid`` for choosing, ``test`` for reporting once; null where nobody said.
    holdout_waiver
        Why the window has its role though the date of a release is unknown; null where all are known.
    pivot_snapshot_id
        The ontology in which the two sets are compared; terms are closed where one of them was read with another.
    drops_binding_only
        Whether protein binding is no truth where a protein gained nothing else in molecular function.
    groundtruth_uri
        The ground truth in the artifact store.
    """

    __tablename__ = "evaluation_set"
    __table_args__ = (
        UniqueConstraint(
            "old_annotation_set_id",
            "new_annotation_set_id",
            "pivot_snapshot_id",
            "drops_binding_only",
            name="uq_evaluation_set_old_new_pivot_binding",
        ),
        CheckConstraint("window_role IN ('valid', 'test')", name="window_role"),
    )

    id: Mapped[UuidKey]
    old_annotation_set_id: Mapped[UUID] = mapped_column(ForeignKey("annotation_set.id", ondelete="RESTRICT"))
    new_annotation_set_id: Mapped[UUID] = mapped_column(ForeignKey("annotation_set.id", ondelete="RESTRICT"))
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    stats: Mapped[JsonObject]
    window_role: Mapped[str | None] = mapped_column(String(8))
    holdout_waiver: Mapped[str | None]
    pivot_snapshot_id: Mapped[UUID] = mapped_column(ForeignKey("ontology_snapshot.id", ondelete="RESTRICT"))
    drops_binding_only: Mapped[bool] = mapped_column(server_default=text("false"))
    groundtruth_uri: Mapped[str | None] = mapped_column(String(512))
    created_at: Mapped[CreatedAt] = mapped_column(index=True)

    old_annotation_set: Mapped[AnnotationSet] = relationship(foreign_keys=[old_annotation_set_id], lazy="raise")
    new_annotation_set: Mapped[AnnotationSet] = relationship(foreign_keys=[new_annotation_set_id], lazy="raise")
    pivot_snapshot: Mapped[OntologySnapshot] = relationship(lazy="raise")
    job: Mapped[Job | None] = relationship(lazy="raise")


class EvaluationResult(Base):
    """How one prediction set did on one evaluation set.

    Written by the evaluator.

    Attributes
    ----------
    reranker_config
        Re-ranker per category and aspect, when there is more than the one of ``reranker_model_id``.
    results
        Category (NK, LK, PK), then aspect (BPO, MFO, CCO), then measure. What was not measured is absent, never zero.
    evaluator
        Engine, its version, the recipe and the digest of the ontology file: figures that differ in one of them are
        not comparable.
    """

    __tablename__ = "evaluation_result"
    __table_args__ = (Index(None, "evaluation_set_id", "created_at"),)

    id: Mapped[UuidKey]
    evaluation_set_id: Mapped[UUID] = mapped_column(ForeignKey("evaluation_set.id", ondelete="CASCADE"))
    prediction_set_id: Mapped[UUID] = mapped_column(ForeignKey("prediction_set.id", ondelete="CASCADE"))
    scoring_config_id: Mapped[UUID | None] = mapped_column(ForeignKey("scoring_config.id", ondelete="SET NULL"))
    reranker_model_id: Mapped[UUID | None] = mapped_column(ForeignKey("reranker_model.id", ondelete="SET NULL"))
    reranker_config: Mapped[dict[str, Any] | None]
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    results: Mapped[JsonObject]
    evaluator: Mapped[JsonObject]
    created_at: Mapped[CreatedAt]

    evaluation_set: Mapped[EvaluationSet] = relationship(lazy="raise")
    prediction_set: Mapped[PredictionSet] = relationship(lazy="raise")
    scoring_config: Mapped[ScoringConfig | None] = relationship(lazy="raise")
    reranker_model: Mapped[RerankerModel | None] = relationship(lazy="raise")
    job: Mapped[Job | None] = relationship(lazy="raise")


class InformationAccretionSet(Base):
    """How much each term of an ontology says, computed from one annotation set.

    Written by the evaluator.

    Attributes
    ----------
    evidence_regime, evidence_codes
        Name of the choice of evidence, and the codes that it stands for.
    artifact_uri, content_sha256
        The table, and its digest.
    term_count, nonzero_count
        Live terms of the ontology, and those with information.
    annotation_count, protein_count, propagated_pairs
        Pairs as annotated, the proteins that they are of, and pairs with all terms above.
    """

    __tablename__ = "information_accretion_set"
    __table_args__ = (
        UniqueConstraint(
            "ontology_snapshot_id",
            "annotation_set_id",
            "evidence_regime",
            name="uq_information_accretion_set_snapshot_annotations_regime",
        ),
    )

    id: Mapped[UuidKey]
    ontology_snapshot_id: Mapped[UUID] = mapped_column(
        # Named here: the name by convention is longer than PostgreSQL keeps.
        ForeignKey("ontology_snapshot.id", ondelete="RESTRICT", name="fk_information_accretion_set_ontology_snapshot")
    )
    annotation_set_id: Mapped[UUID] = mapped_column(ForeignKey("annotation_set.id", ondelete="RESTRICT"))
    evidence_regime: Mapped[str] = mapped_column(String(32))
    evidence_codes: Mapped[TextList]
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    artifact_uri: Mapped[str] = mapped_column(String(512))
    content_sha256: Mapped[Digest]
    term_count: Mapped[int]
    nonzero_count: Mapped[int]
    annotation_count: Mapped[int]
    protein_count: Mapped[int]
    propagated_pairs: Mapped[int] = mapped_column(BigInteger)
    ia_max: Mapped[float]
    ia_mean: Mapped[float]
    created_at: Mapped[CreatedAt]

    ontology_snapshot: Mapped[OntologySnapshot] = relationship(lazy="raise")
    annotation_set: Mapped[AnnotationSet] = relationship(lazy="raise")
    job: Mapped[Job | None] = relationship(lazy="raise")
