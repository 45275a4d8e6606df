"""Fitting a k-mer encoder to the proteins in the database, which makes a new recipe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import ClassVar

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, guard_job, report_progress
from protea_common.operations import FitKmerEncoder
from protea_common.storage import ArtifactStore
from protea_embedder.adapters.encoders import kmer_weights_key
from protea_embedder.adapters.storage import ConfigStore, SequenceStore
from protea_embedder.domain.embedding_config import ConfigText, new_embedding_config
from protea_embedder.domain.kmer_fit import fit_kmer_encoder
from protea_embedder.domain.kmer_state import state_digest, to_safetensors
from protea_embedder.domain.recipe import kmer_recipe

__all__ = ["FitEncoder", "TooFewSequencesError"]

_DESCRIPTION = (
    "K-mer profile: counts of short words, weighted and projected by statistics of {sequences} distinct sequences. "
    "It is NOT a language model and knows nothing beyond those counts."
)

_LICENCE = "No third-party weights: fitted here to the loaded proteins, whose own licence goes with them."

_FEWEST_SEQUENCES = 2
"""With fewer nothing varies, so every vector would be zero."""

_STEPS = 3
"""Reading, fitting, storing."""


class TooFewSequencesError(PermanentError):
    """There are too few proteins in the database to fit an encoder to."""

    slug: ClassVar[str] = "too-few-sequences"


class FitEncoder:
    """Use case of ``fit_kmer_encoder``.

    The same proteins, seed and machine give the same file and the same recipe, so a repetition changes nothing.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Read, fit, keep the file, then the recipe that names it."""
        request = FitKmerEncoder.read(claim.payload, operation=claim.operation)
        sequences = await self._read(claim, limit=request.max_sequences)
        loop = asyncio.get_running_loop()
        data, digest, dimension = await loop.run_in_executor(self._executor, _fit, sequences, request.seed)
        await self._report(claim, steps=2)
        weights_uri = await self._artifacts.put(kmer_weights_key(digest), data)
        config = new_embedding_config(kmer_recipe(digest), weights_uri=weights_uri, dimension=dimension)
        async with self._unit_of_work() as work:
            await guard_job(work, claim)
            await ConfigStore(work.session).add(config, _text(request, sequences=len(sequences)))
            result = {
                "embedding_config_id": str(config.id),
                "dimension": dimension,
                "sequences": len(sequences),
                "weights_digest": digest,
            }
            await report_progress(work, claim.job_id, current=_STEPS, total=_STEPS)
            await finish_job(work, claim, result=result)

    async def _read(self, claim: JobClaim, *, limit: int) -> list[str]:
        async with self._unit_of_work() as work:
            sequences = await SequenceStore(work.session).residues_of_proteins(limit=limit)
        if len(sequences) < _FEWEST_SEQUENCES:
            raise TooFewSequencesError(
                f"A k-mer encoder is fitted to {_FEWEST_SEQUENCES} distinct sequences or more, and the proteins in the "
                f"database have {len(sequences)}; load proteins first (operation load_proteins)."
            )
        await self._report(claim, steps=1)
        return sequences

    async def _report(self, claim: JobClaim, *, steps: int) -> None:
        async with self._unit_of_work() as work:
            await report_progress(work, claim.job_id, current=steps, total=_STEPS)


def _fit(sequences: Sequence[str], seed: int) -> tuple[bytes, str, int]:
    """Give the file of a fitted encoder, its digest and the length of its vectors."""
    state = fit_kmer_encoder(sequences, seed=seed)
    data = to_safetensors(state)
    return data, state_digest(data), state.dimension


def _text(request: FitKmerEncoder, *, sequences: int) -> ConfigText:
    return ConfigText(
        display_name=request.display_name,
        family="k-mer",
        description=_DESCRIPTION.format(sequences=sequences),
        licence=_LICENCE,
        is_language_model=False,
    )
