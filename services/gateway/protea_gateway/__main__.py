"""``protea-gateway``: the gateway as a process of its own."""

from __future__ import annotations

from typing import NoReturn

from protea_common.runtime import run_service
from protea_gateway.entrypoints.consumer import build_service
from protea_gateway.wiring import SERVICE_NAME

__all__ = ["main"]


def main() -> NoReturn:
    """Run until SIGTERM."""
    run_service(SERVICE_NAME, build_service)


if __name__ == "__main__":
    main()
