"""A service as a process whose artifact store can refuse writes: ``python -m support.faults.service NAME FLAG``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from protea_common.runtime import run_service
from protea_common.settings import Settings
from protea_common.storage import ArtifactStore, get_artifact_store
from support.faults.full_disk import FullDisk


def main() -> None:
    """Run the service until SIGTERM."""
    service, flag = sys.argv[1], Path(sys.argv[2])
    entrypoint = importlib.import_module(f"protea_{service}.entrypoints.consumer")

    def store(settings: Settings) -> ArtifactStore:
        return FullDisk(get_artifact_store(settings), flag=flag)

    run_service(f"protea-{service}", entrypoint.build_service, artifact_store=store)


if __name__ == "__main__":
    main()
