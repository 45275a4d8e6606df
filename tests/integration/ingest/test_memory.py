"""The memory that a load takes does not grow with its file."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from protea_common.operations import LoadGoaAnnotations
from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from protea_common.settings import OperationTuning
from support.ingest_bench import IngestBench, gaf, obo, open_bench

PROTEINS, TERMS, DATES = 200, 100, 10
MAX_BYTES = 16_000_000
"""Two chunks of rows, term ids and buffers: half of it was seen. As a list, the 200,000 rows take 104,000,000 bytes."""


def annotation_rows() -> Iterator[tuple[str, ...]]:
    for protein in range(PROTEINS):
        for term in range(TERMS):
            for day in range(10, 10 + DATES):
                yield f"P{protein}", f"GO:{term:07d}", "IDA", f"201801{day}", f"involved_in|{protein}.{term}"


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[IngestBench]:
    tuning = platform.settings.tuning.model_copy(update={"operation": OperationTuning(annotation_chunk_size=5_000)})
    settings = platform.settings.model_copy(update={"tuning": tuning})
    async with open_bench(replace(platform, settings=settings)) as bench:
        yield bench


async def test_a_file_of_200_000_annotations_is_loaded_in_little_memory(bench: IngestBench, sources: Path) -> None:
    await bench.load_proteins("".join(f">P{number}\nMK{'A' * number}\n" for number in range(PROTEINS)))
    snapshot_id = await bench.snapshot(
        obo(*(f"GO:{term:07d}\nname: x\nnamespace: biological_process" for term in range(TERMS)))
    )
    file = sources / "annotations.gaf"
    file.write_text(gaf(annotation_rows()))
    payload = LoadGoaAnnotations(source_uri=file.as_uri(), ontology_snapshot_id=snapshot_id, source_version="synthetic")
    job_id = await bench.submit("load_goa_annotations", payload)

    tracemalloc.start()
    try:
        await bench.deliver(job_id)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    job = await bench.job(job_id)
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    assert job.result["lines"] == 200_000
    assert job.result["annotations_inserted"] == PROTEINS * TERMS
    assert peak_bytes < MAX_BYTES
