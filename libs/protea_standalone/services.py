"""The five services, as the laptop edition builds them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from protea_common.runtime import BuildService
from protea_common.settings import load_service_settings
from protea_embedder.entrypoints.consumer import build_service as build_embedder
from protea_evaluator.entrypoints.consumer import build_service as build_evaluator
from protea_gateway.domain.callers import Authentication
from protea_gateway.entrypoints.consumer import build_service as build_gateway
from protea_gateway.settings import GatewaySettings
from protea_ingest.entrypoints.consumer import build_service as build_ingest
from protea_predictor.entrypoints.consumer import build_service as build_predictor

__all__ = ["service_builders"]

PERSONAL: Final = {"authentication": Authentication.LOOPBACK}
"""Whoever sits at this machine needs no key."""


def service_builders(folder: Path) -> tuple[BuildService, ...]:
    """Give the services in the order in which they start; ``folder`` has the user's settings."""
    gateway = load_service_settings(GatewaySettings, folder, overrides=PERSONAL)
    return (
        partial(build_gateway, settings=gateway),
        build_ingest,
        build_embedder,
        build_predictor,
        build_evaluator,
    )
