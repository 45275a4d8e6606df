"""The main job over HTTP: what is accepted, what is refused and why, and how its status reads."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert, select

from protea_common.db import session_scope
from protea_common.domain.scoring import PRESETS
from protea_common.jobs import claim_job, fail_job, report_progress, succeed_job
from protea_common.operations import COMPOSITE_CHOICES
from protea_common.orm import AnnotationSet, Job, JobStatus, OutboxEvent, QuerySet, QuerySetEntry
from protea_common.orm import Sequence as SequenceRow
from support.gateway import GatewayBench, open_gateway

FASTA = b">sp|Q11111|ONE_FLY First OS=Drosophila melanogaster OX=7227 GN=one\nMKVLAAG\nIVGL\n>Q22222\nmktayiakqr\n"


async def annotate(client: httpx.AsyncClient, content: bytes = FASTA, **fields: object) -> httpx.Response:
    return await client.post("/v1/annotate", files={"file": ("q.fasta", content)}, data=fields)


async def started(gateway: GatewayBench, **fields: str) -> UUID:
    await gateway.add_references()
    return UUID((await annotate(gateway.client, FASTA, **fields)).json()["job_id"])


async def steps(gateway: GatewayBench, job_id: UUID) -> list[Job]:
    query = select(Job).where(Job.parent_job_id == job_id)
    return await gateway.rows(query.order_by(Job.waits_for_job_id.is_not(None)))


async def run_step(gateway: GatewayBench, job_id: UUID, result: dict[str, str]) -> None:
    async with gateway.unit_of_work() as work:
        await claim_job(work, job_id, event_id=uuid4(), lease=gateway.platform.settings.worker.lease, worker="w")
    async with gateway.unit_of_work() as work:
        await succeed_job(work, job_id, result=result)


async def test_the_settings_say_into_what_batches_the_main_job_is_cut(
    migrated_database_url: str, tmp_path: Path
) -> None:
    async with open_gateway(
        migrated_database_url, tmp_path, annotate_sequences_per_job=3, annotate_batch_size=2
    ) as gateway:
        embed, predict = await steps(gateway, await started(gateway))

        assert (embed.payload["sequences_per_job"], predict.payload["batch_size"]) == (3, 2)


async def test_a_file_becomes_a_pipeline_that_needs_no_further_call(gateway: GatewayBench) -> None:
    references = await gateway.add_references()

    answer = await annotate(gateway.client, name="my proteins", limit_per_entry="7")

    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["location"] == body["status_url"] == f"/v1/annotate/{body['job_id']}"
    assert body["sequence_count"] == 2
    assert body["annotation_set_id"] == str(references.annotation_set_id)
    assert body["ontology_snapshot_id"] == str(references.ontology_snapshot_id)
    assert body["embedding_config_id"] == str(references.embedding_config_id)
    embed, predict = await steps(gateway, UUID(body["job_id"]))
    assert (embed.operation, embed.payload["query_set_id"]) == ("compute_embeddings", body["query_set_id"])
    assert (predict.operation, predict.payload["limit_per_entry"]) == ("predict_go_terms", 7)
    assert predict.waits_for_job_id == embed.id
    announced = await gateway.rows(select(OutboxEvent.subject))
    assert announced == [embed.id]


async def test_donors_by_alignment_are_a_choice_and_off_without_one(gateway: GatewayBench) -> None:
    await gateway.add_references()

    _, plain = await steps(gateway, UUID((await annotate(gateway.client)).json()["job_id"]))
    _, aligned = await steps(gateway, UUID((await annotate(gateway.client, alignment="auto")).json()["job_id"]))

    assert (plain.payload["alignment"], aligned.payload["alignment"]) == ("off", "auto")


async def test_the_composite_chooses_all_that_it_needs(gateway: GatewayBench) -> None:
    preset = PRESETS["composite_by_knowledge"]

    _, plain = await steps(gateway, await started(gateway, method="composite"))
    other = await annotate(gateway.client, method="composite", limit_per_entry="7", alignment="auto")
    _, chosen = await steps(gateway, UUID(other.json()["job_id"]))

    assert (plain.payload["limit_per_entry"], plain.payload["alignment"]) == (50, "required")
    assert plain.payload["scoring_config_id"] == str(preset.id)
    assert {name for name, value in plain.payload.items() if value is True} >= set(COMPOSITE_CHOICES)
    assert (plain.payload["abstain_below"], plain.payload["store_evidence"]) == (0.05, True)
    assert (chosen.payload["limit_per_entry"], chosen.payload["alignment"]) == (7, "auto")
    (run,) = await gateway.rows(select(Job).where(Job.id == plain.parent_job_id))
    assert run.payload["method"] == "composite"


async def test_entries_keep_the_order_and_species_of_the_file(gateway: GatewayBench) -> None:
    await gateway.add_references()
    body = (await annotate(gateway.client)).json()

    entries = (await gateway.client.get(f"/v1/query-sets/{body['query_set_id']}")).json()["entries"]

    assert entries == [
        {"accession": "Q11111", "species": "Drosophila melanogaster", "taxonomy_id": 7227, "length": 11},
        {"accession": "Q22222", "species": None, "taxonomy_id": None, "length": 10},
    ]


async def test_equal_sequences_share_a_row_with_each_other_and_with_stored_ones(gateway: GatewayBench) -> None:
    await gateway.add_references()
    stored = b"MKVLAAGIVGLLAQPSWTEQ"
    await annotate(gateway.client, b">A\n" + stored + b"\n>B\nMKT\n>C\nmkt\n")

    assert sorted(await gateway.rows(select(SequenceRow.sequence))) == ["MKT", stored.decode()]
    a, b, c = await gateway.rows(select(QuerySetEntry.sequence_id).order_by(QuerySetEntry.accession))
    assert b == c != a


async def test_compressed_and_pasted_text_are_the_same_query_set(gateway: GatewayBench) -> None:
    await gateway.add_references()
    plain = await annotate(gateway.client)
    await gateway.client.post(f"/v1/jobs/{plain.json()['job_id']}/cancel")
    packed = await annotate(gateway.client, gzip.compress(FASTA))
    await gateway.client.post(f"/v1/jobs/{packed.json()['job_id']}/cancel")
    pasted = await gateway.client.post("/v1/annotate", data={"fasta_text": FASTA.decode().replace("\n", "\r\n")})

    assert {answer.json()["query_set_id"] for answer in (plain, packed, pasted)} == {plain.json()["query_set_id"]}
    assert await gateway.count(QuerySet) == 1


async def test_the_same_request_twice_names_the_run_that_does_it(gateway: GatewayBench) -> None:
    job_id = await started(gateway)

    again = await annotate(gateway.client)

    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["type"] == "/problems/duplicate-active-job"
    assert again.json()["existing_job_id"] == str(job_id)


async def test_two_equal_requests_at_once_make_one_run(gateway: GatewayBench) -> None:
    await gateway.add_references()

    answers = await asyncio.gather(*(annotate(gateway.client) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert await gateway.count(QuerySet) == 1


async def test_once_the_run_has_ended_a_repeat_is_a_new_run_on_the_same_query_set(gateway: GatewayBench) -> None:
    job_id = await started(gateway)
    await gateway.client.post(f"/v1/jobs/{job_id}/cancel")

    again = await annotate(gateway.client)

    assert again.status_code == 202
    assert again.json()["job_id"] != str(job_id)
    assert await gateway.count(QuerySet) == 1


async def test_the_newest_annotation_set_that_can_be_searched_is_chosen(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    async with session_scope(gateway.platform.session_factory) as session:
        # Newer, but nothing that it annotates is embedded.
        await session.execute(
            insert(AnnotationSet).values(
                id=uuid4(),
                source="goa",
                annotation_count=9,
                ontology_snapshot_id=references.ontology_snapshot_id,
            )
        )

    assert (await annotate(gateway.client)).json()["annotation_set_id"] == str(references.annotation_set_id)


async def test_without_reference_data_the_answer_says_what_to_load(gateway: GatewayBench) -> None:
    answer = await annotate(gateway.client)

    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "/problems/reference-data-missing"
    commands = ["load ontology FILE", "load proteins FILE", "load annotations FILE", "protea embed"]
    assert len(problem["missing"]) == len(commands)
    assert all(command in step for command, step in zip(commands, problem["missing"], strict=True))
    assert await gateway.count(QuerySet) == 0


async def test_a_choice_that_cannot_be_compared_with_is_refused(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    async with session_scope(gateway.platform.session_factory) as session:
        empty = uuid4()
        snapshot = references.ontology_snapshot_id
        await session.execute(insert(AnnotationSet).values(id=empty, source="goa", ontology_snapshot_id=snapshot))

    answer = await annotate(gateway.client, annotation_set_id=str(empty))

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/unfit-references")


@pytest.mark.parametrize("field", ["annotation_set_id", "embedding_config_id", "scoring_config_id"])
async def test_an_unknown_choice_is_not_found(gateway: GatewayBench, field: str) -> None:
    await gateway.add_references()

    answer = await annotate(gateway.client, FASTA, **{field: str(uuid4())})

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    ("content", "slug", "line", "accession"),
    [
        (b"", "fasta-format", None, None),
        (b"\n\n", "fasta-format", None, None),
        (b"MKV\n", "fasta-format", 1, None),
        (b">A\n>B\nMKV\n", "fasta-format", 1, "A"),
        (b">\nMKV\n", "fasta-format", 1, None),
        (b">A\nMKV\n>A\nMKT\n", "duplicate-accession", 3, "A"),
        (b">A\nMKV1\n", "fasta-format", 1, "A"),
        (b">A\nMK-V\n", "fasta-format", 1, "A"),
        (b"\x00\x01\x02\xff", "not-text", None, None),
        (b">A\n\xff\xfe\n", "not-text", None, None),
        (b"PK\x03\x04 zip", "not-text", None, None),
        (gzip.compress(FASTA)[:-12], "truncated-gzip", None, None),
    ],
)
async def test_a_bad_file_is_refused_with_its_place(
    gateway: GatewayBench, content: bytes, slug: str, line: int | None, accession: str | None
) -> None:
    await gateway.add_references()

    answer = await annotate(gateway.client, content)

    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, f"/problems/{slug}")
    assert (problem.get("line"), problem.get("accession")) == (line, accession)
    assert await gateway.count(Job) == 0


@pytest.mark.parametrize(
    ("data", "files"),
    [
        ({}, {}),
        ({"fasta_text": ">A\nMKV\n"}, {"file": ("q.fasta", FASTA)}),
    ],
    ids=["neither", "both"],
)
async def test_a_form_brings_either_a_file_or_its_text(
    gateway: GatewayBench, data: dict[str, str], files: dict[str, tuple[str, bytes]]
) -> None:
    answer = await gateway.client.post("/v1/annotate", data={"name": "x"} | data, files=files or None)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/empty-input")


async def test_a_form_as_browsers_send_it_may_leave_the_file_out(gateway: GatewayBench) -> None:
    await gateway.add_references()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n'
        b'--x\r\nContent-Disposition: form-data; name="fasta_text"\r\n\r\n>A\r\nMKV\r\n--x--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}

    assert (await gateway.client.post("/v1/annotate", content=body, headers=headers)).status_code == 202


async def test_pasted_text_may_be_as_long_as_a_file(gateway: GatewayBench) -> None:
    await gateway.add_references()
    text = "".join(f">P{number}\n{'MKV' * 300}\n" for number in range(2_500))
    files = {"name": (None, "pasted"), "fasta_text": (None, text)}

    answer = await gateway.client.post("/v1/annotate", files=files)

    assert len(text) > 2 * 1024**2
    assert (answer.status_code, answer.json()["sequence_count"]) == (202, 2_500)


async def test_a_query_set_that_a_run_works_on_cannot_be_deleted(gateway: GatewayBench) -> None:
    await gateway.add_references()
    run = (await annotate(gateway.client)).json()
    address = f"/v1/query-sets/{run['query_set_id']}"

    refused = await gateway.client.delete(address)
    await gateway.client.post(f"/v1/jobs/{run['job_id']}/cancel")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/in-use")
    assert (await gateway.client.delete(address)).status_code == 200


async def test_unknown_and_wrong_fields_are_named(gateway: GatewayBench) -> None:
    answer = await annotate(gateway.client, limit_per_entry="0", alignment="maybe", colour="red")

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {
        "body.limit_per_entry",
        "body.alignment",
        "body.colour",
    }


@pytest.mark.parametrize(
    ("limits", "content"),
    [
        ({"max_fasta_bytes": 1}, b">A\n" + b"M" * 100_000),
        ({"max_decompressed_bytes": 10}, gzip.compress(b">A\nMKVLAAGIVGLLAQ\n")),
        ({"max_records": 1}, FASTA),
        ({"max_residues": 8}, FASTA),
    ],
    ids=["bytes", "decompressed bytes", "records", "residues"],
)
async def test_a_file_over_a_limit_is_too_large(
    migrated_database_url: str, tmp_path: Path, limits: dict[str, int], content: bytes
) -> None:
    async with open_gateway(migrated_database_url, tmp_path, api=limits) as gateway:
        answer = await annotate(gateway.client, content)

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_without_a_length_is_cut_off_at_the_limit(migrated_database_url: str, tmp_path: Path) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="q"\r\n\r\n>A\n'
        for _ in range(1_000):
            sent += 1
            yield b"M" * 10_000

    async with open_gateway(migrated_database_url, tmp_path, api={"max_fasta_bytes": 1}) as gateway:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        answer = await gateway.client.post("/v1/annotate", content=body(), headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert sent < 20


async def test_the_status_follows_the_run_to_its_result(gateway: GatewayBench) -> None:
    job_id = await started(gateway)
    embed, predict = await steps(gateway, job_id)

    waiting = (await gateway.client.get(f"/v1/annotate/{job_id}")).json()
    assert waiting["status"] == "RUNNING"
    assert waiting["stage"] == "waiting for a worker, then embedding the sequences"
    assert waiting["progress"]["fraction"] == 0
    assert waiting["links"]["predictions_tsv"] is None
    assert waiting["links"]["cancel"] == f"/v1/jobs/{job_id}/cancel"

    async with gateway.unit_of_work() as work:
        await claim_job(work, embed.id, event_id=uuid4(), lease=gateway.platform.settings.worker.lease, worker="w")
        await report_progress(work, embed.id, current=1, total=4)
    embedding = (await gateway.client.get(f"/v1/annotate/{job_id}")).json()
    assert (embedding["stage"], embedding["progress"]) == (
        "embedding the sequences",
        {"current": 1, "total": 4, "fraction": 0.125},
    )

    async with gateway.unit_of_work() as work:
        await succeed_job(work, embed.id, result={})
    prediction_set_id = uuid4()
    await run_step(gateway, predict.id, {"prediction_set_id": str(prediction_set_id)})
    done = (await gateway.client.get(f"/v1/annotate/{job_id}")).json()
    assert (done["status"], done["stage"], done["progress"]["fraction"]) == ("SUCCEEDED", "done", 1)
    assert [step["operation"] for step in done["steps"]] == ["compute_embeddings", "predict_go_terms"]
    assert done["prediction_set_id"] == str(prediction_set_id)
    assert done["links"]["predictions_tsv"].endswith(f"/prediction-sets/{prediction_set_id}/predictions.tsv")
    assert done["links"]["cancel"] is None


async def test_a_failed_step_fails_the_run_with_its_words(gateway: GatewayBench) -> None:
    job_id = await started(gateway)
    embed, _ = await steps(gateway, job_id)
    async with gateway.unit_of_work() as work:
        await fail_job(work, embed.id, error_code="OutOfMemory", error_message="Make batches smaller.")

    status = (await gateway.client.get(f"/v1/annotate/{job_id}")).json()

    assert (status["status"], status["stage"]) == ("FAILED", "failed while embedding the sequences")
    assert status["error"] == {"code": "OutOfMemory", "message": "Make batches smaller."}
    assert [step["status"] for step in status["steps"]] == ["FAILED", "CANCELLED"]


async def test_cancelling_a_run_cancels_its_steps(gateway: GatewayBench) -> None:
    job_id = await started(gateway)

    cancelled = await gateway.client.post(f"/v1/jobs/{job_id}/cancel")

    assert cancelled.json() == {"id": str(job_id), "status": "CANCELLED", "children_cancelled": 2}
    assert {job.status for job in await steps(gateway, job_id)} == {JobStatus.CANCELLED}
    assert (await gateway.client.get(f"/v1/annotate/{job_id}")).json()["stage"] == "cancelled"


async def test_another_kind_of_job_has_no_annotation_status(gateway: GatewayBench) -> None:
    ping = (await gateway.client.post("/v1/jobs", json={"operation": "ping"})).json()["id"]

    assert (await gateway.client.get(f"/v1/annotate/{ping}")).status_code == 404
