"""An embedder worker whose device is a stand-in: the service's own process, with another encoder at its port."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from protea_common.runtime import Platform, Role, Service, run_service
from protea_common.settings import load_service_settings
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.encoder import Encoder
from protea_embedder.entrypoints.consumer import build_service
from protea_embedder.settings import EmbedderSettings
from protea_embedder.wiring import SERVICE_NAME

__all__ = ["DEVICE_SECONDS_VARIABLE", "DIMENSION", "StandInEncoder", "main"]

DIMENSION: Final = 1_024
"""Length of a vector, as of ProtT5."""

DEVICE_SECONDS_VARIABLE: Final = "SCALING_DEVICE_SECONDS"
"""Environment variable with the seconds that the stand-in takes for a call."""


class StandInEncoder:
    """Keeps the device's thread for a given time, as a GPU would, and makes vectors out of checksums.

    Parameters
    ----------
    seconds
        How long a call takes, whatever it is given.
    """

    dimension = DIMENSION

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        """Wait, then give every sequence a vector of its own, shape ``(n, 1024)``."""
        ends = time.perf_counter() + self._seconds
        vectors = np.array([_vector(sequence) for sequence in sequences], dtype=np.float32)
        # What was just computed counts towards the time: the device, not this process, would have done it.
        time.sleep(max(ends - time.perf_counter(), 0.0))
        return vectors.reshape(len(sequences), DIMENSION)


def _vector(sequence: str) -> NDArray[np.float32]:
    seed = zlib.crc32(sequence.encode("ascii"))
    return np.random.default_rng(seed).standard_normal(DIMENSION, dtype=np.float32)


def main() -> NoReturn:
    """Run until SIGTERM."""
    run_service(SERVICE_NAME, _build)


def _build(platform: Platform) -> AbstractAsyncContextManager[Service]:
    encoder = StandInEncoder(float(os.environ[DEVICE_SECONDS_VARIABLE]))

    async def encoder_of(_: EmbeddingConfig) -> Encoder:
        return encoder

    settings = load_service_settings(EmbedderSettings, Path.cwd(), overrides={"role": Role.WORKER})
    return build_service(platform, settings=settings, encoder_of=encoder_of)


if __name__ == "__main__":
    main()
