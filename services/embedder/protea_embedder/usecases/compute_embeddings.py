"""The coordinator of ``compute_embeddings``: which sequences need a vector, cut into batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from protea_common.db import UnitOfWork
from protea_common.errors import PermanentError
from protea_common.events import EmbeddingsBatchRequested
from protea_common.jobs import JobClaim, NewBatch, dispatch_batches, finish_job, link_vector_origins
from protea_common.operations import ComputeEmbeddings
from protea_embedder.adapters.storage import ConfigStore, JobTotals, SequenceSelection, SequenceStore
from protea_embedder.domain.job_cut import SequenceLengths, cut_by_length
from protea_embedder.domain.pools import choose_pool
from protea_embedder.usecases.batch_payload import BatchPayload, job_result

__all__ = ["AmbiguousSelectionError", "CutIntoBatches"]


class AmbiguousSelectionError(PermanentError):
    """The job names both accessions and a query set, where one of them is meant."""

    slug: ClassVar[str] = "ambiguous-selection"


@dataclass(frozen=True, slots=True)
class _Work:
    """Sequences to embed, how many are left out, and the size of the model that does it."""

    sequences: SequenceLengths
    skipped: int
    param_count: int | None


class CutIntoBatches:
    """Use case of ``compute_embeddings``; a job without work ends at once."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], pools: Mapping[str, int]) -> None:
        self._unit_of_work = unit_of_work
        self._pools = pools

    async def __call__(self, claim: JobClaim) -> None:
        """Find the work, then send it out or end the job."""
        request = ComputeEmbeddings.read(claim.payload, operation=claim.operation)
        found = await self._find_work(claim, request)
        skipped, pool = found.skipped, choose_pool(found.param_count, self._pools)
        batches = _batches(claim, request, found.sequences, skipped_existing=skipped, pool=pool)
        async with self._unit_of_work() as work:
            if batches:
                await dispatch_batches(work, claim, batches)
            else:
                nothing = JobTotals(batches=0, sequences=0, residues=0, vectors_written=0)
                result = job_result(request.embedding_config_id, nothing, skipped_existing=skipped)
                await finish_job(work, claim, result=result)

    async def _find_work(self, claim: JobClaim, request: ComputeEmbeddings) -> _Work:
        """Find the sequences that need a vector, and count those that have one and are left out."""
        async with self._unit_of_work() as work:
            config_id = request.embedding_config_id
            param_count = (await ConfigStore(work.session).get(config_id)).param_count
            store = SequenceStore(work.session)
            selection = await _select(store, request)
            if not request.skip_existing:
                return _Work(await store.lengths(selection, without_vectors_of=None), 0, param_count)
            skipped = await store.count_embedded(selection, config_id=config_id)
            if skipped:
                await link_vector_origins(
                    work.session, embedding_config_id=config_id, job_id=claim.job_id, sequences=selection
                )
            return _Work(await store.lengths(selection, without_vectors_of=config_id), skipped, param_count)


async def _select(store: SequenceStore, request: ComputeEmbeddings) -> SequenceSelection:
    if request.accessions is not None and request.query_set_id is not None:
        raise AmbiguousSelectionError(
            "Give accessions or query_set_id, not both; for the proteins of both, submit two jobs."
        )
    if request.accessions is not None:
        return await store.of_accessions(request.accessions)
    if request.query_set_id is not None:
        return await store.of_query_set(request.query_set_id)
    return store.of_all_proteins()


def _batches(
    claim: JobClaim,
    request: ComputeEmbeddings,
    sequences: SequenceLengths,
    *,
    skipped_existing: int,
    pool: str | None,
) -> list[NewBatch]:
    cut = cut_by_length(sequences, sequences_per_batch=request.sequences_per_job)
    return [
        NewBatch(
            request=EmbeddingsBatchRequested(
                job_id=claim.job_id,
                batch_index=index,
                embedding_config_id=request.embedding_config_id,
                sequences=len(batch),
                residues=int(batch.residues.sum()),
                pool=pool,
            ),
            payload=BatchPayload(
                sequence_ids=tuple(batch.ids.tolist()), skipped_existing=skipped_existing
            ).model_dump(),
        )
        for index, batch in enumerate(cut)
    ]
