"""Traces over OTLP/HTTP, off unless asked for, and the trace context that travels in headers.

AMQP is not instrumented automatically: an outbox stands between a request and its message, so the row carries the
context, and whoever handles the message continues it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from protea_common.settings import InvalidSettingError

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = [
    "TelemetryConfig",
    "configure_telemetry",
    "current_trace_id",
    "extract_trace_context",
    "get_tracer",
    "inject_trace_context",
    "is_tracing",
    "resolve_telemetry_config",
    "shutdown_telemetry",
]

logger = logging.getLogger(__name__)

DEFAULT_SERVICE_NAME: Final = "protea-gateway"
UNTRACED_PATHS: Final = "/health,/metrics"
"""Asked every few seconds by machines; their spans would bury the others."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()

Header = TypeVar("Header", str, str | int)
"""Values of headers: HTTP has texts, AMQP numbers too."""


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """Where spans go, if anywhere.

    Attributes
    ----------
    enabled
        Whether spans are made at all.
    endpoint
        Base address of an OTLP/HTTP collector; the exporter's default (port 4318 of this machine) if ``None``.
    service_name
        The ``service.name`` of the process's spans.
    sample_ratio
        Share of traces that are kept, in [0, 1]; a trace that was begun elsewhere keeps what was decided there.
    """

    enabled: bool
    endpoint: str | None
    service_name: str
    sample_ratio: float


def resolve_telemetry_config(
    env: Mapping[str, str] | None = None, *, default_service_name: str = DEFAULT_SERVICE_NAME
) -> TelemetryConfig:
    """Read ``PROTEA_OTEL_ENABLED``, ``_ENDPOINT``, ``_SERVICE_NAME`` and ``_SAMPLE_RATIO``, without acting on them.

    Parameters
    ----------
    env
        The process environment if ``None``.
    default_service_name
        Name of the process when the environment has none.

    Raises
    ------
    InvalidSettingError
        If the ratio is no number in [0, 1].
    """
    variables = os.environ if env is None else env
    return TelemetryConfig(
        enabled=variables.get("PROTEA_OTEL_ENABLED", "").strip().lower() in {"1", "true", "yes", "on"},
        endpoint=variables.get("PROTEA_OTEL_ENDPOINT") or None,
        service_name=variables.get("PROTEA_OTEL_SERVICE_NAME") or default_service_name,
        sample_ratio=_ratio(variables.get("PROTEA_OTEL_SAMPLE_RATIO") or "1.0"),
    )


def configure_telemetry(
    app: FastAPI | None = None,
    *,
    config: TelemetryConfig | None = None,
    default_service_name: str = DEFAULT_SERVICE_NAME,
) -> TelemetryConfig:
    """Start tracing if it is enabled, once per process, and trace the requests of ``app``.

    Parameters
    ----------
    app
        The gateway's application; other services have none.
    config
        Read from the environment if ``None``.
    default_service_name
        As in ``resolve_telemetry_config``.

    Returns
    -------
    config
        What was resolved, enabled or not.
    """
    config = config or resolve_telemetry_config(default_service_name=default_service_name)
    if not config.enabled:
        return config
    if is_tracing():
        logger.debug("tracing is configured already")
    else:
        trace.set_tracer_provider(_build_provider(config))
    if app is not None:
        _instrument_app(app)
    return config


def shutdown_telemetry() -> None:
    """Send the spans that are still here and stop; does nothing when tracing is off."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def get_tracer(name: str) -> trace.Tracer:
    """Tracer of a module; its spans go nowhere while tracing is off."""
    return trace.get_tracer(name)


def current_trace_id() -> str | None:
    """Trace of the current span as 32 hexadecimal digits; ``None`` outside a span."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def is_tracing() -> bool:
    """Whether spans are made; what only serves them is left out otherwise."""
    return isinstance(trace.get_tracer_provider(), TracerProvider)


def inject_trace_context(headers: dict[str, Header], context: Context | None = None) -> dict[str, Header]:
    """Add ``traceparent`` and ``tracestate`` to ``headers``, and return the same mapping.

    Parameters
    ----------
    headers
        Of a message or a request.
    context
        Whose span is written; the current one's if ``None``.

    References
    ----------
    W3C Trace Context, Level 1.
    """
    texts: dict[str, str] = {}
    _PROPAGATOR.inject(texts, context=context)
    headers.update(texts)
    return headers


def extract_trace_context(headers: Mapping[str, object] | None) -> Context:
    """Context of the sender of ``headers``, to start a span in; an empty one where they carry none.

    Parameters
    ----------
    headers
        AMQP headers; what is not text is passed over.
    """
    texts = {name: value for name, value in (headers or {}).items() if isinstance(value, str)}
    return _PROPAGATOR.extract(texts, context=Context())


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise InvalidSettingError(f"PROTEA_OTEL_SAMPLE_RATIO must be a number from 0 to 1, not {text!r}")
    return ratio


def _build_provider(config: TelemetryConfig) -> TracerProvider:
    exporter = OTLPSpanExporter(None if config.endpoint is None else f"{config.endpoint.rstrip('/')}/v1/traces")
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(config.sample_ratio)),
        resource=Resource.create({SERVICE_NAME: config.service_name}),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _instrument_app(app: FastAPI) -> None:
    # Only the gateway's extra brings this package.
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    # Without the spans of single chunks: a live stream or a download would have thousands.
    FastAPIInstrumentor.instrument_app(app, excluded_urls=UNTRACED_PATHS, exclude_spans=["receive", "send"])
