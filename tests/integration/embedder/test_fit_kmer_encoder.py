"""``fit_kmer_encoder``: from the proteins in the database to a file and the recipe that names it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID

from protea_common.domain.sequence import compute_sequence_hash
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import FitKmerEncoder
from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from protea_embedder.domain.kmer_fit import fit_kmer_encoder
from protea_embedder.domain.kmer_state import from_safetensors, state_digest, to_safetensors
from protea_embedder.domain.recipe import kmer_recipe, recipe_id
from support.embedder_bench import EmbedderBench, open_bench
from support.flaky_store import FlakyStore
from support.proteins import random_proteins

SEQUENCES = random_proteins(6)


async def fit(bench: EmbedderBench, **payload: object) -> UUID:
    return await bench.submit("fit_kmer_encoder", FitKmerEncoder.model_validate(payload))


async def test_fitting_keeps_the_file_under_its_digest_and_a_recipe_that_names_it(bench: EmbedderBench) -> None:
    await bench.add_proteins(SEQUENCES)

    job = await bench.run(await fit(bench, display_name="fly profile"))

    assert job.status is JobStatus.SUCCEEDED
    (config,) = await bench.configs()
    assert config.weights_digest is not None
    data = await bench.platform.artifacts.get(f"encoders/kmer/{config.weights_digest}.safetensors")
    assert hashlib.sha256(data).hexdigest() == config.weights_digest
    assert config.weights_uri == bench.platform.artifacts.url(f"encoders/kmer/{config.weights_digest}.safetensors")
    assert config.dimension == from_safetensors(data).dimension
    assert config.id == recipe_id(kmer_recipe(config.weights_digest))
    assert job.result == {
        "embedding_config_id": str(config.id),
        "dimension": config.dimension,
        "sequences": 6,
        "weights_digest": config.weights_digest,
    }
    assert (job.progress_current, job.progress_total) == (3, 3)


async def test_the_recipe_says_that_it_is_no_language_model(bench: EmbedderBench) -> None:
    await bench.add_proteins(SEQUENCES)

    await bench.run(await fit(bench, display_name="fly profile"))

    (config,) = await bench.configs()
    assert (config.display_name, config.family, config.model_backend) == ("fly profile", "k-mer", "kmer")
    assert config.is_language_model is False
    assert "NOT a language model" in str(config.description)
    assert "third-party" in str(config.licence)


async def test_each_distinct_sequence_of_a_protein_counts_once(bench: EmbedderBench) -> None:
    await bench.add_proteins([*SEQUENCES, SEQUENCES[0], None])
    await bench.add_sequence("MKVMKVMKV")  # of no protein

    job = await bench.run(await fit(bench))

    by_hash = sorted(SEQUENCES, key=compute_sequence_hash)
    assert job.result is not None
    assert job.result["sequences"] == 6
    assert job.result["weights_digest"] == state_digest(to_safetensors(fit_kmer_encoder(by_hash)))


async def test_a_limit_takes_the_sequences_of_lowest_hash(bench: EmbedderBench) -> None:
    await bench.add_proteins(SEQUENCES)

    job = await bench.run(await fit(bench, max_sequences=3, seed=5))

    lowest = sorted(SEQUENCES, key=compute_sequence_hash)[:3]
    assert job.result is not None
    assert job.result["weights_digest"] == state_digest(to_safetensors(fit_kmer_encoder(lowest, seed=5)))


async def test_fitting_again_finds_the_same_recipe(bench: EmbedderBench) -> None:
    await bench.add_proteins(SEQUENCES)

    first = await bench.run(await fit(bench, display_name="first"))
    second = await bench.run(await fit(bench, display_name="second"))

    assert second.result == first.result
    (config,) = await bench.configs()
    assert config.display_name == "first"


async def test_a_second_delivery_changes_nothing(bench: EmbedderBench) -> None:
    await bench.add_proteins(SEQUENCES)
    job_id = await fit(bench)
    (message,) = await bench.take_messages(job_id)

    assert [await bench.deliver(message) for _ in range(2)] == [Acknowledged(), Acknowledged()]

    assert (await bench.job(job_id)).attempt == 1
    assert len(await bench.configs()) == 1


async def test_one_distinct_sequence_is_too_few_and_the_error_says_to_load_proteins(bench: EmbedderBench) -> None:
    await bench.add_proteins([SEQUENCES[0], SEQUENCES[0]])
    job_id = await fit(bench)
    (message,) = await bench.take_messages(job_id)

    disposition = await bench.deliver(message)

    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "TooFewSequencesError")
    assert "load proteins first" in str(job.error_message)
    assert isinstance(disposition, DeadLettered)


async def test_an_unavailable_store_delays_the_job_until_it_works(platform: Platform) -> None:
    store = FlakyStore(platform.artifacts, failures=1)
    async with open_bench(replace(platform, artifacts=store)) as bench:
        await bench.add_proteins(SEQUENCES)
        job_id = await fit(bench)
        (message,) = await bench.take_messages(job_id)

        assert await bench.deliver(message) == Acknowledged()

        assert (await bench.job(job_id)).status is JobStatus.QUEUED
        assert await bench.configs() == []
        job = await bench.run(job_id)
        assert (job.status, job.attempt) == (JobStatus.SUCCEEDED, 2)


async def test_no_sequence_is_told_in_a_progress_event_or_result(bench: EmbedderBench) -> None:
    await bench.add_proteins(SEQUENCES)
    job_id = await fit(bench)

    await bench.run(job_id)

    told = await bench.told(job_id)
    assert told
    assert not any(sequence in told for sequence in SEQUENCES)
