"""Payloads of the operations that bring reference data in."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import ConfigDict, Field

from protea_common.operations.payload import OperationPayload

__all__ = [
    "LoadGoaAnnotations",
    "LoadInterProGoMapping",
    "LoadInterProResults",
    "LoadOntologySnapshot",
    "LoadProteins",
    "Ping",
]

_SOURCE = Field(
    description="Where the file is: `artifact:<key>` of an upload, or `file:///...` inside a folder that the "
    "operator allows. Plain or gzip.",
    pattern=r"^(artifact:|file:///)",
    max_length=1024,
    examples=["artifact:uploads/3f1d.../proteins.fasta.gz"],
)


class Ping(OperationPayload):
    """Parameters of ``ping``: anything; only the names are echoed."""

    model_config = ConfigDict(frozen=True, extra="allow")


class LoadProteins(OperationPayload):
    """Parameters of ``load_proteins``."""

    source_uri: str = _SOURCE


class LoadOntologySnapshot(OperationPayload):
    """Parameters of ``load_ontology_snapshot``."""

    source_uri: str = _SOURCE
    ia_url: str | None = Field(default=None, max_length=1024, description="Where the terms' information accretion is.")


class LoadGoaAnnotations(OperationPayload):
    """Parameters of ``load_goa_annotations``."""

    source_uri: str = _SOURCE
    ontology_snapshot_id: UUID = Field(description="Release that interprets the GO ids.")
    source_version: str = Field(min_length=1, max_length=64, description="Name of the release, for example `220`.")
    annotated_before: date | None = Field(
        default=None, description="Freeze a snapshot: keep only annotations dated strictly before this day."
    )


class LoadInterProResults(OperationPayload):
    """Parameters of ``load_interpro_results``."""

    source_uri: str = _SOURCE
    ipr_release: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Release of InterProScan, for example `5.67-99.0`; null where the file says it.",
    )


class LoadInterProGoMapping(OperationPayload):
    """Parameters of ``load_interpro_go_mapping``."""

    source_uri: str = _SOURCE
    source_version: str = Field(min_length=1, max_length=64, description="Name of the release, for example `2017-01`.")
    evidence: str = Field(default="IEA", min_length=1, max_length=16, description="Evidence code of what is implied.")
    released_on: date | None = Field(
        default=None, description="Day of the release; null for the one that the first lines of the file tell."
    )
