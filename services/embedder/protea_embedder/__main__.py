"""``protea-embedder``: the embedder as a process of its own; ``--role`` chooses what it takes."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import NoReturn

from protea_common.runtime import Platform, Role, Service, parse_role, run_service
from protea_common.settings import load_service_settings
from protea_embedder.entrypoints.consumer import build_service
from protea_embedder.settings import EmbedderSettings
from protea_embedder.wiring import SERVICE_NAME

__all__ = ["main"]


def main() -> NoReturn:
    """Run until SIGTERM."""
    role = parse_role(SERVICE_NAME, description="The embedder as a process of its own.")
    run_service(SERVICE_NAME, partial(_build, role=role))


def _build(platform: Platform, *, role: Role | None) -> AbstractAsyncContextManager[Service]:
    overrides = {} if role is None else {"role": role}
    return build_service(platform, settings=load_service_settings(EmbedderSettings, Path.cwd(), overrides=overrides))


if __name__ == "__main__":
    main()
