"""Traces: off by default, W3C headers, and what an independent OTLP receiver gets from a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, get_current_span, use_span

from protea_common.settings import InvalidSettingError
from protea_common.telemetry import (
    TelemetryConfig,
    configure_telemetry,
    current_trace_id,
    extract_trace_context,
    inject_trace_context,
    resolve_telemetry_config,
    shutdown_telemetry,
)
from support.otlp import Collector, collecting

# The example of the W3C Trace Context recommendation, section 3.2.4.
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736
SPAN_ID = 0x00F067AA0BA902B7

STATEMENTS_PROGRAM = """
import asyncio, sys
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from protea_common.telemetry import (
    configure_telemetry, extract_trace_context, get_tracer, instrument_sqlalchemy_engine, shutdown_telemetry,
)

async def statements(engine):
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE sequence (residues text PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO sequence VALUES (:residues)"), {"residues": "MKTAYIAKQR"})
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT CAST(:residues AS integer)"), {"residues": "MKTAYIAKQR"})
    except DBAPIError as error:
        assert "MKTAYIAKQR" in str(error.orig)

async def main():
    for _ in range(2):
        configure_telemetry(default_service_name="protea-test")
    engines = [create_async_engine(sys.argv[1]) for _ in range(2)]
    for engine in engines:
        instrument_sqlalchemy_engine(engine)
    parent = extract_trace_context({"traceparent": sys.argv[2]})
    with get_tracer("test").start_as_current_span("work", context=parent):
        await statements(engines[1])
    for engine in engines:
        await engine.dispose()
    shutdown_telemetry()

asyncio.run(main())
"""

GATEWAY_PROGRAM = """
import asyncio, httpx
from fastapi import FastAPI
from protea_common.telemetry import configure_telemetry, shutdown_telemetry

app = FastAPI()
app.get("/health")(lambda: "ok")
app.get("/v1/jobs/{job_id}")(lambda job_id: job_id)
configure_telemetry(app)

async def main():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://protea") as client:
        await client.get("/health")
        await client.get("/v1/jobs/7")

asyncio.run(main())
shutdown_telemetry()
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as received:
        yield received


def run_traced(program: str, *arguments: str, collector: Collector, enabled: str = "1") -> None:
    variables = {"PROTEA_OTEL_ENABLED": enabled, "PROTEA_OTEL_ENDPOINT": f"{collector.address}/"}
    subprocess.run([sys.executable, "-c", program, *arguments], env={**os.environ, **variables}, check=True)


def attributes(span: Any) -> dict[str, str]:
    return {attribute.key: attribute.value.string_value for attribute in span.attributes}


def test_tracing_is_off_unless_asked_for() -> None:
    config = configure_telemetry(default_service_name="protea-ingest")
    assert config == TelemetryConfig(enabled=False, endpoint=None, service_name="protea-ingest", sample_ratio=1.0)
    assert not isinstance(trace.get_tracer_provider(), TracerProvider)
    shutdown_telemetry()


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_every_way_to_say_yes_turns_it_on(value: str) -> None:
    assert resolve_telemetry_config({"PROTEA_OTEL_ENABLED": value}).enabled


@pytest.mark.parametrize("value", ["", "0", "false", "no", "off", "perhaps"])
def test_anything_else_leaves_it_off(value: str) -> None:
    assert not resolve_telemetry_config({"PROTEA_OTEL_ENABLED": value}).enabled


def test_the_environment_names_the_collector_the_service_and_the_ratio() -> None:
    config = resolve_telemetry_config(
        {
            "PROTEA_OTEL_ENABLED": "1",
            "PROTEA_OTEL_ENDPOINT": "http://collector:4318",
            "PROTEA_OTEL_SERVICE_NAME": "protea-embedder-a100",
            "PROTEA_OTEL_SAMPLE_RATIO": "0.25",
        },
        default_service_name="protea-embedder",
    )
    assert config == TelemetryConfig(
        enabled=True, endpoint="http://collector:4318", service_name="protea-embedder-a100", sample_ratio=0.25
    )


@pytest.mark.parametrize("ratio", ["1.5", "-0.1", "nan", "half"])
def test_a_ratio_that_is_none_is_refused(ratio: str) -> None:
    with pytest.raises(InvalidSettingError, match="PROTEA_OTEL_SAMPLE_RATIO"):
        resolve_telemetry_config({"PROTEA_OTEL_SAMPLE_RATIO": ratio})


def test_the_current_span_is_written_as_the_w3c_example() -> None:
    headers = {"kept": "yes"}
    span = NonRecordingSpan(SpanContext(TRACE_ID, SPAN_ID, is_remote=False, trace_flags=TraceFlags(1)))
    with use_span(span):
        returned = inject_trace_context(headers)
        assert current_trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert returned is headers
    assert headers == {"kept": "yes", "traceparent": TRACEPARENT}


def test_outside_a_span_there_is_nothing_to_write() -> None:
    assert inject_trace_context({}) == {}
    assert current_trace_id() is None


def test_headers_give_the_sender_s_span_back() -> None:
    headers = {"traceparent": TRACEPARENT, "tracestate": "vendor=1", "x-attempt": 3, "x-raw": b"\xff"}
    sender = get_current_span(extract_trace_context(headers)).get_span_context()
    assert (sender.trace_id, sender.span_id) == (TRACE_ID, SPAN_ID)
    assert sender.trace_state.get("vendor") == "1"


@pytest.mark.parametrize("headers", [None, {}, {"traceparent": "nonsense"}])
def test_headers_without_a_trace_do_not_borrow_the_current_one(headers: dict[str, object] | None) -> None:
    span = NonRecordingSpan(SpanContext(TRACE_ID, SPAN_ID, is_remote=False, trace_flags=TraceFlags(1)))
    with use_span(span):
        assert not get_current_span(extract_trace_context(headers)).get_span_context().is_valid


def test_statements_become_spans_of_the_sender_s_trace_without_their_values(
    collector: Collector, database_url: str
) -> None:
    run_traced(STATEMENTS_PROGRAM, database_url, TRACEPARENT, collector=collector)
    (insert,) = [span for span in collector.spans if span.name.startswith("INSERT ")]
    (failed,) = [span for span in collector.spans if "error.type" in attributes(span)]
    assert collector.service_names == {"protea-test"}
    assert set(collector.paths) == {"/v1/traces"}
    assert {span.trace_id.hex() for span in collector.spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert attributes(insert)["db.query.text"].startswith("INSERT INTO sequence VALUES ($1")
    assert attributes(failed)["db.operation.name"] == "SELECT"
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert "MKTAYIAKQR" not in str(collector.requests)


def test_requests_of_the_gateway_become_spans_but_probes_do_not(collector: Collector) -> None:
    run_traced(GATEWAY_PROGRAM, collector=collector)
    servers = [span for span in collector.spans if "/v1/jobs" in span.name]
    assert servers
    assert not [span for span in collector.spans if "/health" in span.name]
    assert collector.service_names == {"protea-gateway"}


def test_nothing_is_sent_while_tracing_is_off(collector: Collector, database_url: str) -> None:
    run_traced(STATEMENTS_PROGRAM, database_url, TRACEPARENT, collector=collector, enabled="0")
    assert collector.requests == []
