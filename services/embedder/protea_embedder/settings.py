"""Settings of the embedder, ``PROTEA_EMBEDDER__*``: which work a process takes, and how much of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, PositiveInt

from protea_common.runtime import Role
from protea_common.settings import ServiceSettings
from protea_embedder.domain.precision import DeviceName, Placement, Precision

__all__ = ["EmbedderSettings"]


class EmbedderSettings(ServiceSettings):
    """The embedder's own settings."""

    section: ClassVar[str] = "embedder"

    role: Role = Field(Role.ALL, description="coordinator, worker or all; --role wins over it.")
    coordinator_prefetch: PositiveInt = Field(2, description="Jobs that a coordinator holds at a time.")
    pool: str | None = Field(
        None, description="Take only the batches of this pool of PROTEA_EMBEDDING_POOLS; else those of no pool."
    )
    worker_prefetch: PositiveInt = Field(
        2,
        description="Batches that a worker holds at a time: with 2 the device computes one while the last is written"
        " and the next is read; with 1 it idles meanwhile.",
    )
    weights_dir: Path | None = Field(
        None,
        description="Folder of models that many processes read, as encoders/models of the artifact store; what is not"
        " there comes from the store, and either is checked.",
    )
    encoder_cache_max: PositiveInt = Field(1, description="Encoders kept loaded, the most recent ones.")
    batch_tokens: PositiveInt | None = Field(
        None,
        description="Most that the encoder computes at once: longest sequence x number of sequences. By default what a"
        " short probe finds best for a language model on this device, and 131,072 for k-mers.",
    )
    batch_sequences: PositiveInt = Field(256, description="Most sequences that the encoder computes at once.")
    device: DeviceName = Field(DeviceName.AUTO, description="auto, cpu or cuda; auto is a GPU if there is one.")
    precision: Precision = Field(
        Precision.AUTO,
        description="auto, float32, bfloat16 or float16; auto is bfloat16 where the device multiplies it natively.",
    )
    threads: PositiveInt | None = Field(
        None,
        description="Threads of a CPU for a language model. By default what a short probe finds when a model is loaded;"
        " 1 where several workers share a host, each for a core of its own.",
    )
    max_model_bytes: PositiveInt = Field(
        24 * 1024**3, description="Most bytes of a model that is registered, all its files together."
    )
    allow_hub: bool = Field(
        False, description="Whether register_encoder may fetch models from a hub; only files without code, never run."
    )
    accept_unirep_licence: bool = Field(
        False,
        description="Whether the licence of UniRep's published weights, CC BY-NC 4.0 (no commercial use), allows what"
        " is done here; without it they are not registered.",
    )
    hub_url: str | None = Field(None, description="Address of the model hub, if it is not the library's own.")

    @property
    def placement(self) -> Placement:
        """Where language models run."""
        return Placement(self.device, self.precision, self.threads, self.batch_tokens)
