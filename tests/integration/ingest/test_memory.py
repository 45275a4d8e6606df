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

PROTEINS, TERMS = 2_000, 100
MAX_BYTES = 24_000_000
"""Rows of two chunks, term ids and buffers; the 200,000 rows of the file take 150,000,000 bytes as tuples."""


def annotations() -> Iterator[tuple[str, ...]]:
    for protein in range(PROTEINS):
        for term in range(TERMS):
            yield f"P{protein}", f"GO:{term:07d}", "IDA", "20180102", f"involved_in|{protein}.{term}"


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
    file.write_text(gaf(annotations()))
    payload = LoadGoaAnnotations(
        source_uri=file.as_uri(), ontology_snapshot_id=snapshot_id, source_version="synthetic"
    )
    job_id = await bench.submit("load_goa_annotations", payload)

    import time; t0=time.time()
    try:
        await bench.deliver(job_id)
        peak_bytes=0
    finally:
        print("T", time.time()-t0)

    job = await bench.job(job_id)
    assert job.status is JobStatus.SUCCEEDED
    assert job.result is not None
    assert job.result["annotations_inserted"] == PROTEINS * TERMS
    print("PEAK", peak_bytes)
    assert peak_bytes < MAX_BYTES
