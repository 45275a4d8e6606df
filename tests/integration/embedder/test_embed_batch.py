"""The worker: a batch is computed beside the event loop and written once, whatever happens around it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.jobs import cancel_job, consume_batches
from protea_common.messaging.bus import Acknowledged, DeadLettered, Handler, IncomingMessage
from protea_common.operations import ComputeEmbeddings
from protea_common.orm import BatchStatus, JobStatus
from protea_common.runtime import Platform
from protea_embedder.domain.embedding_config import EmbeddingConfig
from protea_embedder.domain.encoder import Encoder
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.recipe import kmer_recipe
from protea_embedder.domain.token_budget import TokenBudget
from protea_embedder.usecases.device import DeviceRunner
from protea_embedder.usecases.embed_batch import EmbedBatch
from support.embedder_bench import EmbedderBench, open_bench, small_state
from support.flaky_store import FlakyStore
from support.proteins import random_proteins
from support.tiny_models import tiny_recipe

SEQUENCES = random_proteins(6)


async def dispatched(
    bench: EmbedderBench, config: EmbeddingConfig, **payload: object
) -> tuple[UUID, list[IncomingMessage]]:
    """Submit a job and let it be cut; give its id and the requests of its batches."""
    job_id = await bench.submit_compute(ComputeEmbeddings.model_validate({"embedding_config_id": config.id, **payload}))
    (created,) = await bench.take_messages(job_id)
    await bench.deliver(created)
    return job_id, await bench.take_messages(job_id)


def handler(
    bench: EmbedderBench,
    encoder_of: Callable[[EmbeddingConfig], Awaitable[Encoder]],
    executor: ThreadPoolExecutor,
    *,
    unit_of_work: Callable[[], AbstractAsyncContextManager[UnitOfWork]] | None = None,
) -> Handler:
    """A worker with an encoder of the test's own."""
    use_case = EmbedBatch(
        unit_of_work=unit_of_work or bench.unit_of_work,
        encoder_of=encoder_of,
        device=DeviceRunner(executor=executor, budget=TokenBudget(1_000, 2), metrics=bench.platform.metrics),
        metrics=bench.platform.metrics,
    )
    return consume_batches(use_case, bench.platform.consumer_parts(source="test"))


