"""Where people find the trace of a request."""

from __future__ import annotations

__all__ = ["trace_address"]


def trace_address(jaeger_url: str | None, trace_id: str | None) -> str | None:
    """Write the address of a trace's page; ``None`` without a Jaeger or without a trace.

    References
    ----------
    Jaeger's pages: ``/trace/{trace_id}``.
    """
    if jaeger_url is None or trace_id is None:
        return None
    return f"{jaeger_url.rstrip('/')}/trace/{trace_id}"
