"""Prediction sets, as lists and as files."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest

from support.gateway import TERMS, GatewayBench

PREDICTIONS = [
    ("q2", 2, 0.5),
    ("Q1", 1, 0.25),
    ("Q1", 2, 0.9),
    ("Q1", 3, 0.9),
    ("q2", 0, 0.00001),
]
ADDRESS = "/v1/embeddings/prediction-sets"


@pytest.fixture
async def set_id(gateway: GatewayBench) -> UUID:
    return await gateway.add_predictions(await gateway.add_references(), PREDICTIONS)


async def table(client: httpx.AsyncClient, set_id: UUID, query: str = "") -> list[list[str]]:
    answer = await client.get(f"{ADDRESS}/{set_id}/predictions.tsv{query}")
    assert answer.status_code == 200
    return [line.split("\t") for line in answer.text.splitlines()]


async def test_a_set_is_shown_with_the_names_of_what_it_was_made_from(gateway: GatewayBench, set_id: UUID) -> None:
    listed = (await gateway.client.get(ADDRESS)).json()
    shown = (await gateway.client.get(f"{ADDRESS}/{set_id}")).json()

    assert listed == [shown]
    assert (shown["status"], shown["prediction_count"]) == ("COMPLETE", 5)
    assert (shown["embedding_config_name"], shown["annotation_set_label"]) == ("k-mer", "goa 220")
    assert shown["ontology_snapshot_version"].startswith("releases/")


async def test_the_table_has_a_header_and_the_best_terms_of_each_protein_first(
    gateway: GatewayBench, set_id: UUID
) -> None:
    answer = await gateway.client.get(f"{ADDRESS}/{set_id}/predictions.tsv")

    assert answer.headers["content-type"].startswith("text/tab-separated-values")
    assert answer.headers["content-disposition"] == f'attachment; filename="predictions-{set_id}.tsv"'
    header, *rows = [line.split("\t") for line in answer.text.splitlines()]
    assert header[:9] == [
        "protein_accession",
        "go_id",
        "go_name",
        "go_aspect",
        "score",
        "distance",
        "ref_protein_accession",
        "qualifier",
        "evidence_code",
    ]
    # By the bytes of the accession, whatever the server's locale: capitals first.
    assert [row[:2] + row[4:5] for row in rows] == [
        ["Q1", TERMS[2], "0.9"],
        ["Q1", TERMS[3], "0.9"],
        ["Q1", TERMS[1], "0.25"],
        ["q2", TERMS[2], "0.5"],
        ["q2", TERMS[0], "1e-05"],
    ]
    first = dict(zip(header, rows[0], strict=True))
    assert (first["go_name"], first["go_aspect"]) == (f"name of {TERMS[2]}", "F")
    assert (first["vote_count"], first["go_term_frequency"], first["neighbor_distance_std"]) == ("2", "3", "0.25")
    assert (first["qualifier"], first["same_sequence"]) == ("", "false")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?accession=Q1", 3),
        ("?accession=nobody", 0),
        ("?aspect=P", 1),
        ("?aspect=BPO", 1),
        ("?aspect=biological_process", 1),
        ("?aspect=mfo", 4),
        ("?max_distance=0.1", 2),
        ("?min_score=0.5", 3),
        ("?accession=Q1&aspect=F&min_score=0.5", 1),
    ],
)
async def test_the_table_is_filtered(gateway: GatewayBench, set_id: UUID, query: str, found: int) -> None:
    assert len(await table(gateway.client, set_id, query)) == 1 + found


async def test_the_cafa_file_has_no_header_and_no_zero(gateway: GatewayBench, set_id: UUID) -> None:
    answer = await gateway.client.get(f"{ADDRESS}/{set_id}/predictions-cafa.tsv")

    assert answer.text.splitlines() == [
        f"Q1\t{TERMS[2]}\t0.9000",
        f"Q1\t{TERMS[3]}\t0.9000",
        f"Q1\t{TERMS[1]}\t0.2500",
        f"q2\t{TERMS[2]}\t0.5000",
    ]


async def test_a_download_of_many_blocks_is_whole(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    many = [(f"P{number:05}", number % 4, 0.5) for number in range(2_500)]
    set_id = await gateway.add_predictions(references, many)

    rows = (await table(gateway.client, set_id))[1:]

    assert [row[0] for row in rows] == [accession for accession, _, _ in many]


@pytest.mark.parametrize("path", ["/predictions.tsv", "/predictions-cafa.tsv", "", "/proteins", "/proteins/Q1"])
async def test_an_unknown_set_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"{ADDRESS}/{uuid4()}{path}")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("query", ["aspect=molecular", "min_score=2", "max_distance=-1", "min_score=nan"])
async def test_wrong_filters_are_refused(gateway: GatewayBench, set_id: UUID, query: str) -> None:
    assert (await gateway.client.get(f"{ADDRESS}/{set_id}/predictions.tsv?{query}")).status_code == 422


@pytest.mark.parametrize("status", ["GENERATING", "ABANDONED"])
async def test_a_set_that_is_not_complete_cannot_be_downloaded(gateway: GatewayBench, status: str) -> None:
    references = await gateway.add_references()
    set_id = await gateway.add_predictions(references, PREDICTIONS, status=status)

    answer = await gateway.client.get(f"{ADDRESS}/{set_id}/predictions.tsv")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/predictions-incomplete")


async def test_proteins_are_listed_with_their_numbers(gateway: GatewayBench, set_id: UUID) -> None:
    listed = (await gateway.client.get(f"{ADDRESS}/{set_id}/proteins")).json()
    found = (await gateway.client.get(f"{ADDRESS}/{set_id}/proteins?search=Q2")).json()
    literal = (await gateway.client.get(f"{ADDRESS}/{set_id}/proteins?search=%25")).json()

    assert sorted(item["accession"] for item in listed["items"]) == ["Q1", "q2"]
    assert found["items"] == [{"accession": "q2", "go_count": 2, "max_score": 0.5, "min_distance": 0.5}]
    assert literal["items"] == []


async def test_a_protein_is_shown_with_its_features(gateway: GatewayBench, set_id: UUID) -> None:
    predicted = (await gateway.client.get(f"{ADDRESS}/{set_id}/proteins/Q1")).json()

    assert [(term["go_id"], term["score"]) for term in predicted] == [
        (TERMS[2], 0.9),
        (TERMS[3], 0.9),
        (TERMS[1], 0.25),
    ]
    assert predicted[0]["features"] == {"go_term_frequency": 3, "neighbor_distance_std": 0.25}
    assert (await gateway.client.get(f"{ADDRESS}/{set_id}/proteins/nobody")).json() == []


async def test_bare_scores_are_shown_and_written_like_others(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    full, bare = [await gateway.add_predictions(references, PREDICTIONS, is_bare=is_bare) for is_bare in (False, True)]

    files = [(await gateway.client.get(f"{ADDRESS}/{set_id}/predictions-cafa.tsv")).text for set_id in (full, bare)]
    header, *rows = await table(gateway.client, bare)
    listed = (await gateway.client.get(f"{ADDRESS}/{bare}/proteins")).json()
    shown = (await gateway.client.get(f"{ADDRESS}/{bare}/proteins/Q1")).json()

    assert files[0] == files[1]
    assert [row[:5] for row in rows] == [row[:5] for row in (await table(gateway.client, full))[1:]]
    first = dict(zip(header, rows[0], strict=True))
    assert (first["distance"], first["vote_count"], first["go_term_frequency"]) == ("", "", "")
    assert len(await table(gateway.client, bare, "?accession=Q1&min_score=0.5")) == 3
    assert {item["accession"]: (item["go_count"], item["min_distance"]) for item in listed["items"]} == {
        "Q1": (3, None),
        "q2": (2, None),
    }
    assert [(term["go_id"], term["score"], term["features"]) for term in shown] == [
        (TERMS[2], 0.9, {}),
        (TERMS[3], 0.9, {}),
        (TERMS[1], 0.25, {}),
    ]


async def test_an_accession_may_hold_slashes(gateway: GatewayBench) -> None:
    set_id = await gateway.add_predictions(await gateway.add_references(), [("db/a b|1", 2, 0.5)])

    assert len((await gateway.client.get(f"{ADDRESS}/{set_id}/proteins/db/a%20b|1")).json()) == 1


async def test_a_set_is_deleted_with_its_predictions(gateway: GatewayBench, set_id: UUID) -> None:
    gone = await gateway.client.delete(f"{ADDRESS}/{set_id}")

    assert gone.json() == {"deleted": str(set_id), "predictions_deleted": 5}
    assert (await gateway.client.get(ADDRESS)).json() == []


async def test_a_set_that_a_job_still_writes_cannot_be_deleted(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    job_id = UUID((await gateway.client.post("/v1/jobs", json={"operation": "ping"})).json()["id"])
    busy = await gateway.add_predictions(references, [], status="GENERATING", job_id=job_id)

    refused = await gateway.client.delete(f"{ADDRESS}/{busy}")
    await gateway.client.post(f"/v1/jobs/{job_id}/cancel")

    assert refused.status_code == 409
    assert (await gateway.client.delete(f"{ADDRESS}/{busy}")).status_code == 200