async def test_a_second_delivery_of_a_batch_gives_the_same_rows_and_counts(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    job_id, (first, second) = await dispatched(bench, config, sequences_per_job=3)

    await bench.deliver(first)
    once = (await bench.vectors(), [batch.counts for batch in await bench.batches(job_id)])
    assert await bench.deliver(replace(first, redelivered=True)) == Acknowledged()
    twice = (await bench.vectors(), [batch.counts for batch in await bench.batches(job_id)])

    assert once[0].keys() == twice[0].keys()
    assert once[1] == twice[1]
    assert (await bench.job(job_id)).progress_current == 1
    await bench.deliver(second)
    job = await bench.job(job_id)
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    assert (job.result["sequences"], job.result["vectors_written"]) == (6, 6)


async def test_the_event_says_what_was_embedded_and_follows_the_commit(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    job_id, (message,) = await dispatched(bench, config)

    await bench.deliver(message)

    (body,) = await bench.published("embeddings.batch.done", job_id)
    assert (body["sequences"], body["residues"]) == (6, sum(map(len, SEQUENCES)))
    assert body["embedding_config_id"] == str(config.id)
    assert float(str(body["seconds"])) > 0
    told = await bench.told(job_id)
    assert not any(sequence in told for sequence in SEQUENCES)


async def test_the_time_of_a_batch_is_counted_by_backend(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    _, (message,) = await dispatched(bench, config)

    await bench.deliver(message)

    registry = bench.platform.metrics.registry
    assert registry.get_sample_value("protea_embeddings_batch_seconds_count", {"backend": "kmer"}) == 1


async def test_changed_weights_fail_the_job_for_good(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    await bench.platform.artifacts.put(f"encoders/kmer/{config.recipe.weights_digest}.safetensors", b"spoilt")
    job_id, (message,) = await dispatched(bench, config)

    disposition = await bench.deliver(message)

    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "WeightsDigestMismatchError")
    assert str(config.recipe.weights_digest) in str(job.error_message)
    assert isinstance(disposition, DeadLettered)
    assert await bench.vectors() == {}


async def test_without_torch_the_job_fails_and_says_what_to_install(
    bench: EmbedderBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where only protea[standalone] is installed: the import fails.
    for module in [name for name in sys.modules if name.startswith("protea_embedder.adapters.language_models")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "transformers", None)
    config = await bench.add_config(tiny_recipe("esm", digest="0" * 64), weights_uri=None)
    await bench.add_proteins(SEQUENCES)
    job_id, (message,) = await dispatched(bench, config)

    await bench.deliver(message)

    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "UnsupportedBackendError")
    assert "pip install 'protea[embedder-torch]'" in str(job.error_message)


async def test_a_value_beyond_half_precision_fails_the_job_and_names_embedding_scale(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config(embedding_scale=1e-8)
    await bench.add_proteins(SEQUENCES)
    job_id, (message,) = await dispatched(bench, config)

    await bench.deliver(message)

    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "HalfPrecisionOverflowError")
    assert "embedding_scale" in str(job.error_message)


async def test_vectors_are_divided_by_the_recipes_embedding_scale(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config(embedding_scale=4.0)
    await bench.add_proteins(SEQUENCES)

    _, (message,) = await dispatched(bench, config)
    await bench.deliver(message)

    found = await bench.vectors()
    exact = KmerEncoder(small_state()).encode(SEQUENCES) / np.float32(4)
    for sequence, vector in zip(SEQUENCES, exact.astype(np.float16), strict=True):
        np.testing.assert_array_equal(found[sequence], vector)


async def test_an_unavailable_store_delays_the_batch_until_it_works(platform: Platform) -> None:
    async with open_bench(platform) as bench:
        config = await bench.add_kmer_config()
        await bench.add_proteins(SEQUENCES)
    async with open_bench(replace(platform, artifacts=FlakyStore(platform.artifacts, failures=1))) as bench:
        job_id, (message,) = await dispatched(bench, config)

        assert await bench.deliver(message) == Acknowledged()

        (batch,) = await bench.batches(job_id)
        assert (batch.status, batch.attempt) == (BatchStatus.PENDING, 1)
        assert await bench.vectors() == {}
        assert (await bench.run(job_id)).status is JobStatus.SUCCEEDED
        assert len(await bench.vectors()) == 6


async def test_a_batch_whose_job_was_cancelled_before_is_not_computed(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    job_id, (message,) = await dispatched(bench, config)
    async with bench.unit_of_work() as work:
        await cancel_job(work, job_id, reason="a test")

    assert await bench.deliver(message) == Acknowledged()

    assert await bench.vectors() == {}


async def test_a_batch_whose_job_is_cancelled_while_it_computes_writes_nothing(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    job_id, (message,) = await dispatched(bench, config)

    async def cancel_then_load(_: EmbeddingConfig) -> Encoder:
        async with bench.unit_of_work() as work:
            await cancel_job(work, job_id, reason="a test")
        return KmerEncoder(small_state())

    with ThreadPoolExecutor(1) as executor:
        assert await handler(bench, cancel_then_load, executor)(message) == Acknowledged()

    assert await bench.vectors() == {}
    assert (await bench.job(job_id)).status is JobStatus.CANCELLED
    assert [batch.status for batch in await bench.batches(job_id)] == [BatchStatus.CANCELLED]


async def test_two_jobs_that_embed_the_same_sequences_at_once_both_succeed_with_one_row_each(
    bench: EmbedderBench,
) -> None:
    config = await bench.add_kmer_config()
    accessions = await bench.add_proteins(random_proteins(60))
    jobs = [
        await dispatched(bench, config, accessions=accessions, skip_existing=skip, sequences_per_job=size)
        for skip, size in ((True, 60), (True, 30), (False, 60), (False, 20))
    ]

    await asyncio.gather(*(bench.deliver(message) for _, messages in jobs for message in messages))

    ended = [await bench.job(job_id) for job_id, _ in jobs]
    assert [job.status for job in ended] == [JobStatus.SUCCEEDED] * 4
    assert {job.attempt for job in ended} == {1}
    assert len(await bench.vectors()) == 60


async def test_the_event_loop_runs_on_while_a_batch_computes(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    job_id, (message,) = await dispatched(bench, config)
    encoder = PatientEncoder()

    async def tick() -> None:
        await encoder.entered()
        for _ in range(50):
            await asyncio.sleep(0)
        encoder.go_on.set()

    async def patient(_: EmbeddingConfig) -> Encoder:
        return encoder

    with ThreadPoolExecutor(1) as executor:
        await asyncio.gather(handler(bench, patient, executor)(message), tick())

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
    assert len(encoder.threads) == 1
    assert threading.get_ident() not in encoder.threads


class PatientEncoder:
    """Computes only once the event loop has ticked, which it cannot while it computes itself."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.threads: set[int] = set()
        self._entered = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def dimension(self) -> int:
        return 3

    async def entered(self) -> None:
        await self._entered.wait()

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        self.threads.add(threading.get_ident())
        self._loop.call_soon_threadsafe(self._entered.set)
        assert self.go_on.wait(timeout=20), "the event loop stood still"
        return np.zeros((len(sequences), self.dimension), dtype=np.float32)


class Order:
    """The transactions of two batches and the device, each waiting for what has to happen beside it.

    Transactions begin in the order read, read, write, write.
    """

    def __init__(self, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work
        self._loop = asyncio.get_running_loop()
        self._second_computes = asyncio.Event()
        self._begun = 0
        self.both_read, self.first_written = threading.Event(), threading.Event()

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        self._begun += 1
        number = self._begun
        if number == 3:
            # Had the write to wait until the device has nothing to do, the second batch could not compute yet.
            async with asyncio.timeout(20):
                await self._second_computes.wait()
        async with self._unit_of_work() as work:
            yield work
        if number == 2:
            self.both_read.set()
        if number == 3:
            self.first_written.set()

    def second_computes(self) -> None:
        self._loop.call_soon_threadsafe(self._second_computes.set)


class EncoderThatWaits:
    """Computes the first batch only once the second is read, and the second only once the first is written."""

    dimension = 3

    def __init__(self, order: Order) -> None:
        self._order = order
        self.computed = 0

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        self.computed += 1
        if self.computed == 1:
            assert self._order.both_read.wait(timeout=20), "the second batch was not read while the first computed"
        else:
            self._order.second_computes()
            assert self._order.first_written.wait(timeout=20), "the first was not written while the second computed"
        return np.ones((len(sequences), self.dimension), dtype=np.float32)


async def test_a_batch_is_read_and_the_last_one_written_while_the_device_computes(bench: EmbedderBench) -> None:
    config = await bench.add_config(replace(kmer_recipe("1" * 64), normalize=False), weights_uri=None, dimension=3)
    await bench.add_proteins(SEQUENCES)
    # A sequence a batch, so that each is one run of the device.
    job_id, messages = await dispatched(bench, config, accessions=["P0", "P1"], sequences_per_job=1)
    order = Order(bench.unit_of_work)
    encoder = EncoderThatWaits(order)

    async def waiting(_: EmbeddingConfig) -> Encoder:
        return encoder

    with ThreadPoolExecutor(1) as executor:
        handle = handler(bench, waiting, executor, unit_of_work=order.unit_of_work)
        await asyncio.gather(*(handle(message) for message in messages))

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
    assert encoder.computed == 2


async def test_the_dimension_of_a_recipe_is_learnt_from_its_first_vector(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    await bench.execute("UPDATE embedding_config SET dimension = NULL")

    _, (message,) = await dispatched(bench, config)
    await bench.deliver(message)

    assert [row.dimension for row in await bench.configs()] == [428]
