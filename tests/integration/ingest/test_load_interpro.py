"""``load_interpro_results`` and ``load_interpro_go_mapping``: what their files leave in the database."""

from __future__ import annotations

from datetime import date
from hashlib import md5
from typing import Any

import pytest

from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import LoadInterProGoMapping, LoadInterProResults
from protea_common.orm import Job, JobStatus
from protea_common.runtime import Platform
from support.ingest_bench import IngestBench, open_bench, with_store_that_fails

FASTA = ">sp|P12345|ABC_DROME\nMKVLAAGIVG\n>sp|P67890|DEF_DROME\nMKVLAAGIVG\n>sp|Q99999|GHI_DROME\nMKLLL\n"
MAPPING = "!version\nInterPro:IPR000719 Kinase > GO:kinase ; GO:0004672\nInterPro:IPR000719 K > GO:k ; GO:0004672\n"
ROWS = (
    'SELECT sequence, protein_accession, source_db, accession, start, "end", evidence, ipr_release '
    "FROM interpro_annotation JOIN sequence ON sequence.id = sequence_id ORDER BY sequence, source_db"
)


def hit(residues: str, *, accession: str = "P12345", database: str = "Pfam", entry: str = "IPR000719") -> str:
    digest = md5(residues.encode(), usedforsecurity=False).hexdigest()
    columns = (accession, digest, str(len(residues)), database, "X1", "a domain", "2", "4", "1E-9", "T", "1-1-2017")
    return "\t".join((*columns, entry, "an entry")) + "\n"


RESULTS = "".join(
    (
        "# InterProScan-5.22-61.0\n",
        hit("MKVLAAGIVG"),
        hit("MKVLAAGIVG"),
        hit("MKVLAAGIVG", accession="query-1", database="ProSiteProfiles"),
        hit("MKLLL", entry="-"),
        hit("MKWWW"),
    )
)


async def load_results(bench: IngestBench, content: str, **more: Any) -> Job:
    payload = LoadInterProResults(source_uri=await bench.upload(content), **more)
    return await bench.run("load_interpro_results", payload)


async def test_hits_belong_to_the_sequence_that_has_the_md5(bench: IngestBench) -> None:
    await bench.load_proteins(FASTA)

    job = await load_results(bench, RESULTS)

    assert job.status is JobStatus.SUCCEEDED, job.error_message
    assert job.result == {
        "ipr_release": "5.22-61.0",
        "lines": 5,
        "hits_inserted": 2,
        "sequences": 1,
        "rejected": {"not_integrated": 1, "unknown_sequence": 1, "duplicate": 1},
    }
    found = ("IPR000719", 2, 4, "1E-9", "5.22-61.0")
    assert await bench.rows(ROWS) == [
        ("MKVLAAGIVG", "P12345", "Pfam", *found),
        ("MKVLAAGIVG", None, "ProSiteProfiles", *found),  # scanned under a name that no protein has
    ]


async def test_the_same_file_again_adds_nothing_and_another_release_does(bench: IngestBench) -> None:
    await bench.load_proteins(FASTA)
    await load_results(bench, RESULTS)

    again = await load_results(bench, RESULTS)
    later = await load_results(bench, RESULTS, ipr_release="5.67-99.0")

    assert again.result is not None
    assert later.result is not None
    assert (again.result["hits_inserted"], later.result["hits_inserted"]) == (0, 2)
    assert await bench.scalar("SELECT count(*) FROM interpro_annotation") == 4


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (hit("MKVLAAGIVG"), "InterProReleaseUnknownError", "give ipr_release"),
        ("# InterProScan-5\n" + hit("MKVLAAGIVG", entry="-"), "NoHitKeptError", "-iprlookup"),
        ("# InterProScan-5\n" + hit("MKWWW"), "NoHitKeptError", "load the proteins"),
        ("# InterProScan-5\na,b,c\n", "NoHitKeptError", "-f tsv"),
        ("# InterProScan-5\n", "NoHitKeptError", "it has no line"),
    ],
)
async def test_results_of_which_nothing_can_be_kept_are_refused(
    bench: IngestBench, content: str, error: str, says: str
) -> None:
    await bench.load_proteins(FASTA)
    job_id = await bench.submit("load_interpro_results", LoadInterProResults(source_uri=await bench.upload(content)))

    assert isinstance(await bench.deliver(job_id), DeadLettered)

    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, error)
    assert says in (job.error_message or "")
    assert await bench.scalar("SELECT count(*) FROM interpro_annotation") == 0


