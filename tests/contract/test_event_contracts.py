"""The committed contracts are those of the code, and readers are more tolerant than writers."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from protea_common.events import EVENT_TYPES, Envelope, EventFormatError, JobCreated, event_schemas, read_event, uuid7
from protea_common.events.documents import event_documents

DOCS = Path(__file__).parents[2] / "docs"
JOB = UUID(int=7)


def test_the_committed_documents_are_those_of_the_code() -> None:
    stale = [path for path, text in event_documents().items() if (DOCS / path).read_text(encoding="utf8") != text]

    assert stale == [], "run `make contracts` and commit what it writes"


def test_no_document_is_left_of_an_event_that_is_gone() -> None:
    committed = {path.name for path in (DOCS / "events").iterdir()}

    assert committed == {f"{name}.json" for name in event_schemas()}


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
