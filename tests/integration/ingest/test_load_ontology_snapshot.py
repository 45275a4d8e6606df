"""``load_ontology_snapshot``: one release, once, with the file it came from."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from protea_common.db import session_scope
from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import LoadOntologySnapshot
from protea_common.orm import Job, JobStatus, OntologySnapshot
from protea_common.runtime import Platform
from support.data_files import EDGE_CASES
from support.ingest_bench import IngestBench, obo, open_bench, with_store_that_fails

PROCESS = "namespace: biological_process"
ONTOLOGY = obo(
    f'GO:0008150\nname: biological_process\n{PROCESS}\ndef: "A \\"process\\"." [GOC:x]',
    f"GO:0000001\nname: narrower\n{PROCESS}\nalt_id: GO:0000011\nalt_id: GO:0000012\nis_a: GO:0008150 ! process",
    f"GO:0000002\nname: part\n{PROCESS}\nrelationship: part_of GO:0000001\nrelationship: regulates GO:9999999",
    f"GO:0000003\nname: gone\n{PROCESS}\nis_obsolete: true\nreplaced_by: GO:0000001\nconsider: GO:0000002",
    "GO:0000004\nname: lost\nis_obsolete: true",
)
DIGEST = hashlib.sha256(ONTOLOGY.encode()).hexdigest()
TABLES = ("ontology_snapshot", "go_term", "go_term_relationship")


def result_of(job: Job) -> dict[str, object]:
    assert job.result is not None
    return job.result


async def count_rows(bench: IngestBench) -> list[int]:
    return [await bench.scalar(f"SELECT count(*) FROM {table}") for table in TABLES]  # noqa: S608 - three names


async def test_a_release_is_stored_with_its_terms_and_relations(bench: IngestBench) -> None:
    payload = LoadOntologySnapshot(source_uri=await bench.upload(ONTOLOGY), ia_url="https://example.org/ia.tsv")

    job = await bench.run("load_ontology_snapshot", payload)

    snapshot_id = result_of(job)["ontology_snapshot_id"]
    assert job.status is JobStatus.SUCCEEDED
    assert job.result == {
        "ontology_snapshot_id": snapshot_id,
        "obo_version": "releases/2024-01-17",
        "terms_inserted": 5,
        "relationships_inserted": 2,
        "obsolete": 2,
        "alt_ids": 2,
        "dropped_relations": 1,
    }
    assert await bench.rows(
        "SELECT CAST(id AS text), obo_url, obo_version, obo_sha256, ia_url, term_count, relationship_count"
        " FROM ontology_snapshot"
    ) == [
        (snapshot_id, payload.source_uri, "releases/2024-01-17", DIGEST, "https://example.org/ia.tsv", 5, 2),
    ]
    assert await bench.rows(
        "SELECT go_id, name, aspect, definition, is_obsolete, alt_ids, replaced_by, consider FROM go_term ORDER BY 1"
    ) == [
        ("GO:0000001", "narrower", "P", None, False, ["GO:0000011", "GO:0000012"], [], []),
        ("GO:0000002", "part", "P", None, False, [], [], []),
        ("GO:0000003", "gone", "P", None, True, [], ["GO:0000001"], ["GO:0000002"]),
        ("GO:0000004", "lost", None, None, True, [], [], []),
        ("GO:0008150", "biological_process", "P", 'A "process".', False, [], [], []),
    ]
    assert await bench.rows(
        "SELECT child.go_id, relation_type, parent.go_id FROM go_term_relationship"
        " JOIN go_term child ON child.id = child_go_term_id JOIN go_term parent ON parent.id = parent_go_term_id"
        " ORDER BY 1"
    ) == [("GO:0000001", "is_a", "GO:0008150"), ("GO:0000002", "part_of", "GO:0000001")]
    assert await bench.published("ontology.loaded", job.id) == [
        {"job_id": str(job.id), "ontology_snapshot_id": snapshot_id, "obo_version": "releases/2024-01-17", "terms": 5}
    ]
    assert (job.progress_current, job.progress_total) == (3, 3)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
async def test_the_exact_file_is_archived_under_its_digest(bench: IngestBench, *, compressed: bool) -> None:
    await bench.load_ontology(gzip.compress(ONTOLOGY.encode()) if compressed else ONTOLOGY)

    artifacts = bench.platform.artifacts
    archived = await artifacts.get(f"ontologies/{DIGEST}.obo.gz")
    assert gzip.decompress(archived).decode() == ONTOLOGY
    assert await bench.scalar("SELECT artifact_uri FROM ontology_snapshot") == artifacts.url(
        f"ontologies/{DIGEST}.obo.gz"
    )


async def test_the_same_text_again_is_skipped_compressed_or_not(bench: IngestBench) -> None:
    first = await bench.load_ontology(ONTOLOGY)

    again = await bench.load_ontology(gzip.compress(ONTOLOGY.encode()))

    assert again.status is JobStatus.SUCCEEDED
    assert again.result == {"skipped": True, "ontology_snapshot_id": result_of(first)["ontology_snapshot_id"]}
    assert await bench.published("ontology.loaded", again.id) == []
    assert await count_rows(bench) == [1, 5, 2]


async def test_another_file_of_a_loaded_version_is_refused_by_both_digests(bench: IngestBench) -> None:
    await bench.load_ontology(ONTOLOGY)
    other = ONTOLOGY.replace("narrower", "broader")

    job = await bench.load_ontology(other)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "OntologyVersionClashError")
    assert job.error_message is not None
    assert DIGEST in job.error_message
    assert hashlib.sha256(other.encode()).hexdigest() in job.error_message
    assert await count_rows(bench) == [1, 5, 2]


async def test_two_releases_live_side_by_side(bench: IngestBench) -> None:
    await bench.load_ontology(ONTOLOGY)

    await bench.load_ontology(ONTOLOGY.replace("2024-01-17", "2024-06-17"))

    assert await count_rows(bench) == [2, 10, 4]


async def test_a_second_delivery_changes_nothing(bench: IngestBench) -> None:
    job = await bench.load_ontology(ONTOLOGY)

    assert await bench.deliver(job.id) == Acknowledged()

    assert await count_rows(bench) == [1, 5, 2]
    assert len(await bench.published("ontology.loaded", job.id)) == 1


async def test_of_two_loads_at_once_the_second_finds_the_first(bench: IngestBench, platform: Platform) -> None:
    other_id = uuid4()
    payload = LoadOntologySnapshot(source_uri=await bench.upload(ONTOLOGY))
    job_id = await bench.submit("load_ontology_snapshot", payload)
    async with session_scope(platform.session_factory) as session:
        other = {"obo_url": "x", "obo_version": "releases/2024-01-17", "obo_sha256": DIGEST}
        await session.execute(insert(OntologySnapshot).values(id=other_id, **other))
        running = bench.deliver_soon(job_id)
        await bench.until_blocked()
    assert await running == Acknowledged()
    assert (await bench.job(job_id)).status is JobStatus.QUEUED

    await bench.deliver(job_id)

    assert (await bench.job(job_id)).result == {"skipped": True, "ontology_snapshot_id": str(other_id)}
    assert await count_rows(bench) == [1, 0, 0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (obo(f"GO:0008150\nname: x\n{PROCESS}", version=None), "OboFormatError"),
        (obo(), "OboFormatError"),
        (obo("GO:0008150\nname: x\nnamespace: cooking"), "OboFormatError"),
        (b"\x00\x01\x02binary", "NotTextError"),
        (gzip.compress(ONTOLOGY.encode())[:-9], "TruncatedGzipError"),
        (EDGE_CASES / "goslim_generic_excerpt.obo", "OboFormatError"),
    ],
    ids=["no-version", "no-terms", "unknown-namespace", "binary", "truncated-gzip", "real-slim-without-version"],
)
async def test_a_bad_file_fails_for_good_and_leaves_nothing(
    bench: IngestBench, content: str | bytes | Path, code: str
) -> None:
    job_id = await bench.submit("load_ontology_snapshot", LoadOntologySnapshot(source_uri=await bench.upload(content)))

    outcome = await bench.deliver(job_id)

    assert isinstance(outcome, DeadLettered)
    assert ((await bench.job(job_id)).status, outcome.error_code) == (JobStatus.FAILED, code)
    assert await count_rows(bench) == [0, 0, 0]


async def test_a_store_that_does_not_take_the_archive_is_waited_for(platform: Platform, sources: Path) -> None:
    file = sources / "go.obo"
    file.write_text(ONTOLOGY)
    async with open_bench(with_store_that_fails(platform, times=1)) as flaky:
        job_id = await flaky.submit("load_ontology_snapshot", LoadOntologySnapshot(source_uri=file.as_uri()))

        assert await flaky.deliver(job_id) == Acknowledged()
        assert (await flaky.job(job_id)).status is JobStatus.QUEUED
        assert await count_rows(flaky) == [0, 0, 0]
        await flaky.deliver(job_id)

        assert (await flaky.job(job_id)).status is JobStatus.SUCCEEDED
        assert await count_rows(flaky) == [1, 5, 2]


@pytest.mark.parametrize("table", TABLES)
async def test_a_load_that_is_cancelled_while_it_writes_leaves_nothing(bench: IngestBench, table: str) -> None:
    payload = LoadOntologySnapshot(source_uri=await bench.upload(ONTOLOGY))
    job_id = await bench.submit("load_ontology_snapshot", payload)

    async with bench.stuck(job_id, table=table) as running:
        await bench.cancel(job_id)
        assert await running == Acknowledged()

    assert (await bench.job(job_id)).status is JobStatus.CANCELLED
    assert await count_rows(bench) == [0, 0, 0]


async def test_a_load_that_loses_its_connection_is_rolled_back_and_then_complete(bench: IngestBench) -> None:
    payload = LoadOntologySnapshot(source_uri=await bench.upload(ONTOLOGY))
    job_id = await bench.submit("load_ontology_snapshot", payload)
    async with bench.stuck(job_id, table="go_term_relationship") as running:
        await bench.disconnect_blocked()
        await running
    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert await count_rows(bench) == [0, 0, 0]

    await bench.deliver(job_id)

    assert UUID(str(result_of(await bench.job(job_id))["ontology_snapshot_id"]))
    assert await count_rows(bench) == [1, 5, 2]
