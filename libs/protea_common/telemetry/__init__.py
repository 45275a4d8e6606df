"""What a running process tells about itself: logs, traces, metrics and health."""

from protea_common.telemetry.health import HealthCheck, health_routes, metrics_endpoint
from protea_common.telemetry.http_metrics import HttpMetricsMiddleware
from protea_common.telemetry.logging import JSONFormatter, configure_logging
from protea_common.telemetry.message_spans import (
    EVENTS_DESTINATION,
    created_message,
    fail_span,
    message_attributes,
    work_span,
)
from protea_common.telemetry.metrics import (
    MetricRegistry,
    build_metric_registry,
    refresh_db_pool_gauge,
    render_metrics,
)
from protea_common.telemetry.sql_spans import copy_span, instrument_sqlalchemy_engine
from protea_common.telemetry.tracing import (
    TelemetryConfig,
    configure_telemetry,
    current_trace_id,
    extract_trace_context,
    get_tracer,
    inject_trace_context,
    is_tracing,
    resolve_telemetry_config,
    shutdown_telemetry,
)

__all__ = [
    "EVENTS_DESTINATION",
    "HealthCheck",
    "HttpMetricsMiddleware",
    "JSONFormatter",
    "MetricRegistry",
    "TelemetryConfig",
    "build_metric_registry",
    "configure_logging",
    "configure_telemetry",
    "copy_span",
    "created_message",
    "current_trace_id",
    "extract_trace_context",
    "fail_span",
    "get_tracer",
    "health_routes",
    "inject_trace_context",
    "instrument_sqlalchemy_engine",
    "is_tracing",
    "message_attributes",
    "metrics_endpoint",
    "refresh_db_pool_gauge",
    "render_metrics",
    "resolve_telemetry_config",
    "shutdown_telemetry",
    "work_span",
]
