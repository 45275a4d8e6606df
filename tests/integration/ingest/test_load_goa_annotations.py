"""``load_goa_annotations``: what is kept of a GAF, what is left out and why, and that a job makes one set."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4, uuid5

import pytest

from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.orm import Job, JobStatus
from protea_common.runtime import Platform
from protea_common.settings import OperationTuning
from support.ingest_bench import IngestBench, gaf, obo, open_bench, with_store_that_fails

PROCESS = "namespace: biological_process"
ONTOLOGY = obo(
    f"GO:0008150\nname: process\n{PROCESS}",
    f"GO:0000001\nname: one\n{PROCESS}\nalt_id: GO:0000011",
    f"GO:0000002\nname: two\n{PROCESS}",
    f"GO:0000003\nname: gone\n{PROCESS}\nis_obsolete: true\nreplaced_by: GO:0000001",
)
PROTEINS = ">P1\nMK\n>P2\nMKV\n>P3-2\nMKVL\n"

ANNOTATIONS = (
    gaf(
        [
            ("P1", "GO:0000001", "IDA", "20180102", "involved_in"),
            ("P1", "GO:0000001", "IDA", "20160506", "acts_upstream_of"),
            ("P1", "GO:0000011", "IDA", "20170101"),
            ("P1", "GO:0000001", "IDA", "20150101", "NOT|involved_in"),
            ("P1", "GO:0000001", "IEA", "20190101"),
            ("P2", "GO:0000011", "IMP", "20100101"),
            ("P2", "GO:0000003", "IMP", "20100101"),
            ("P2", "GO:7777777", "IMP", "20100101"),
            ("P3-2", "GO:0000001", "IMP", "20100101"),
            ("P9", "GO:0000003", "IMP", "20100101"),
            ("P2", "GO:0000002", "IMP", "20190230"),
            ("P2", "GO:2", "IMP", "20190101"),
            ("P2", "GO:0000002", "", "20190101"),
        ]
    )
    + "UniProtKB\tP2\ttoo short\n"
)

REJECTED = {
    "short_line": 1,
    "bad_go_id": 1,
    "missing_evidence_code": 1,
    "bad_date": 1,
    "unknown_protein": 2,
    "unknown_go_id": 1,
    "obsolete_term": 1,
    "duplicate": 2,
}

ROWS = (
    "SELECT protein_accession, go_id, evidence_code, is_negated, qualifier, annotation_date, db_reference, with_from,"
    " assigned_by FROM protein_go_annotation JOIN go_term ON go_term.id = go_term_id ORDER BY 1, 2, 3, 4"
)


@pytest.fixture
async def snapshot_id(bench: IngestBench) -> UUID:
    await bench.load_proteins(PROTEINS)
    return await bench.snapshot(ONTOLOGY)


def result_of(job: Job) -> dict[str, object]:
    assert job.result is not None
    return job.result


async def count_rows(bench: IngestBench) -> tuple[int, int]:
    sets = await bench.scalar("SELECT count(*) FROM annotation_set")
    return sets, await bench.scalar("SELECT count(*) FROM protein_go_annotation")


async def test_what_fits_is_kept_once_and_the_rest_is_counted_by_reason(bench: IngestBench, snapshot_id: UUID) -> None:
    job = await bench.load_annotations(ANNOTATIONS, snapshot_id)

    set_id = uuid5(job.id, "annotation_set")
    assert job.result == {
        "annotation_set_id": str(set_id),
        "lines": 14,
        "annotations_inserted": 4,
        "rejected": REJECTED,
        "remapped_alt_ids": 2,
    }
    assert 4 + sum(REJECTED.values()) == 14
    common = ("PMID:1", None, "UniProt")
    assert await bench.rows(ROWS) == [
        ("P1", "GO:0000001", "IDA", False, "acts_upstream_of", "20160506", *common),
        ("P1", "GO:0000001", "IDA", True, "NOT|involved_in", "20150101", *common),
        ("P1", "GO:0000001", "IEA", False, None, "20190101", *common),
        ("P2", "GO:0000001", "IMP", False, None, "20100101", *common),
    ]
    assert await bench.published("annotations.loaded", job.id) == [
        {
            "job_id": str(job.id),
            "annotation_set_id": str(set_id),
            "ontology_snapshot_id": str(snapshot_id),
            "annotations": 4,
        }
    ]


async def test_the_set_tells_where_it_came_from_and_how_the_load_went(bench: IngestBench, snapshot_id: UUID) -> None:
    job = await bench.load_annotations(
        gzip.compress(ANNOTATIONS.encode()), snapshot_id, annotated_before=date(2017, 1, 1)
    )

    ((*columns, meta),) = await bench.rows(
        "SELECT id, source, source_version, content_sha256, annotation_count, annotated_before, ontology_snapshot_id,"
        " job_id, meta FROM annotation_set"
    )
    assert columns == [
        uuid5(job.id, "annotation_set"),
        "goa",
        "220",
        hashlib.sha256(ANNOTATIONS.encode()).hexdigest(),
        3,
        date(2017, 1, 1),
        snapshot_id,
        job.id,
    ]
    rejected = {name: number for name, number in REJECTED.items() if name != "duplicate"} | {"after_cutoff": 3}
    assert meta == {
        "gaf": {"gaf_version": "2.2", "date_generated": "2019-01-14", "generated_by": "GOC", "go_version": None},
        "annotated_before": "2017-01-01",
        "lines": 14,
        "rejected": rejected,
        "remapped_alt_ids": 1,
    }
    assert result_of(job)["rejected"] == rejected


async def test_duplicates_are_found_over_the_borders_of_chunks(platform: Platform, snapshot_id: UUID) -> None:
    tuning = platform.settings.tuning.model_copy(update={"operation": OperationTuning(annotation_chunk_size=1)})
    settings = platform.settings.model_copy(update={"tuning": tuning})
    async with open_bench(replace(platform, settings=settings)) as bench:
        job = await bench.load_annotations(ANNOTATIONS, snapshot_id)

        assert result_of(job)["rejected"] == REJECTED


async def test_a_second_delivery_changes_nothing(bench: IngestBench, snapshot_id: UUID) -> None:
    job = await bench.load_annotations(ANNOTATIONS, snapshot_id)

    assert await bench.deliver(job.id) == Acknowledged()

    assert await count_rows(bench) == (1, 4)
    assert len(await bench.published("annotations.loaded", job.id)) == 1


async def test_another_job_makes_another_set(bench: IngestBench, snapshot_id: UUID) -> None:
    first = await bench.load_annotations(ANNOTATIONS, snapshot_id)

    second = await bench.load_annotations(ANNOTATIONS, snapshot_id)

    assert result_of(first)["annotation_set_id"] != result_of(second)["annotation_set_id"]
    assert await count_rows(bench) == (2, 8)


async def test_a_file_of_which_nothing_fits_says_what_to_load_first(bench: IngestBench) -> None:
    snapshot_id = await bench.snapshot(ONTOLOGY)

    job = await bench.load_annotations(ANNOTATIONS, snapshot_id)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NoAnnotationKeptError")
    assert job.error_message == (
        "No annotation of the file was kept (bad_date: 1, bad_go_id: 1, missing_evidence_code: 1, short_line: 1, "
        "unknown_protein: 10); load the proteins of this file first (operation load_proteins)."
    )
    assert await count_rows(bench) == (0, 0)


async def test_a_cutoff_before_everything_is_told_as_such(bench: IngestBench, snapshot_id: UUID) -> None:
    job = await bench.load_annotations(ANNOTATIONS, snapshot_id, annotated_before=date(2000, 1, 1))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "NoAnnotationKeptError")
    assert "choose a later annotated_before" in (job.error_message or "")


async def test_an_unknown_ontology_release_fails_for_good(bench: IngestBench) -> None:
    job = await bench.load_annotations(ANNOTATIONS, uuid4())

    assert (job.status, job.error_code) == (JobStatus.FAILED, "OntologySnapshotNotFoundError")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "GafFormatError"),
        (gaf([]), "GafFormatError"),
        (gaf([("P1", "GO:0000001", "IDA", "20180102")], version="1.0"), "GafFormatError"),
        (b"\x00\x01\x02binary", "NotTextError"),
        (gzip.compress(ANNOTATIONS.encode())[:-9], "TruncatedGzipError"),
    ],
    ids=["empty", "no-annotations", "old-version", "binary", "truncated-gzip"],
)
async def test_a_bad_file_fails_for_good_and_leaves_nothing(
    bench: IngestBench, snapshot_id: UUID, content: str | bytes, code: str
) -> None:
    job_id = await bench.submit("load_goa_annotations", await bench.annotations_of(content, snapshot_id))

    outcome = await bench.deliver(job_id)

    assert isinstance(outcome, DeadLettered)
    assert ((await bench.job(job_id)).status, outcome.error_code) == (JobStatus.FAILED, code)
    assert await count_rows(bench) == (0, 0)


async def test_a_store_that_does_not_answer_is_waited_for(
    platform: Platform, bench: IngestBench, snapshot_id: UUID
) -> None:
    payload = await bench.annotations_of(ANNOTATIONS, snapshot_id)
    async with open_bench(with_store_that_fails(platform, times=1)) as flaky:
        job_id = await flaky.submit("load_goa_annotations", payload)

        assert await flaky.deliver(job_id) == Acknowledged()
        assert (await flaky.job(job_id)).status is JobStatus.QUEUED
        await flaky.deliver(job_id)

        assert (await flaky.job(job_id)).status is JobStatus.SUCCEEDED
        assert await count_rows(flaky) == (1, 4)


async def test_a_load_that_is_cancelled_while_it_writes_leaves_nothing(bench: IngestBench, snapshot_id: UUID) -> None:
    job_id = await bench.submit("load_goa_annotations", await bench.annotations_of(ANNOTATIONS, snapshot_id))

    async with bench.stuck(job_id, table="protein_go_annotation") as running:
        await bench.cancel(job_id)
        assert await running == Acknowledged()

    assert (await bench.job(job_id)).status is JobStatus.CANCELLED
    assert await count_rows(bench) == (0, 0)
    assert await bench.published("annotations.loaded", job_id) == []


async def test_a_load_that_loses_its_connection_is_rolled_back_and_then_complete(
    bench: IngestBench, snapshot_id: UUID
) -> None:
    job_id = await bench.submit("load_goa_annotations", await bench.annotations_of(ANNOTATIONS, snapshot_id))
    async with bench.stuck(job_id, table="protein_go_annotation") as running:
        await bench.disconnect_blocked()
        await running
    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert await count_rows(bench) == (0, 0)

    await bench.deliver(job_id)

    job = await bench.job(job_id)
    assert (job.status, result_of(job)["rejected"]) == (JobStatus.SUCCEEDED, REJECTED)
    assert await count_rows(bench) == (1, 4)


async def test_two_workers_that_hold_the_same_job_make_one_set(bench: IngestBench, snapshot_id: UUID) -> None:
    """The first worker's lease is taken away while it writes; the second waits for its rollback and does the work."""
    job_id = await bench.submit("load_goa_annotations", await bench.annotations_of(ANNOTATIONS, snapshot_id))
    async with bench.stuck(job_id, table="protein_go_annotation") as first:
        await bench.execute("UPDATE job SET status = 'QUEUED', lease_token = NULL, leased_until = NULL")
        second = bench.deliver_soon(job_id)
        assert await first == Acknowledged()
    assert await second == Acknowledged()

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
    assert await count_rows(bench) == (1, 4)
