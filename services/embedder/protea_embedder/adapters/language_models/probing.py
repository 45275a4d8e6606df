"""Tries on the device itself how many threads and how many tokens at once suit a model that was just loaded."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Final

import torch

from protea_embedder.adapters.language_models.device import Device
from protea_embedder.adapters.language_models.tokens import STANDARD_RESIDUES
from protea_embedder.domain.language_model import LanguageModel
from protea_embedder.domain.precision import Placement
from protea_embedder.domain.probe import PROBE_RESIDUES, tune_batch_tokens, tune_threads

__all__ = ["ATTENTION_ON_CPU", "ATTENTION_ON_GPU", "TokenRange", "tune_model"]

_PROBE_SECONDS: Final = 2.0
"""Neither probe starts anything more after so long: they are paid each time a model is loaded."""


@dataclass(frozen=True, slots=True)
class TokenRange:
    """Fewest and most tokens computed at once that are tried."""

    smallest: int
    largest: int


ATTENTION_ON_CPU: Final = TokenRange(512, 8_192)
ATTENTION_ON_GPU: Final = TokenRange(4_096, 131_072)


def tune_model(
    model: LanguageModel,
    device: Device,
    placement: Placement,
    *,
    on_cpu: TokenRange = ATTENTION_ON_CPU,
    on_gpu: TokenRange = ATTENTION_ON_GPU,
) -> int:
    """Set the number of threads, and find how many tokens to compute at once; what the operator chose stays.

    Returns
    -------
    batch_tokens
        Within the range of the device, or as placed.
    """
    tokens = on_gpu if device.device.type == "cuda" else on_cpu
    probe = _Probe(model)
    if placement.threads is not None:
        torch.set_num_threads(placement.threads)
    elif device.device.type == "cpu":
        torch.set_num_threads(_probe_threads(probe, tokens))
    if placement.batch_tokens is not None:
        return placement.batch_tokens
    probe.run(1)
    return tune_batch_tokens(
        probe.run,
        smallest=tokens.smallest,
        largest=tokens.largest,
        limit_seconds=_PROBE_SECONDS,
        clock=time.perf_counter,
    )


class _Probe:
    """Runs copies of one protein, of `PROBE_RESIDUES` or of as many as the model takes."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        longest = PROBE_RESIDUES if model.longest_input is None else model.longest_input - model.special_tokens
        self._protein = (STANDARD_RESIDUES * PROBE_RESIDUES)[: min(longest, PROBE_RESIDUES)]

    def run(self, proteins: int) -> None:
        """Compute so many at once."""
        # To the host, so that a GPU is waited for.
        self._model.prepare([self._protein] * proteins)([0])[0][0, 0, 0].item()


def _probe_threads(probe: _Probe, tokens: TokenRange) -> int:
    def run(threads: int) -> None:
        torch.set_num_threads(threads)
        probe.run(max(tokens.smallest // PROBE_RESIDUES, 1))

    return tune_threads(run, most=_cores(), limit_seconds=_PROBE_SECONDS, clock=time.perf_counter)


def _cores() -> int:
    """Cores that this process may use; fewer than the machine's in a container, or where the operator says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wanted)) if wanted.isdecimal() and int(wanted) else cores
