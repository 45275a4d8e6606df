"""Settings of the ingest service, ``PROTEA_INGEST__*``: how much a protein file may hold, and how it is cut."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from protea_common.settings import ServiceSettings

__all__ = ["IngestSettings"]


class IngestSettings(ServiceSettings):
    """The ingest service's own settings."""

    section: ClassVar[str] = "ingest"

    max_proteins: PositiveInt = Field(
        2_000_000, description="Proteins in one FASTA file; 100 bytes of memory each, to find duplicates."
    )
    protein_chunk_size: PositiveInt = Field(2_000, description="Proteins written in one statement.")
