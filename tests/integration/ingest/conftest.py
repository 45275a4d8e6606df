from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protea_common.messaging.memory import MemoryBus
from protea_common.runtime import Platform, open_platform
from protea_common.settings import load_settings
from support.ingest_bench import IngestBench, open_bench


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The folder whose files may be loaded."""
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


@pytest.fixture
async def platform(migrated_database_url: str, tmp_path: Path, sources: Path) -> AsyncIterator[Platform]:
    """A database, the in-process bus and a local artifact store of the test's own; leases are looked at often."""
    overrides = {
        "db_url": migrated_database_url,
        "amqp_url": "amqp://memory/",
        "storage_root": tmp_path / "store",
        "allowed_source_dirs": (sources,),
        "tuning": {"worker": {"heartbeat": 0.05, "retry_base": 0.001}},
    }
    async with open_platform(load_settings(tmp_path, overrides=overrides), MemoryBus()) as platform:
        yield platform


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[IngestBench]:
    async with open_bench(platform) as bench:
        yield bench
