"""``load_proteins``: what a FASTA file leaves in the database, however often and however badly it arrives."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import LoadProteins
from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from protea_ingest.settings import IngestSettings
from support.ingest_bench import IngestBench, open_bench, with_store_that_fails

FASTA = """>sp|P12345|ABC_DROME Protein abc OS=Drosophila melanogaster OX=7227 GN=abc PE=1 SV=2
MKVLAAGIVG
LLAQ
>sp|P12345-2|ABC_DROME Isoform 2 of Protein abc OS=Drosophila melanogaster OX=7227 GN=abc
mkvlaa
>tr|Q99999|Q99999_HUMAN Another OS=Homo sapiens OX=9606
MKVLAA*
>bare
MKVUW
"""

COUNTS = {
    "proteins_inserted": 4,
    "proteins_updated": 0,
    "sequences_inserted": 3,
    "sequences_reused": 0,
    "isoform_records": 1,
    "retrieved_records": 4,
    "sequence_conflicts": 0,
}

PROTEINS = (
    "SELECT accession, canonical_accession, is_canonical, isoform_index, entry_name, reviewed, taxonomy_id, organism,"
    " gene_name, protein.length, sequence FROM protein JOIN sequence ON sequence.id = sequence_id ORDER BY accession"
)


async def count_rows(bench: IngestBench) -> tuple[int, int]:
    return await bench.scalar("SELECT count(*) FROM protein"), await bench.scalar("SELECT count(*) FROM sequence")


async def test_every_record_becomes_a_protein_and_every_distinct_sequence_a_row(bench: IngestBench) -> None:
    job = await bench.load_proteins(FASTA)

    assert (job.status, job.result) == (JobStatus.SUCCEEDED, COUNTS)
    fly = (7227, "Drosophila melanogaster", "abc")
    assert await bench.rows(PROTEINS) == [
        ("P12345", "P12345", True, None, "ABC_DROME", True, *fly, 14, "MKVLAAGIVGLLAQ"),
        ("P12345-2", "P12345", False, 2, "ABC_DROME", True, *fly, 6, "MKVLAA"),
        ("Q99999", "Q99999", True, None, "Q99999_HUMAN", False, 9606, "Homo sapiens", None, 6, "MKVLAA"),
        ("bare", "bare", True, None, None, None, None, None, None, 5, "MKVUW"),
    ]
    assert await bench.published("proteins.loaded", job.id) == [
        {"job_id": str(job.id), "proteins": 4, "sequences": 3},
    ]


async def test_progress_ends_at_the_size_of_the_file(bench: IngestBench) -> None:
    job = await bench.load_proteins(gzip.compress(FASTA.encode(), mtime=0))

    size = len(gzip.compress(FASTA.encode(), mtime=0))
    assert (job.progress_current, job.progress_total) == (size, size)


async def test_a_second_delivery_changes_nothing(bench: IngestBench) -> None:
    job = await bench.load_proteins(FASTA)

    assert await bench.deliver(job.id) == Acknowledged()

    assert (await bench.job(job.id)).result == COUNTS
    assert len(await bench.published("proteins.loaded", job.id)) == 1


async def test_the_same_file_again_reuses_everything(bench: IngestBench) -> None:
    await bench.load_proteins(FASTA)

    again = await bench.load_proteins(FASTA)

    assert again.result == COUNTS | {"proteins_inserted": 0, "sequences_inserted": 0, "sequences_reused": 3}
    assert await count_rows(bench) == (4, 3)


async def test_a_file_that_is_read_in_many_chunks_gives_the_same_rows(platform: Platform) -> None:
    async with open_bench(platform, settings=IngestSettings(protein_chunk_size=1)) as bench:
        job = await bench.load_proteins(FASTA)

        assert job.result == COUNTS


async def test_a_known_protein_is_filled_in_where_it_is_null_and_derived_anew(bench: IngestBench) -> None:
    await bench.execute(
        "INSERT INTO protein (accession, canonical_accession, is_canonical, gene_name, taxonomy_id)"
        " VALUES ('P12345-2', 'P12345-2', true, 'older', NULL), ('unrelated', 'unrelated', true, NULL, NULL)"
    )

    job = await bench.load_proteins(FASTA)

    assert job.result == COUNTS | {"proteins_inserted": 3, "proteins_updated": 1}
    (known,) = await bench.rows(PROTEINS.replace("ORDER BY", "WHERE accession = 'P12345-2' ORDER BY"))
    assert known[:4] == ("P12345-2", "P12345", False, 2)
    assert known[6:] == (7227, "Drosophila melanogaster", "older", 6, "MKVLAA")


async def test_a_known_protein_keeps_another_sequence_and_the_timeline_warns(bench: IngestBench) -> None:
    await bench.load_proteins(">P12345\nMKWWW\n")

    job = await bench.load_proteins(FASTA)

    assert job.result == COUNTS | {"proteins_inserted": 3, "proteins_updated": 1, "sequence_conflicts": 1}
    ((sequence, length, gene),) = await bench.rows(
        "SELECT sequence, protein.length, gene_name FROM protein JOIN sequence ON sequence.id = sequence_id"
        " WHERE accession = 'P12345'"
    )
    assert (sequence, length, gene) == ("MKWWW", 5, "abc")
    ((level, message, fields),) = await bench.rows(
        "SELECT level, message, fields FROM job_event WHERE event = 'load_proteins.sequence_conflicts'"
    )
    assert (level, fields) == ("warning", {"sequence_conflicts": 1, "accessions": ["P12345"]})
    assert "MK" not in message


async def test_a_different_sequence_with_the_same_hash_fails_for_good(bench: IngestBench) -> None:
    await bench.execute("INSERT INTO sequence (sequence, sequence_hash, length) VALUES ('WWWW', md5('MKVLAA'), 4)")

    job = await bench.load_proteins(FASTA)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "SequenceHashCollisionError")
    assert await count_rows(bench) == (0, 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "FastaFormatError"),
        (b"\x00\x01\x02binary", "NotTextError"),
        (b"PK\x03\x04spreadsheet", "NotTextError"),
        (b">P1\nMK\n>P2\nMKV\n>P1\nMKW\n", "DuplicateAccessionError"),
        (b">P1\nMKVLAA\n>P2\nMK-V?\n", "FastaFormatError"),
        (b">P1\nMKVLAA\n>P2\n", "FastaFormatError"),
        (b"MKVLAA\n", "FastaFormatError"),
        (gzip.compress(FASTA.encode())[:-9], "TruncatedGzipError"),
    ],
    ids=["empty", "binary", "office", "duplicate", "illegal-residue", "header-only", "no-header", "truncated-gzip"],
)
async def test_a_bad_file_fails_for_good_and_leaves_nothing(bench: IngestBench, content: bytes, code: str) -> None:
    job_id = await bench.submit("load_proteins", LoadProteins(source_uri=await bench.upload(content)))

    outcome = await bench.deliver(job_id)

    assert isinstance(outcome, DeadLettered)
    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, code)
    assert "MKVLAA" not in (job.error_message or "")
    assert await count_rows(bench) == (0, 0)
    assert await bench.published("proteins.loaded", job_id) == []


async def test_a_file_of_an_allowed_folder_is_loaded(bench: IngestBench, sources: Path) -> None:
    file = sources / "with space.fasta"
    file.write_text(FASTA)

    job = await bench.run("load_proteins", LoadProteins(source_uri=file.as_uri()))

    assert job.result == COUNTS


async def test_a_file_of_another_folder_is_refused_by_the_name_of_the_setting(
    bench: IngestBench, tmp_path: Path
) -> None:
    outside = tmp_path / "secret.fasta"
    outside.write_text(FASTA)

    job = await bench.run("load_proteins", LoadProteins(source_uri=outside.as_uri()))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "SourceNotAllowedError")
    assert "PROTEA_ALLOWED_SOURCE_DIRS" in (job.error_message or "")


async def test_an_upload_that_is_gone_fails_for_good(bench: IngestBench) -> None:
    job = await bench.run("load_proteins", LoadProteins(source_uri="artifact:uploads/gone"))

    assert (job.status, job.error_code) == (JobStatus.FAILED, "SourceNotFoundError")


async def test_a_store_that_does_not_answer_is_waited_for(platform: Platform, bench: IngestBench) -> None:
    source_uri = await bench.upload(FASTA)
    async with open_bench(with_store_that_fails(platform, times=1)) as flaky:
        job_id = await flaky.submit("load_proteins", LoadProteins(source_uri=source_uri))

        assert await flaky.deliver(job_id) == Acknowledged()
        assert (await flaky.job(job_id)).status is JobStatus.QUEUED
        await flaky.deliver(job_id)

        job = await flaky.job(job_id)
    assert (job.status, job.attempt, job.result) == (JobStatus.SUCCEEDED, 2, COUNTS)


async def test_a_load_that_is_cancelled_while_it_writes_leaves_nothing(bench: IngestBench) -> None:
    job_id = await bench.submit("load_proteins", LoadProteins(source_uri=await bench.upload(FASTA)))

    async with bench.stuck(job_id, table="protein") as running:
        await bench.cancel(job_id)
        assert await running == Acknowledged()

    assert (await bench.job(job_id)).status is JobStatus.CANCELLED
    assert await count_rows(bench) == (0, 0)
    assert await bench.published("proteins.loaded", job_id) == []


async def test_a_load_that_loses_its_connection_is_rolled_back_and_then_complete(bench: IngestBench) -> None:
    job_id = await bench.submit("load_proteins", LoadProteins(source_uri=await bench.upload(FASTA)))
    async with bench.stuck(job_id, table="protein") as running:
        await bench.disconnect_blocked()
        await running
    assert (await bench.job(job_id)).status is JobStatus.QUEUED
    assert await count_rows(bench) == (0, 0)

    await bench.deliver(job_id)

    job = await bench.job(job_id)
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, COUNTS)
    assert await count_rows(bench) == (4, 3)


async def test_no_sequence_is_told(bench: IngestBench) -> None:
    await bench.load_proteins(FASTA)

    told = await bench.rows(
        "SELECT body::text || headers::text FROM outbox_event"
        " UNION ALL SELECT event || coalesce(message, '') || fields::text FROM job_event"
        " UNION ALL SELECT coalesce(result::text, '') || coalesce(error_message, '') FROM job"
    )

    assert told
    assert not any("MKV" in row[0] for row in told)
