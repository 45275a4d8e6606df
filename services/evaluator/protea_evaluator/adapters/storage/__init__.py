"""All SQL of the evaluator, one module per group of tables."""

from protea_evaluator.adapters.storage.accretions import AccretionSet, AccretionStore
from protea_evaluator.adapters.storage.annotations import AnnotationSet, AnnotationSetNotFoundError, AnnotationStore
from protea_evaluator.adapters.storage.baselines import BaselineStore, ElectronicCounts, NewBaseline
from protea_evaluator.adapters.storage.evaluation_sets import (
    EvaluationSet,
    EvaluationSetNotFoundError,
    EvaluationSetStore,
)
from protea_evaluator.adapters.storage.evolution import EvolutionStore
from protea_evaluator.adapters.storage.predictions import PredictionSet, PredictionSetNotFoundError, PredictionStore
from protea_evaluator.adapters.storage.releases import OntologyNotFoundError, OntologyRelease
from protea_evaluator.adapters.storage.results import (
    EvaluationResult,
    EvaluationResultNotFoundError,
    EvaluationResultStore,
)
from protea_evaluator.adapters.storage.windows import WindowStore

__all__ = [
    "AccretionSet",
    "AccretionStore",
    "AnnotationSet",
    "AnnotationSetNotFoundError",
    "AnnotationStore",
    "BaselineStore",
    "ElectronicCounts",
    "EvaluationResult",
    "EvaluationResultNotFoundError",
    "EvaluationResultStore",
    "EvaluationSet",
    "EvaluationSetNotFoundError",
    "EvaluationSetStore",
    "EvolutionStore",
    "NewBaseline",
    "OntologyNotFoundError",
    "OntologyRelease",
    "PredictionSet",
    "PredictionSetNotFoundError",
    "PredictionStore",
    "WindowStore",
]
