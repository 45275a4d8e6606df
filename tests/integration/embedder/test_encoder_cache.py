"""The encoder cache: one load for all who ask, and only the most recent encoders stay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from protea_common.storage import ArtifactNotFoundError, ArtifactStoreUnavailable
from protea_embedder.adapters.encoders import EncoderCache
from support.embedder_bench import EmbedderBench
from support.flaky_store import FlakyStore
from support.proteins import random_proteins


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_those_who_ask_at_once_share_one_load(bench: EmbedderBench, executor: ThreadPoolExecutor) -> None:
    config = await bench.add_kmer_config()
    store = FlakyStore(bench.platform.artifacts)
    cache = EncoderCache(artifacts=store, executor=executor, capacity=1)

    encoders = await asyncio.gather(*(cache.get(config) for _ in range(5)))

    assert store.reads == 1
    assert {id(encoder) for encoder in encoders} == {id(encoders[0])}


async def test_only_the_most_recent_encoders_stay(bench: EmbedderBench, executor: ThreadPoolExecutor) -> None:
    configs = [await bench.add_kmer_config(embedding_scale=scale) for scale in (1.0, 2.0, 3.0)]
    store = FlakyStore(bench.platform.artifacts)
    cache = EncoderCache(artifacts=store, executor=executor, capacity=2)

    for index in (0, 1, 0, 2, 0):  # 2 drives out 1, which was used before 0
        await cache.get(configs[index])
    assert store.reads == 3
    await cache.get(configs[1])
    assert store.reads == 4


async def test_a_failed_load_is_tried_again_by_the_next_who_asks(
    bench: EmbedderBench, executor: ThreadPoolExecutor
) -> None:
    config = await bench.add_kmer_config()
    cache = EncoderCache(artifacts=FlakyStore(bench.platform.artifacts, failures=1), executor=executor, capacity=1)

    with pytest.raises(ArtifactStoreUnavailable):
        await cache.get(config)

    assert (await cache.get(config)).dimension == 428


async def test_an_encoder_follows_its_recipes_normalisation(bench: EmbedderBench, executor: ThreadPoolExecutor) -> None:
    config = await bench.add_kmer_config(normalize=False)
    cache = EncoderCache(artifacts=bench.platform.artifacts, executor=executor, capacity=1)

    encoder = await cache.get(config)

    lengths = np.linalg.norm(encoder.encode(random_proteins(3)), axis=1)
    assert not np.allclose(lengths, 1)


async def test_a_missing_file_is_said_to_be_missing(bench: EmbedderBench, executor: ThreadPoolExecutor) -> None:
    config = await bench.add_kmer_config()
    await bench.platform.artifacts.delete(f"encoders/kmer/{config.recipe.weights_digest}.safetensors")
    cache = EncoderCache(artifacts=bench.platform.artifacts, executor=executor, capacity=1)

    with pytest.raises(ArtifactNotFoundError):
        await cache.get(config)