async def test_a_second_delivery_changes_nothing(bench: IngestBench) -> None:
    await bench.load_proteins(FASTA)
    job = await load_results(bench, RESULTS)

    assert await bench.deliver(job.id) == Acknowledged()

    assert (await bench.job(job.id)).result == job.result
    assert await bench.scalar("SELECT count(*) FROM interpro_annotation") == 2


async def test_an_artifact_store_that_is_away_is_tried_again(platform: Platform, bench: IngestBench) -> None:
    await bench.load_proteins(FASTA)
    async with open_bench(with_store_that_fails(platform, times=1)) as flaky:
        payload = LoadInterProResults(source_uri=await bench.upload(RESULTS))
        job_id = await flaky.submit("load_interpro_results", payload)

        assert await flaky.deliver(job_id) == Acknowledged()
        assert (await flaky.job(job_id)).status is JobStatus.QUEUED
        await flaky.deliver(job_id)

        assert (await flaky.job(job_id)).status is JobStatus.SUCCEEDED


async def test_a_mapping_is_kept_once_for_each_release(bench: IngestBench) -> None:
    first = await load_mapping(bench, MAPPING, source_version="2017")
    again = await load_mapping(bench, MAPPING, source_version="2017")
    later = await load_mapping(bench, MAPPING, source_version="2019")

    counts = {"parsed": 2, "rejected": 0, "released_on": None}
    assert first.result == {"source_version": "2017", "inserted": 1, "duplicates": 1, **counts}
    assert again.result == {"source_version": "2017", "inserted": 0, "duplicates": 2, **counts}
    assert later.result is not None
    assert later.result["inserted"] == 1
    assert await bench.rows(
        "SELECT ipr_accession, go_id, evidence, source_version FROM interpro_go_mapping ORDER BY source_version"
    ) == [("IPR000719", "GO:0004672", "IEA", version) for version in ("2017", "2019")]


async def test_what_is_no_mapping_is_refused(bench: IngestBench) -> None:
    job = await load_mapping(bench, "IPR000719 GO:0004672\n", source_version="2017")

    assert (job.status, job.error_code) == (JobStatus.FAILED, "InterPro2GoFormatError")
    assert "None of the 1 lines" in (job.error_message or "")


async def test_a_release_has_the_latest_day_that_is_told_of_it(bench: IngestBench) -> None:
    async def day(content: str, *, released_on: date | None = None) -> str | None:
        job = await load_mapping(bench, content, source_version="2017", released_on=released_on)
        assert job.result is not None
        told: str | None = job.result["released_on"]
        return told

    dated = f"!date: 2017/01/07 10:24:18\n{MAPPING}"
    assert await day(MAPPING) is None
    assert await day(dated) == "2017-01-07"
    assert await day(MAPPING) == "2017-01-07"
    assert await day(dated, released_on=date(2016, 12, 1)) == "2017-01-07"
    assert await day(dated, released_on=date(2017, 2, 1)) == "2017-02-01"
    assert await bench.rows("SELECT source_version, released_on FROM interpro_go_release") == [
        ("2017", date(2017, 2, 1))
    ]


async def load_mapping(
    bench: IngestBench, content: str, *, source_version: str, released_on: date | None = None
) -> Job:
    payload = LoadInterProGoMapping(
        source_uri=await bench.upload(content), source_version=source_version, released_on=released_on
    )
    return await bench.run("load_interpro_go_mapping", payload)
