"""Settings of the predictor, ``PROTEA_PREDICTOR__*``: which work a process takes, and what it keeps at hand."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from protea_common.runtime import Role
from protea_common.settings import ServiceSettings, Settings

__all__ = ["PredictorSettings"]


class PredictorSettings(ServiceSettings):
    """The predictor's own settings."""

    section: ClassVar[str] = "predictor"

    role: Role = Field(Role.ALL, description="coordinator, worker or all; --role wins over it.")
    coordinator_prefetch: PositiveInt = Field(2, description="Jobs that a coordinator holds at a time.")
    search_threads: PositiveInt = Field(
        2, description="Batches that a worker holds at a time: one is computed while the rows of another are written."
    )
    reference_banks_max: PositiveInt = Field(2, description="Reference banks kept open, the most recent ones.")
    ontologies_max: PositiveInt = Field(2, description="Releases of GO kept in memory, the most recent ones.")
    rerankers_max: PositiveInt = Field(12, description="Re-rankers kept in memory, the most recent ones.")
    prepared_mib_max: NonNegativeInt = Field(
        1024,
        description="Mebibytes that the vectors of an open bank may take once more, made ready for the exact search; "
        "those of a larger bank are made ready by each search.",
    )
    tile_threads: PositiveInt = Field(
        1, description="Threads that share one exact search; with more than one, set OMP_NUM_THREADS=1."
    )
    search_device: str = Field("cpu", description="Device of search_backend=torch, as torch has it, such as cuda.")
    cache_dir: Path | None = Field(
        None, description="Folder of reference bank files; `.protea/cache` in the artifact store's folder when empty."
    )
    taxonomy_dir: Path | None = Field(
        None, description="Folder with nodes.dmp and merged.dmp of the NCBI taxonomy, for compute_taxonomy."
    )
    term_vectors_file: Path | None = Field(
        None, description="File .npz with the arrays go_ids and vectors (Anc2Vec), for compute_term_vectors."
    )
    alignment_minutes_max: PositiveFloat = Field(10, description="Longest that one run of MMseqs2 may take.")
    alignment_threads: PositiveInt = Field(1, description="Threads of one run of MMseqs2.")
    cache_files_max: PositiveInt = Field(4, description="Reference bank files kept in it, the most recent ones.")

    def cache_folder(self, shared: Settings) -> Path:
        """Choose the folder of reference bank files."""
        return self.cache_dir or (shared.storage_root or shared.artifacts_dir) / ".protea" / "cache"
