"""The contracts: every event that the services exchange, one module per aggregate."""

from protea_common.events.embedding import EmbeddingsBatchDone, EmbeddingsBatchFailed, EmbeddingsBatchRequested
from protea_common.events.envelope import Envelope, Event, EventFormatError, uuid7
from protea_common.events.evaluation import EvaluationDone
from protea_common.events.job import JobCancelled, JobCreated, JobFailed, JobProgress, JobStarted, JobSucceeded
from protea_common.events.prediction import PredictionsBatchDone, PredictionsBatchFailed, PredictionsBatchRequested
from protea_common.events.reference import AnnotationsLoaded, OntologyLoaded, ProteinsLoaded
from protea_common.events.registry import EVENT_TYPES, event_schemas, read_event

__all__ = [
    "EVENT_TYPES",
    "AnnotationsLoaded",
    "EmbeddingsBatchDone",
    "EmbeddingsBatchFailed",
    "EmbeddingsBatchRequested",
    "Envelope",
    "EvaluationDone",
    "Event",
    "EventFormatError",
    "JobCancelled",
    "JobCreated",
    "JobFailed",
    "JobProgress",
    "JobStarted",
    "JobSucceeded",
    "OntologyLoaded",
    "PredictionsBatchDone",
    "PredictionsBatchFailed",
    "PredictionsBatchRequested",
    "ProteinsLoaded",
    "event_schemas",
    "read_event",
    "uuid7",
]
