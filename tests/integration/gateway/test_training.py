"""Datasets, re-rankers and calibrations over HTTP."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import insert

from protea_common.db import session_scope
from protea_common.orm import Base, CalibrationModel, Dataset, RerankerModel
from support.gateway import GatewayBench

CURVES = {"pk-mfo": {"scores": [0.1, 0.9], "probabilities": [0.0, 0.5]}}


async def add(gateway: GatewayBench, table: type[Base], **values: Any) -> UUID:
    key = uuid4()
    async with session_scope(gateway.platform.session_factory) as session:
        await session.execute(insert(table).values(id=key, **values))
    return key


async def add_dataset(gateway: GatewayBench, name: str, **values: Any) -> UUID:
    columns = {
        "operation": "export_research_dataset",
        "storage_backend": "local",
        "key_prefix": f"datasets/{name}",
        "manifest_uri": f"artifact:datasets/{name}/manifest.json",
        "schema_sha": "0" * 12,
        "k": 5,
        "annotation_source": "goa",
        "train_snapshot_pairs": ["v1-v2"],
    }
    return await add(gateway, Dataset, name=name, **(columns | values))


async def add_calibration(gateway: GatewayBench, **values: Any) -> UUID:
    content = json.dumps({"format": 2, "curves": CURVES}).encode()
    uri = await gateway.platform.artifacts.put("calibrations/one.json", content)
    columns = {
        "artifact_uri": uri,
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "candidate_count": 3,
        "method": {"scoring": "x"},
        "metrics": {"molecular_function": {"before": 0.2, "held_out": 0.02}},
    }
    return await add(gateway, CalibrationModel, **(columns | values))


async def test_datasets_are_listed_newest_first_and_narrowed(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    await add_dataset(gateway, "plain_set")
    await add_dataset(gateway, "of-recipe", embedding_config_id=references.embedding_config_id)

    async def names(**wanted: str) -> list[str]:
        return [each["name"] for each in (await gateway.client.get("/v1/datasets", params=wanted)).json()]

    assert await names() == ["of-recipe", "plain_set"]
    assert await names(name_like="PLAIN") == ["plain_set"]
    assert await names(name_like="plain%") == []
    assert await names(embedding_config_id=str(references.embedding_config_id)) == ["of-recipe"]


async def test_a_dataset_is_shown(gateway: GatewayBench) -> None:
    key = await add_dataset(gateway, "mine", n_train_rows=7, meta={"alarms": []})

    shown = (await gateway.client.get(f"/v1/datasets/{key}")).json()

    assert (shown["name"], shown["n_train_rows"], shown["train_snapshot_pairs"]) == ("mine", 7, ["v1-v2"])
    assert (await gateway.client.get(f"/v1/datasets/{uuid4()}")).status_code == 404


async def test_rerankers_are_listed_by_name_shown_and_deleted(gateway: GatewayBench) -> None:
    columns: dict[str, Any] = {"category": "pk", "metrics": {}, "feature_importance": {}, "artifact_uri": "artifact:m"}
    later = await add(gateway, RerankerModel, name="b", **columns)
    await add(gateway, RerankerModel, name="a", aspect="bpo", **columns)

    listed = (await gateway.client.get("/v1/reranker-models")).json()
    shown = (await gateway.client.get(f"/v1/reranker-models/{later}")).json()
    gone = await gateway.client.delete(f"/v1/reranker-models/{later}")

    assert [(each["name"], each["aspect"]) for each in listed] == [("a", "bpo"), ("b", None)]
    assert shown["id"] == str(later)
    assert gone.status_code == 204
    assert (await gateway.client.get(f"/v1/reranker-models/{later}")).status_code == 404


async def test_a_calibration_is_shown_with_its_curves_errors_and_sources(gateway: GatewayBench) -> None:
    references = await gateway.add_references()
    prediction_set = await gateway.add_predictions(references, [])
    key = await add_calibration(gateway, prediction_set_id=prediction_set)

    (listed,) = (await gateway.client.get("/v1/calibrations")).json()
    shown = (await gateway.client.get(f"/v1/calibrations/{key}")).json()

    assert listed["id"] == str(key)
    assert "curves" not in listed
    assert shown["curves"] == CURVES
    assert shown["metrics"]["molecular_function"] == {"before": 0.2, "held_out": 0.02}
    assert (shown["prediction_set_id"], shown["evaluation_set_id"]) == (str(prediction_set), None)
    assert (await gateway.client.get(f"/v1/calibrations/{uuid4()}")).status_code == 404


async def test_other_curves_than_were_written_are_not_shown(gateway: GatewayBench) -> None:
    key = await add_calibration(gateway, content_sha256="0" * 64)

    answer = await gateway.client.get(f"/v1/calibrations/{key}")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/curves-damaged")


@pytest.mark.parametrize(
    ("path", "operation", "body"),
    [
        ("/v1/reranker-models/train", "train_reranker", {"name": "x", "dataset_id": str(uuid4()), "category": "nk"}),
        ("/v1/reranker-models/import", "import_reranker", {"name": "x", "source_uri": "artifact:uploads/x/m.txt"}),
    ],
)
async def test_what_is_learnt_is_a_job(gateway: GatewayBench, path: str, operation: str, body: dict[str, Any]) -> None:
    await gateway.platform.artifacts.put("uploads/x/m.txt", b"tree")

    accepted = await gateway.client.post(path, json=body)

    assert accepted.status_code == 202, accepted.text
    assert (await gateway.client.get(accepted.headers["location"])).json()["operation"] == operation


async def test_fits_and_exports_of_what_is_not_there_are_refused(client: httpx.AsyncClient) -> None:
    nowhere = str(uuid4())
    fit = {"evaluation_set_id": nowhere, "prediction_set_id": nowhere}
    export = {
        "output_name": "x",
        "embedding_config_id": nowhere,
        "ontology_snapshot_id": nowhere,
        "train_evaluation_set_ids": [nowhere],
    }

    assert (await client.post("/v1/calibrations/fit", json=fit)).status_code == 404
    assert (await client.post("/v1/datasets", json=export)).status_code == 404
    assert (await client.post("/v1/datasets", json=export | {"output_name": "../x"})).status_code == 422
