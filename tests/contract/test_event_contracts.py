"""The committed contracts are those of the code, and readers are more tolerant than writers."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from protea_common.events import EVENT_TYPES, Envelope, EventFormatError, JobCreated, event_schemas, read_event, uuid7
from protea_common.events.compatibility import ContractChangedError, breaking_changes
from protea_common.events.documents import event_documents, require_compatible_contracts
from protea_common.events.documents import main as write_documents

DOCS = Path(__file__).parents[2] / "docs"
JOB = UUID(int=7)


def test_the_committed_documents_are_those_of_the_code() -> None:
    stale = [path for path, text in event_documents().items() if (DOCS / path).read_text(encoding="utf8") != text]

    assert stale == [], "run `make contracts` and commit what it writes"


def test_no_document_is_left_of_an_event_that_is_gone() -> None:
    committed = {path.name for path in (DOCS / "events").iterdir()}

    assert committed == {f"{name}.json" for name in event_schemas()}


def test_no_event_changed_without_a_new_version() -> None:
    require_compatible_contracts(DOCS)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Make a contract that differs from `CONTRACT` in something."""
    schema = copy.deepcopy(CONTRACT)
    change(schema)
    return schema


COMPATIBLE: dict[str, Callable[[dict[str, Any]], object]] = {
    "nothing": lambda s: s,
    "a field that is not required": lambda s: s["properties"].update(pool={"type": "string", "default": "small"}),
    "the words about a field": lambda s: s["properties"]["title"].update(description="Otherwise said.", title="T"),
    "the order of what is required": lambda s: s["required"].reverse(),
}

BREAKING: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a required field is added": (
        lambda s: (s["properties"].update(pool={"type": "string"}), s["required"].append("pool")),
        "the field pool became required",
    ),
    "a field is gone": (lambda s: s["properties"].pop("title"), "the field title is gone"),
    "another type": (lambda s: s["properties"]["title"].update(type="integer"), "the field title changed"),
    "a narrower range": (lambda s: s["properties"]["count"].update(minimum=1), "the field count changed"),
    "a field need not be there": (lambda s: s["required"].remove("count"), "the field count is no longer required"),
    "a part changed": (lambda s: s["$defs"]["Part"].update(enum=["a"]), "the part Part changed"),
    "unknown fields are allowed": (lambda s: s.pop("additionalProperties"), "additionalProperties changed"),
}

CONTRACT: dict[str, Any] = {
    "$id": "things.counted.v1",
    "additionalProperties": False,
    "properties": {"title": {"type": "string", "description": "A name."}, "count": {"type": "integer", "minimum": 0}},
    "required": ["title", "count"],
    "$defs": {"Part": {"enum": ["a", "b"]}},
    "type": "object",
}


@pytest.mark.parametrize("name", COMPATIBLE)
def test_what_readers_do_not_notice_needs_no_new_version(name: str) -> None:
    assert breaking_changes(CONTRACT, changed(COMPATIBLE[name])) == []


@pytest.mark.parametrize("name", BREAKING)
def test_what_readers_notice_needs_a_new_version(name: str) -> None:
    change, told = BREAKING[name]

    assert breaking_changes(CONTRACT, changed(change)) == [told]


def test_a_changed_contract_is_not_written_over_the_committed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = json.loads((DOCS / "events" / "job.created.v1.json").read_text())
    committed["properties"]["operation"]["type"] = "integer"
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "job.created.v1.json").write_text(json.dumps(committed))
    monkeypatch.setattr("sys.argv", ["documents", str(tmp_path)])

    with pytest.raises(ContractChangedError, match=r"job\.created\.v1 changed: the field operation changed"):
        write_documents()

    assert [path.name for path in tmp_path.rglob("*.*")] == ["job.created.v1.json"]


def test_every_schema_is_a_valid_json_schema() -> None:
    for schema in event_schemas().values():
        Draft202012Validator.check_schema(schema)


def test_every_event_that_asks_for_a_batch_has_its_two_endings() -> None:
    kinds = {name.removesuffix(".requested") for name in EVENT_TYPES if name.endswith(".requested")}

    assert kinds
    assert all({f"{kind}.done", f"{kind}.failed"} <= set(EVENT_TYPES) for kind in kinds)


def test_a_publisher_may_not_add_a_field() -> None:
    with pytest.raises(ValueError, match="extra"):
        JobCreated.model_validate({"job_id": JOB, "operation": "ping", "sequence": "MKV"})


def test_a_consumer_ignores_a_field_it_does_not_know() -> None:
    event = read_event("job.created", {"job_id": str(JOB), "operation": "ping", "added_later": 1})

    assert event == JobCreated(job_id=JOB, operation="ping")


@pytest.mark.parametrize("body", [{}, {"job_id": "no uuid", "operation": "ping"}])
def test_a_body_that_breaks_its_contract_is_named(body: dict[str, str]) -> None:
    with pytest.raises(EventFormatError, match=r"job\.created"):
        read_event("job.created", body)


def test_the_envelope_survives_the_headers() -> None:
    envelope = Envelope.seal(JobCreated(job_id=JOB, operation="ping"), source="protea-gateway")

    assert Envelope.from_headers(envelope.to_headers()) == envelope
    assert envelope.subject == JOB


def test_a_message_without_envelope_is_refused() -> None:
    with pytest.raises(EventFormatError, match="envelope"):
        Envelope.from_headers({"cloudEvents_id": "1"})


def test_uuid7_is_version_7_and_ordered_by_time() -> None:
    identifiers = [uuid7() for _ in range(3)]

    assert {identifier.version for identifier in identifiers} == {7}
    assert [i.int >> 80 for i in identifiers] == sorted(i.int >> 80 for i in identifiers)
