"""All SQL of the predictor, one module per group of tables."""

from protea_predictor.adapters.storage.alignments import AlignmentStore
from protea_predictor.adapters.storage.calibrations import (
    CalibrationStore,
    NewCalibration,
    StoredCalibration,
    TooManyPredictionsError,
)
from protea_predictor.adapters.storage.datasets import DatasetNameTakenError, DatasetStore, NewDataset, StoredDataset
from protea_predictor.adapters.storage.inputs import AnnotationSetStore, ConfigStore, NotFoundError, OntologyStore
from protea_predictor.adapters.storage.interpro import InterProStore
from protea_predictor.adapters.storage.knowledge import KnowledgeStore
from protea_predictor.adapters.storage.links import LinkStore
from protea_predictor.adapters.storage.predictions import (
    JobTotals,
    NewPredictionSet,
    PredictionStore,
    StoredPredictions,
)
from protea_predictor.adapters.storage.projections import ProjectionStore, StoredProjection
from protea_predictor.adapters.storage.queries import QueriesGoneError, QueryCoverage, QueryStore
from protea_predictor.adapters.storage.query_facts import QueryFactStore
from protea_predictor.adapters.storage.references import ReferenceStore, freeze_snapshot
from protea_predictor.adapters.storage.rerankers import (
    NewReranker,
    RerankerNameTakenError,
    RerankerStore,
    StoredReranker,
)
from protea_predictor.adapters.storage.residues import ResidueStore
from protea_predictor.adapters.storage.scoring import ScoringStore, StoredScoring
from protea_predictor.adapters.storage.stored_terms import StoredTermStore
from protea_predictor.adapters.storage.vector_index import NotIndexableError, VectorIndexStore
from protea_predictor.adapters.storage.windows import StoredWindow, WindowStore

__all__ = [
    "AlignmentStore",
    "AnnotationSetStore",
    "CalibrationStore",
    "ConfigStore",
    "DatasetNameTakenError",
    "DatasetStore",
    "InterProStore",
    "JobTotals",
    "KnowledgeStore",
    "LinkStore",
    "NewCalibration",
    "NewDataset",
    "NewPredictionSet",
    "NewReranker",
    "NotFoundError",
    "NotIndexableError",
    "OntologyStore",
    "PredictionStore",
    "ProjectionStore",
    "QueriesGoneError",
    "QueryCoverage",
    "QueryFactStore",
    "QueryStore",
    "ReferenceStore",
    "RerankerNameTakenError",
    "RerankerStore",
    "ResidueStore",
    "ScoringStore",
    "StoredCalibration",
    "StoredDataset",
    "StoredPredictions",
    "StoredProjection",
    "StoredReranker",
    "StoredScoring",
    "StoredTermStore",
    "StoredWindow",
    "TooManyPredictionsError",
    "VectorIndexStore",
    "WindowStore",
    "freeze_snapshot",
]
