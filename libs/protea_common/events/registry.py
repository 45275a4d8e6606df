"""All event contracts by name, their routing, and their JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protea_common.events.embedding import EmbeddingsBatchDone, EmbeddingsBatchFailed, EmbeddingsBatchRequested
from protea_common.events.envelope import Event, EventFormatError
from protea_common.events.evaluation import EvaluationDone
from protea_common.events.job import JobCancelled, JobCreated, JobFailed, JobProgress, JobStarted, JobSucceeded
from protea_common.events.prediction import PredictionsBatchDone, PredictionsBatchFailed, PredictionsBatchRequested
from protea_common.events.reference import AnnotationsLoaded, OntologyLoaded, ProteinsLoaded

__all__ = ["EVENT_TYPES", "event_schemas", "read_event"]

_EVENTS: tuple[type[Event], ...] = (
    JobCreated,
    JobStarted,
    JobProgress,
    JobSucceeded,
    JobFailed,
    JobCancelled,
    EmbeddingsBatchRequested,
    EmbeddingsBatchDone,
    EmbeddingsBatchFailed,
    PredictionsBatchRequested,
    PredictionsBatchDone,
    PredictionsBatchFailed,
    OntologyLoaded,
    AnnotationsLoaded,
    ProteinsLoaded,
    EvaluationDone,
)

EVENT_TYPES: Mapping[str, type[Event]] = {event.type: event for event in _EVENTS}
"""Every event that may travel on the bus, by its type."""


def read_event(event_type: str, body: Mapping[str, Any]) -> Event:
    """Read the event of a given type from a message body.

    Raises
    ------
    EventFormatError
        If the type is unknown or the body does not follow its contract.
    """
    try:
        contract = EVENT_TYPES[event_type]
    except KeyError:
        raise EventFormatError(
            f"Unknown event type {event_type!r}; known are {', '.join(sorted(EVENT_TYPES))}."
        ) from None
    return contract.from_body(body)


def event_schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schema (2020-12) of every event body, by ``<type>.v<version>``."""
    return {
        event.dataschema(): {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": event.dataschema(),
            **event.model_json_schema(),
        }
        for event in _EVENTS
    }
