"""All SQL of the predictor, one module per group of tables."""

from protea_predictor.adapters.storage.inputs import AnnotationSetStore, ConfigStore, NotFoundError, OntologyStore
from protea_predictor.adapters.storage.predictions import JobTotals, NewPredictionSet, PredictionStore
from protea_predictor.adapters.storage.queries import QueriesGoneError, QueryCoverage, QueryStore
from protea_predictor.adapters.storage.references import ReferenceStore, freeze_snapshot
from protea_predictor.adapters.storage.scoring import ScoringStore, StoredScoring

__all__ = [
    "AnnotationSetStore",
    "ConfigStore",
    "JobTotals",
    "NewPredictionSet",
    "NotFoundError",
    "OntologyStore",
    "PredictionStore",
    "QueriesGoneError",
    "QueryCoverage",
    "QueryStore",
    "ReferenceStore",
    "ScoringStore",
    "StoredScoring",
    "freeze_snapshot",
]
