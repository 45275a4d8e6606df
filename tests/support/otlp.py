"""Receiving spans over OTLP/HTTP: a plain collector, and rotel before it as a receiver that is not ours."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["Collector", "ReceivedSpan", "collecting", "rotel_before"]

_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it arrived.

    Attributes
    ----------
    trace_id, span_id, parent_id
        Hexadecimal; no parent is an empty text.
    service
        Who made it.
    kind
        As OTLP numbers them: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    linked
        Traces that it links to.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    kind: int
    is_error: bool
    attributes: dict[str, str | int | bool]
    linked: frozenset[str]


@dataclass
class Collector:
    """Keeps what it is sent.

    Attributes
    ----------
    address
        Base address for exporters.
    bodies
        Requests as they came, and whether they are packed.
    """

    address: str
    bodies: list[tuple[bytes, bool]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    _unpacked: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        """Give all requests so far.

        They are unpacked by who asks, not by the server's threads: zlib takes memory while it lets other threads run,
        and a tracemalloc that is stopped meanwhile ends the process (CPython 3.11).
        """
        for body, is_packed in self.bodies[len(self._unpacked) :]:
            self._unpacked.append(ExportTraceServiceRequest.FromString(gzip.decompress(body) if is_packed else body))
        return list(self._unpacked)

    @property
    def spans(self) -> list[Any]:
        return [span for _service, span in self._scoped()]

    @property
    def service_names(self) -> set[str]:
        return {service for service, _span in self._scoped()}

    def received(self) -> list[ReceivedSpan]:
        """Give all spans so far."""
        return [_read(service, span) for service, span in self._scoped()]

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """Give the spans of a trace so far."""
        return [span for span in self.received() if span.trace_id == trace_id]

    def everything(self) -> bytes:
        """Give all that was received, uncompressed, as it stood in the requests."""
        return b"\n".join(request.SerializeToString() for request in self.requests)

    def _scoped(self) -> Iterator[tuple[str, Any]]:
        for request in self.requests:
            for resource in request.resource_spans:
                names = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        yield names.get("service.name", ""), span


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.paths.append(self.path)
            collector.bodies.append((body, self.headers.get("content-encoding") == "gzip"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(address=f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def rotel_before(collector: Collector) -> Iterator[str]:
    """Run rotel, which reads what it is sent and passes it on to the collector; give its address."""
    ports = _free_port(), _free_port()
    agent = Path(sysconfig.get_path("purelib")) / "rotel" / "rotel-agent"
    command = [str(agent), "start", "--exporter", "otlp", "--otlp-exporter-protocol", "http"]
    command += ["--otlp-exporter-endpoint", collector.address, "--batch-timeout", "100ms"]
    command += ["--otlp-http-endpoint", f"127.0.0.1:{ports[0]}", "--otlp-grpc-endpoint", f"127.0.0.1:{ports[1]}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(ports[0], process)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            assert process.poll() is None, "rotel ended at its start"
            assert time.monotonic() < deadline, "rotel does not listen"
            time.sleep(0.05)


def _read(service: str, span: Any) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        service=service,
        kind=span.kind,
        is_error=span.status.code == span.status.STATUS_CODE_ERROR,
        attributes={a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in span.attributes},
        linked=frozenset(link.trace_id.hex() for link in span.links),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
