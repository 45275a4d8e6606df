"""The AsyncAPI document is that of the code, is valid, and names every event, every operation and every work queue."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from protea_common.events import EVENT_TYPES, Envelope, JobCreated, uuid7
from protea_common.messaging.asyncapi import asyncapi_document
from protea_common.messaging.topology import WorkQueue
from protea_common.operations import operation_queues

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "data" / "asyncapi" / "3.0.0.schema.json.gz"
"""AsyncAPI's own schema of its documents."""


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf8")))


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    return Draft7Validator(json.loads(gzip.decompress(SCHEMA.read_bytes())))


def test_the_committed_document_is_that_of_the_code(committed: dict[str, Any]) -> None:
    assert committed == asyncapi_document(), "run `make contracts` and commit what it writes"


def test_it_is_valid_by_the_schema_of_asyncapi(committed: dict[str, Any], validator: Draft7Validator) -> None:
    assert [error.message for error in validator.iter_errors(committed)] == []


@pytest.mark.parametrize("damage", ["channels", "info", "operations"])
def test_the_schema_finds_what_is_wrong(committed: dict[str, Any], validator: Draft7Validator, damage: str) -> None:
    assert list(validator.iter_errors({**committed, damage: {"surprise": {"address": 1}}}))


def test_every_reference_leads_somewhere(committed: dict[str, Any]) -> None:
    references = set(_references(committed))
    inner = {reference for reference in references if reference.startswith("#/")}

    assert inner
    assert [reference for reference in inner if not _resolves(committed, reference)] == []
    assert [reference for reference in references - inner if not (ROOT / "docs" / reference).exists()] == []


def test_every_event_and_every_operation_has_its_channel(committed: dict[str, Any]) -> None:
    addresses = {channel["address"] for channel in committed["channels"].values()}
    created = {f"job.created.{operation}" for operation in operation_queues()}

    pooled = {"embeddings.batch.requested.{pool}"}

    assert addresses == (set(EVENT_TYPES) - {"job.created"}) | created | pooled


def test_every_queue_that_something_is_bound_to_is_named_where_it_is_read(committed: dict[str, Any]) -> None:
    receiving = [o for o in committed["operations"].values() if o["action"] == "receive"]
    read = {queue for operation in receiving for queue in operation["x-queues"]}
    batches = {*(kind.value for kind in (WorkQueue.EMBEDDINGS_BATCH, WorkQueue.PREDICTIONS_BATCH))}
    batches.add("protea.embeddings.batch.{pool}")

    assert read == set(operation_queues().values()) | batches


def test_the_headers_of_an_event_fit_the_described_ones(committed: dict[str, Any]) -> None:
    described = Draft7Validator(committed["components"]["messageTraits"]["envelope"]["headers"])
    headers = Envelope.seal(JobCreated(job_id=uuid7(), operation="ping"), source="protea-gateway").to_headers()

    assert list(described.iter_errors(headers)) == []
    assert set(headers) <= set(described.schema["properties"])
    assert list(described.iter_errors({}))


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [reference for inner in part for reference in _references(inner)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if "$ref" in part else []
    return own + [reference for inner in part.values() for reference in _references(inner)]


def _resolves(document: dict[str, Any], reference: str) -> bool:
    part: Any = document
    for key in reference.removeprefix("#/").split("/"):
        if key not in part:
            return False
        part = part[key]
    return True
