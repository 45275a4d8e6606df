"""``protea-predictor``: the predictor as a process of its own."""

from __future__ import annotations

import argparse
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import NoReturn

from protea_common.runtime import Platform, Service, run_service
from protea_common.settings import load_service_settings
from protea_predictor.entrypoints.consumer import build_service
from protea_predictor.settings import PredictorSettings, Role
from protea_predictor.wiring import SERVICE_NAME

__all__ = ["main"]


def main() -> NoReturn:
    """Run until SIGTERM; ``--role`` chooses what this process takes."""
    parser = argparse.ArgumentParser(prog=SERVICE_NAME, description=__doc__)
    parser.add_argument(
        "--role",
        type=Role,
        choices=list(Role),
        help="cut jobs into batches, predict batches, or both; the setting PROTEA_PREDICTOR__ROLE, else all",
    )
    run_service(SERVICE_NAME, partial(_build, role=parser.parse_args().role))


def _build(platform: Platform, *, role: Role | None) -> AbstractAsyncContextManager[Service]:
    overrides = {} if role is None else {"role": role}
    return build_service(platform, settings=load_service_settings(PredictorSettings, Path.cwd(), overrides=overrides))


if __name__ == "__main__":
    main()
