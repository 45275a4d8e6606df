"""``compute_embeddings``, the coordinator: which sequences are embedded, and in which batches."""

from __future__ import annotations

from uuid import UUID, uuid4

import numpy as np
import pytest

from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import ComputeEmbeddings
from protea_common.orm import JobStatus
from support.embedder_bench import EmbedderBench, expected_vectors
from support.proteins import random_proteins

SEQUENCES = random_proteins(9)


def assert_embedded(found: dict[str, np.ndarray], sequences: list[str]) -> None:
    assert set(found) == set(sequences)
    for sequence, vector in zip(sequences, expected_vectors(sequences), strict=True):
        np.testing.assert_array_equal(found[sequence], vector)


async def compute(bench: EmbedderBench, **payload: object) -> UUID:
    return await bench.submit_compute(ComputeEmbeddings.model_validate(payload))


async def test_every_protein_gets_the_vector_that_the_encoder_gives_in_half_precision(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins([*SEQUENCES, SEQUENCES[0], None])
    await bench.add_sequence("MKVMKVMKV")  # of no protein

    job = await bench.run(await compute(bench, embedding_config_id=config.id, sequences_per_job=4))

    assert job.status is JobStatus.SUCCEEDED
    assert_embedded(await bench.vectors(), SEQUENCES)
    assert job.result == {
        "embedding_config_id": str(config.id),
        "sequences": 9,
        "residues": sum(map(len, SEQUENCES)),
        "vectors_written": 9,
        "truncated": 0,
        "in_windows": 0,
        "batches": 3,
        "skipped_existing": 0,
    }
    assert (job.progress_current, job.progress_total) == (3, 3)


async def test_batches_hold_sequences_of_similar_length(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)

    job_id = await compute(bench, embedding_config_id=config.id, sequences_per_job=4)
    (message,) = await bench.take_messages(job_id)
    await bench.deliver(message)

    longest_first = sorted(map(len, SEQUENCES), reverse=True)
    requests = [batch.request for batch in await bench.batches(job_id)]
    assert [request["sequences"] for request in requests] == [4, 4, 1]
    assert [request["residues"] for request in requests] == [
        sum(longest_first[:4]),
        sum(longest_first[4:8]),
        longest_first[8],
    ]


async def test_a_query_set_is_embedded_alone(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES[:4])
    query_set_id = await bench.add_query_set({"q1": SEQUENCES[5], "q2": SEQUENCES[6], "q3": SEQUENCES[5]})

    job = await bench.run(await compute(bench, embedding_config_id=config.id, query_set_id=query_set_id))

    assert job.status is JobStatus.SUCCEEDED
    assert_embedded(await bench.vectors(), SEQUENCES[5:7])


async def test_accessions_choose_proteins(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)

    job = await bench.run(await compute(bench, embedding_config_id=config.id, accessions=["P1", "P4", "P1"]))

    assert job.status is JobStatus.SUCCEEDED
    assert_embedded(await bench.vectors(), [SEQUENCES[1], SEQUENCES[4]])


async def test_unknown_accessions_fail_the_job_with_the_first_of_them_and_their_count(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins([SEQUENCES[0], None])
    unknown = [f"X{number}" for number in range(7)]

    job = await bench.run(await compute(bench, embedding_config_id=config.id, accessions=["P0", "P1", *unknown]))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "UnknownAccessionsError")
    # P1 is a protein without a sequence.
    assert "8 of the accessions have no sequence in the database: P1, X0, X1, X2, X3 and 3 more." in str(
        job.error_message
    )


@pytest.mark.parametrize(
    ("payload", "error_code"),
    [
        ({"embedding_config_id": str(uuid4())}, "EmbeddingConfigNotFoundError"),
        ({"query_set_id": str(uuid4())}, "QuerySetNotFoundError"),
        ({"query_set_id": str(uuid4()), "accessions": ["P0"]}, "AmbiguousSelectionError"),
    ],
)
async def test_what_cannot_be_embedded_fails_the_job_at_once(
    bench: EmbedderBench, payload: dict[str, object], error_code: str
) -> None:
    config = await bench.add_kmer_config()
    job_id = await compute(bench, **{"embedding_config_id": config.id, **payload})
    (message,) = await bench.take_messages(job_id)

    disposition = await bench.deliver(message)

    job = await bench.job(job_id)
    assert (job.status, job.error_code, job.attempt) == (JobStatus.FAILED, error_code, 1)
    assert isinstance(disposition, DeadLettered)


async def test_without_proteins_the_job_ends_at_once_with_zero_counts(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()

    job = await bench.run(await compute(bench, embedding_config_id=config.id))

    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    assert (job.result["sequences"], job.result["batches"], job.result["skipped_existing"]) == (0, 0, 0)


async def test_what_is_embedded_already_is_not_computed_again(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES[:5])
    await bench.run(await compute(bench, embedding_config_id=config.id))
    await bench.execute("UPDATE sequence_embedding SET embedding = '[1, 2]'")

    again = await bench.run(await compute(bench, embedding_config_id=config.id))
    await bench.add_proteins(SEQUENCES[5:7], prefix="Q")
    more = await bench.run(await compute(bench, embedding_config_id=config.id))

    assert again.result is not None
    assert (again.result["batches"], again.result["skipped_existing"]) == (0, 5)
    assert more.result is not None
    assert (more.result["sequences"], more.result["skipped_existing"]) == (2, 5)
    found = await bench.vectors()
    assert [found[sequence].tolist() for sequence in SEQUENCES[:5]] == [[1, 2]] * 5
    assert_embedded({sequence: found[sequence] for sequence in SEQUENCES[5:7]}, SEQUENCES[5:7])


async def test_vectors_of_another_recipe_do_not_count_as_embedded(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    other = await bench.add_kmer_config(normalize=False)
    await bench.add_proteins(SEQUENCES[:2])
    await bench.run(await compute(bench, embedding_config_id=other.id))

    job = await bench.run(await compute(bench, embedding_config_id=config.id))

    assert job.result is not None
    assert job.result["vectors_written"] == 2


async def test_without_skip_existing_the_rows_are_replaced(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    await bench.run(await compute(bench, embedding_config_id=config.id))
    await bench.execute("UPDATE sequence_embedding SET embedding = '[1, 2]', embedding_dim = 2, residues = 0")

    job = await bench.run(await compute(bench, embedding_config_id=config.id, skip_existing=False))

    assert job.result is not None
    assert (job.result["vectors_written"], job.result["skipped_existing"]) == (9, 0)
    assert_embedded(await bench.vectors(), SEQUENCES)
    assert await bench.scalar("SELECT sum(residues) FROM sequence_embedding") == sum(map(len, SEQUENCES))
    assert await bench.scalar("SELECT count(*) FROM sequence_embedding WHERE embedding_dim = 428") == 9


async def test_a_second_delivery_of_the_job_cuts_it_once(bench: EmbedderBench) -> None:
    config = await bench.add_kmer_config()
    await bench.add_proteins(SEQUENCES)
    job_id = await compute(bench, embedding_config_id=config.id, sequences_per_job=4)
    (message,) = await bench.take_messages(job_id)

    assert [await bench.deliver(message) for _ in range(2)] == [Acknowledged(), Acknowledged()]

    assert len(await bench.batches(job_id)) == 3
    assert len(await bench.take_messages(job_id)) == 3
