"""Query sets, ontologies, annotation sets, recipes, scoring and evaluations over HTTP."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import insert, update

from protea_common.db import session_scope
from protea_common.domain.fasta import FastaLimits, read_fasta
from protea_common.domain.scoring import PRESETS
from protea_common.orm import AnnotationSet, EvaluationResult, EvaluationSet, Protein
from support.gateway import TERMS, GatewayBench, add_protein

FASTA = {"file": ("q.fasta", b">A\nMKV\n>B\nMKT\n>C\nMKV\n")}


async def test_a_query_set_is_kept_shown_and_deleted(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/query-sets", files=FASTA, data={"name": "mine", "description": "three"})

    assert made.status_code == 201
    body = made.json()
    assert (body["name"], body["description"], body["entry_count"], body["residue_count"]) == ("mine", "three", 3, 9)
    address = f"/v1/query-sets/{body['id']}"
    second = (await client.get(f"{address}?limit=1&offset=1")).json()
    assert second["entries"] == [{"accession": "B", "species": None, "taxonomy_id": None, "length": 3}]
    assert [each["id"] for each in (await client.get("/v1/query-sets")).json()] == [body["id"]]
    assert (await client.delete(address)).json() == {"deleted": body["id"]}
    assert (await client.get(address)).status_code == 404


async def test_a_query_set_needs_a_name_and_a_readable_file(client: httpx.AsyncClient) -> None:
    nameless = await client.post("/v1/query-sets", files=FASTA)
    broken = await client.post("/v1/query-sets", files={"file": ("q", b"MKV")}, data={"name": "x"})

    assert nameless.json()["errors"][0]["field"] == "body.name"
    assert (broken.status_code, broken.json()["type"]) == (422, "/problems/fasta-format")


async def test_a_taxon_id_beyond_any_integer_is_left_out(client: httpx.AsyncClient) -> None:
    content = b">A OS=X OX=99999999999999999999\nMKV\n"
    made = await client.post("/v1/query-sets", files={"file": ("q", content)}, data={"name": "x"})

    assert (await client.get(f"/v1/query-sets/{made.json()['id']}")).json()["entries"][0]["taxonomy_id"] is None


async def test_an_ontology_is_shown_and_its_accretion_set(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    address = f"/v1/annotations/snapshots/{references.ontology_snapshot_id}"

    listed = (await gateway.client.get("/v1/annotations/snapshots")).json()
    changed = await gateway.client.patch(f"{address}/ia-url", json={"ia_url": "https://example.org/ia.tsv"})

    assert [each["id"] for each in listed] == [str(references.ontology_snapshot_id)]
    assert changed.json()["ia_url"] == "https://example.org/ia.tsv"
    assert (await gateway.client.get(address)).json()["ia_url"] == "https://example.org/ia.tsv"
    assert (await gateway.client.patch(f"{address}/ia-url", json={})).status_code == 422
    assert (await gateway.client.patch(f"{address}/ia-url", json={"ia_url": None})).json()["ia_url"] is None


@pytest.mark.parametrize(
    ("query", "nodes", "edges"),
    [
        (f"go_ids={TERMS[2]}&depth=1", {TERMS[2], TERMS[1]}, 1),
        (f"go_ids={TERMS[2]}", {TERMS[2], TERMS[1], TERMS[0]}, 2),
        (f"go_ids={TERMS[1]},%20{TERMS[3]}", {TERMS[1], TERMS[0], TERMS[3]}, 1),
        ("go_ids=GO:9999999", set(), 0),
    ],
)
async def test_the_graph_above_terms_is_drawn(gateway: GatewayBench, query: str, nodes: set[str], edges: int) -> None:
    references = await gateway.add_references()

    address = f"/v1/annotations/snapshots/{references.ontology_snapshot_id}/subgraph?{query}"
    graph = (await gateway.client.get(address)).json()

    assert {node["go_id"] for node in graph["nodes"]} == nodes
    assert len(graph["edges"]) == edges
    asked = {node["go_id"] for node in graph["nodes"] if node["is_query"]}
    assert asked == {go_id for go_id in nodes if go_id in query}


async def test_the_graph_is_not_drawn_deeper_than_six(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    address = f"/v1/annotations/snapshots/{references.ontology_snapshot_id}/subgraph"

    assert (await gateway.client.get(f"{address}?go_ids={TERMS[2]}&depth=7")).status_code == 422
    assert (await gateway.client.get(address)).status_code == 422


async def test_an_annotation_set_in_use_is_not_deleted(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    prediction_set = await gateway.add_predictions(references, [])
    address = f"/v1/annotations/sets/{references.annotation_set_id}"

    listed = (await gateway.client.get("/v1/annotations/sets?source=goa")).json()
    refused = await gateway.client.delete(address)
    await gateway.client.delete(f"/v1/embeddings/prediction-sets/{prediction_set}")
    gone = await gateway.client.delete(address)

    assert [each["source_version"] for each in listed] == ["220"]
    assert (await gateway.client.get("/v1/annotations/sets?source=quickgo")).json() == []
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/in-use")
    assert "1 prediction sets" in refused.json()["detail"]
    assert gone.json() == {"deleted": str(references.annotation_set_id), "annotations_deleted": 1}
    assert (await gateway.client.get(address)).status_code == 404


async def test_a_recipe_in_use_is_not_deleted(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    address = f"/v1/embeddings/configs/{references.embedding_config_id}"

    shown = (await gateway.client.get(address)).json()
    refused = await gateway.client.delete(address)

    assert (shown["model_name"], shown["layer_indices"]) == ("k-mer", [0])
    assert [each["id"] for each in (await gateway.client.get("/v1/embeddings/configs")).json()] == [shown["id"]]
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/in-use")


async def test_a_scoring_configuration_is_made_once_under_a_name(client: httpx.AsyncClient) -> None:
    body = {
        "name": "mine",
        "formula": "linear",
        "weights": {"embedding_similarity": 1.0},
        "evidence_weights": {"IEA": 0.3},
        "cell_weights": {"pk-bpo": {"term_prior": 0.5}},
        "missing": "zero",
    }

    made = await client.post("/v1/scoring/configs", json=body)
    again = await client.post("/v1/scoring/configs", json=body)

    assert made.status_code == 201
    shown = (await client.get(made.headers["location"])).json()
    assert {name: shown[name] for name in body} == body
    assert (again.status_code, again.json()["type"]) == (409, "/problems/name-taken")
    assert (await client.delete(made.headers["location"])).status_code == 204
    assert (await client.get(made.headers["location"])).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"formula": "quadratic"},
        {"weights": {"embedding_similarity": 1.5}},
        {"weights": {"embedding_similarity": 0}},
        {"weights": {"colour": 1}},
        {"evidence_weights": {"IEA": -1}},
        {"cell_weights": {"pk-xyz": {"term_prior": 1}}},
        {"cell_weights": {"pk-bpo": {"term_prior": 0}}},
        {"missing": "mean"},
        {"weights": {"embedding_similarity": "NaN"}},
        {"name": ""},
    ],
)
async def test_a_scoring_configuration_that_means_nothing_is_refused(
    client: httpx.AsyncClient, change: dict[str, object]
) -> None:
    body = {"name": "mine", "formula": "linear", "weights": {"embedding_similarity": 1.0}} | change

    assert (await client.post("/v1/scoring/configs", json=body)).status_code == 422


async def test_presets_are_made_once(client: httpx.AsyncClient) -> None:
    first = await client.post("/v1/scoring/configs/presets")
    second = await client.post("/v1/scoring/configs/presets")

    assert first.status_code == second.status_code == 201
    assert sorted(first.json()["created"]) == sorted(PRESETS)
    assert second.json()["created"] == []
    listed = (await client.get("/v1/scoring/configs")).json()
    assert [each["name"] for each in listed] == sorted(PRESETS)


async def test_a_scoring_configuration_in_use_is_not_deleted(gateway: GatewayBench) -> None:
    body = {"name": "mine", "weights": {"embedding_similarity": 1.0}}
    config = (await gateway.client.post("/v1/scoring/configs", json=body)).json()["id"]
    await gateway.add_predictions(await gateway.add_references(), [], scoring_config_id=config)

    assert (await gateway.client.delete(f"/v1/scoring/configs/{config}")).status_code == 409


async def test_an_evaluation_set_with_its_results_and_files(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    prediction_set = await gateway.add_predictions(references, [])
    set_id, result_id, folder = uuid4(), uuid4(), "evaluations/sets/x"
    artifacts = gateway.platform.artifacts
    await artifacts.put(f"{folder}/ground-truth-NK.tsv", b"Q1\tGO:0005515\n")
    async with session_scope(gateway.platform.session_factory) as session:
        new = uuid4()
        snapshot = references.ontology_snapshot_id
        await session.execute(insert(AnnotationSet).values(id=new, source="goa", ontology_snapshot_id=snapshot))
        await session.execute(
            insert(EvaluationSet).values(
                id=set_id,
                old_annotation_set_id=references.annotation_set_id,
                new_annotation_set_id=new,
                pivot_snapshot_id=snapshot,
                stats={"nk_proteins": 1},
                drops_binding_only=True,
                groundtruth_uri=artifacts.url(folder),
            )
        )
        await session.execute(
            insert(EvaluationResult).values(
                id=result_id,
                evaluation_set_id=set_id,
                prediction_set_id=prediction_set,
                results={"NK": {"MFO": {"fmax": 0.5}}},
            )
        )
    address = f"/v1/annotations/evaluation-sets/{set_id}"

    shown = (await gateway.client.get(address)).json()
    assert (shown["stats"], shown["drops_binding_only"]) == ({"nk_proteins": 1}, True)
    assert [each["id"] for each in (await gateway.client.get("/v1/annotations/evaluation-sets")).json()] == [
        str(set_id)
    ]
    assert (await gateway.client.get(f"{address}/results")).json()[0]["results"]["NK"]["MFO"]["fmax"] == 0.5
    assert (await gateway.client.get(f"{address}/ground-truth-NK.tsv")).text == "Q1\tGO:0005515\n"
    assert (await gateway.client.get(f"{address}/ground-truth-LK.tsv")).status_code == 404
    assert (await gateway.client.get(f"{address}/secrets.tsv")).status_code == 422
    one = f"{address}/results/{result_id}"
    assert (await gateway.client.get(one)).json()["results"]["NK"]["MFO"]["fmax"] == 0.5
    assert (await gateway.client.get(one.replace(str(set_id), str(uuid4())))).status_code == 404
    report = f"{address}/results/{result_id}/report.html"
    assert (await gateway.client.get(report)).status_code == 404
    await artifacts.put(f"evaluations/results/{result_id}/report.html", b"<!doctype html>")
    assert (await gateway.client.get(report)).text == "<!doctype html>"
    assert (await gateway.client.get(report)).headers["content-type"].startswith("text/html")
    assert (await gateway.client.get(report.replace(str(set_id), str(uuid4())))).status_code == 404
    run = await gateway.client.post(f"{address}/run", json={"prediction_set_id": str(prediction_set)})
    assert run.status_code == 202
    payload = (await gateway.client.get(run.headers["location"])).json()["payload"]
    assert payload.items() >= {"evaluation_set_id": str(set_id), "prediction_set_id": str(prediction_set)}.items()
    assert (await gateway.client.delete(address)).status_code == 204
    assert (await gateway.client.get(address)).status_code == 404
    assert not await artifacts.exists(f"{folder}/ground-truth-NK.tsv")


async def test_the_proteins_that_gained_terms_come_as_fasta(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    artifacts, set_id = gateway.platform.artifacts, uuid4()
    folder = f"evaluations/sets/{set_id}"
    members = {"NK": ["P00002"], "LK": ["P00001", "UNKNOWN"], "PK": ["P00001"]}
    for category, accessions in members.items():
        pairs = "".join(f"{accession}\tGO:0005515\n{accession}\tGO:0005488\n" for accession in accessions)
        await artifacts.put(f"{folder}/ground-truth-{category}.tsv", pairs.encode())
    async with session_scope(gateway.platform.session_factory) as session:
        await add_protein(session, "P00002", "M" * 61)
        await session.execute(
            update(Protein)
            .where(Protein.accession == "P00001")
            .values(entry_name="ONE_DROME", organism="Fruit fly", taxonomy_id=7227)
        )
        await session.execute(
            insert(EvaluationSet).values(
                id=set_id,
                old_annotation_set_id=references.annotation_set_id,
                new_annotation_set_id=references.annotation_set_id,
                pivot_snapshot_id=references.ontology_snapshot_id,
                stats={},
                groundtruth_uri=artifacts.url(folder),
            )
        )
    address = f"/v1/annotations/evaluation-sets/{set_id}/delta-proteins.fasta"
    first = ">P00001 ONE_DROME (LK|PK) OS=Fruit fly OX=7227\nMKVLAAGIVGLLAQPSWTEQ\n"
    second = f">P00002 (NK)\n{'M' * 60}\nM\n"

    whole = await gateway.client.get(address)

    assert whole.text == first + second
    assert whole.headers["content-type"].startswith("text/x-fasta")
    assert (await gateway.client.get(address, params={"category": "nk"})).text == second
    assert (await gateway.client.get(address, params={"category": "xk"})).status_code == 422
    limits = FastaLimits(max_records=2, max_residues_per_sequence=61, max_total_residues=81)
    records = read_fasta(whole.text.splitlines(keepends=True), limits=limits)
    assert [(record.accession, record.taxonomy_id) for record in records] == [("P00001", 7227), ("P00002", None)]


async def test_query_sets_are_found_by_their_text(client: httpx.AsyncClient) -> None:
    made = (await client.post("/v1/query-sets", files=FASTA, data={"name": "mine"})).json()
    digest = hashlib.sha256(FASTA["file"][1]).hexdigest()

    assert made["content_sha256"] == digest
    assert [each["id"] for each in (await client.get("/v1/query-sets", params={"content_sha256": digest})).json()] == [
        made["id"]
    ]
    assert (await client.get("/v1/query-sets", params={"content_sha256": "0" * 64})).json() == []


@pytest.mark.parametrize(
    ("path", "operation", "body"),
    [
        ("/v1/annotations/snapshots/load", "load_ontology_snapshot", {"source_uri": "file:///go.obo"}),
        (
            "/v1/annotations/sets/load-goa",
            "load_goa_annotations",
            {"source_uri": "file:///a.gaf", "ontology_snapshot_id": "ontology_snapshot_id", "source_version": "220"},
        ),
        ("/v1/proteins/load", "load_proteins", {"source_uri": "file:///p.fasta"}),
        ("/v1/embeddings/configs/fit-kmer", "fit_kmer_encoder", {}),
        (
            "/v1/embeddings/configs/register",
            "register_encoder",
            {"model_name": "a/model", "model_backend": "esm", "licence": "MIT", "folder": "/models/a"},
        ),
        (
            "/v1/embeddings/predict",
            "predict_go_terms",
            {
                "embedding_config_id": "embedding_config_id",
                "annotation_set_id": "annotation_set_id",
                "ontology_snapshot_id": "ontology_snapshot_id",
                "query_set_id": "query_set_id",
            },
        ),
        (
            "/v1/annotations/evaluation-sets/generate",
            "generate_evaluation_set",
            {"old_annotation_set_id": "annotation_set_id", "new_annotation_set_id": "annotation_set_id"},
        ),
    ],
)
async def test_every_operation_has_an_address_that_checks_its_body(
    gateway: GatewayBench, path: str, operation: str, body: dict[str, str]
) -> None:
    references = await gateway.add_references()
    ids = {
        "embedding_config_id": references.embedding_config_id,
        "annotation_set_id": references.annotation_set_id,
        "ontology_snapshot_id": references.ontology_snapshot_id,
        "query_set_id": await gateway.add_query_set(),
    }
    filled = {name: str(ids.get(value, value)) for name, value in body.items()}

    accepted = await gateway.client.post(path, json=filled)
    wrong = await gateway.client.post(path, json=filled | {"colour": "red"})

    assert accepted.status_code == 202
    assert (await gateway.client.get(accepted.headers["location"])).json()["operation"] == operation
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "body.colour")
    for name, value in filled.items():
        if name.endswith("_id"):
            assert (await gateway.client.post(path, json=filled | {name: str(uuid4())})).status_code == 404, (
                name,
                value,
            )


@pytest.mark.parametrize(
    "path",
    [
        "/v1/query-sets",
        "/v1/annotations/snapshots",
        "/v1/annotations/sets",
        "/v1/embeddings/configs",
        "/v1/scoring/configs",
        "/v1/annotations/evaluation-sets",
    ],
)
async def test_an_unknown_resource_is_not_found_and_a_broken_id_is_named(client: httpx.AsyncClient, path: str) -> None:
    unknown = await client.get(f"{path}/{uuid4()}")
    broken = await client.get(f"{path}/not-an-id")

    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/not-found")
    assert broken.status_code == 422
    assert broken.json()["errors"][0]["field"].startswith("path.")
