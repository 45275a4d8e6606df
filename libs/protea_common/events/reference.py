"""Events of the ingest service: new reference data that others may want to read."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from protea_common.events.envelope import Event

__all__ = ["AnnotationsLoaded", "OntologyLoaded", "ProteinsLoaded"]


class OntologyLoaded(Event):
    """An ontology release is in the database."""

    type: ClassVar[str] = "ontology.loaded"
    job_id: UUID = Field(description="Job that loaded it.")
    ontology_snapshot_id: UUID = Field(description="The snapshot.")
    obo_version: str = Field(description="Its data-version.")
    terms: int = Field(ge=0, description="Terms in it, obsolete ones included.")


class AnnotationsLoaded(Event):
    """An annotation set is in the database and will not change."""

    type: ClassVar[str] = "annotations.loaded"
    job_id: UUID = Field(description="Job that loaded it.")
    annotation_set_id: UUID = Field(description="The set.")
    ontology_snapshot_id: UUID = Field(description="Release that its terms belong to.")
    annotations: int = Field(ge=0, description="Rows in it.")


class ProteinsLoaded(Event):
    """Proteins and their sequences are in the database."""

    type: ClassVar[str] = "proteins.loaded"
    job_id: UUID = Field(description="Job that loaded them.")
    proteins: int = Field(ge=0, description="Proteins read.")
    sequences: int = Field(ge=0, description="Distinct sequences that were new.")
