"""What makes datasets and re-rankers: this version of PROTEA."""

from __future__ import annotations

from importlib.metadata import version

from protea_predictor.adapters.manifest import Producer

__all__ = ["read_producer"]


def read_producer() -> Producer:
    """Tell the installed version; an installation does not know its commit."""
    return Producer(version=version("protea"), git_sha=None)
