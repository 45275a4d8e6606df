"""Every table of PROTEA as a mapped class; importing this package makes ``Base.metadata`` complete."""

from __future__ import annotations

from protea_common.orm.access import ApiKey
from protea_common.orm.annotation import AnnotationSet, ProteinGOAnnotation
from protea_common.orm.base import Base
from protea_common.orm.calibration import CalibrationModel
from protea_common.orm.dataset import Dataset
from protea_common.orm.dead_letter import DeadLetter
from protea_common.orm.embedding import EmbeddingConfig, SequenceEmbedding
from protea_common.orm.evaluation import EvaluationResult, EvaluationSet, InformationAccretionSet
from protea_common.orm.experiment import ExperimentRun, ExperimentRunStatus
from protea_common.orm.inbox import InboxEvent
from protea_common.orm.interpro import InterProAnnotation, InterProGoMapping, InterProGoRelease
from protea_common.orm.job import (
    ACTIVE_STATUSES,
    LEASE_TOKEN_SEQUENCE,
    BatchStatus,
    Job,
    JobBatch,
    JobComment,
    JobEvent,
    JobStatus,
)
from protea_common.orm.ontology import GOTerm, GOTermRelationship, OntologySnapshot
from protea_common.orm.outbox import OutboxEvent
from protea_common.orm.prediction import (
    GOPrediction,
    GOPredictionFeatures,
    PredictedScores,
    PredictionSet,
    PredictionSetStatus,
)
from protea_common.orm.projection import EmbeddingProjection
from protea_common.orm.protein import Protein, ProteinUniProtMetadata
from protea_common.orm.query import QuerySet, QuerySetEntry
from protea_common.orm.reranker import RerankerModel
from protea_common.orm.scoring import ScoringConfig
from protea_common.orm.sequence import Sequence, SequenceAlignment
from protea_common.orm.support import SupportEntry
from protea_common.orm.traffic import VisitorEvent

__all__ = [
    "ACTIVE_STATUSES",
    "LEASE_TOKEN_SEQUENCE",
    "AnnotationSet",
    "ApiKey",
    "Base",
    "BatchStatus",
    "CalibrationModel",
    "Dataset",
    "DeadLetter",
    "EmbeddingConfig",
    "EmbeddingProjection",
    "EvaluationResult",
    "EvaluationSet",
    "ExperimentRun",
    "ExperimentRunStatus",
    "GOPrediction",
    "GOPredictionFeatures",
    "GOTerm",
    "GOTermRelationship",
    "InboxEvent",
    "InformationAccretionSet",
    "InterProAnnotation",
    "InterProGoMapping",
    "InterProGoRelease",
    "Job",
    "JobBatch",
    "JobComment",
    "JobEvent",
    "JobStatus",
    "OntologySnapshot",
    "OutboxEvent",
    "PredictedScores",
    "PredictionSet",
    "PredictionSetStatus",
    "Protein",
    "ProteinGOAnnotation",
    "ProteinUniProtMetadata",
    "QuerySet",
    "QuerySetEntry",
    "RerankerModel",
    "ScoringConfig",
    "Sequence",
    "SequenceAlignment",
    "SequenceEmbedding",
    "SupportEntry",
    "VisitorEvent",
]
