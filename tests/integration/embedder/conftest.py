from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protea_common.messaging.memory import MemoryBus
from protea_common.runtime import Platform, open_platform
from protea_common.settings import load_settings
from protea_embedder.settings import EmbedderSettings
from support.embedder_bench import EmbedderBench, open_bench


@pytest.fixture
async def platform(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """A database, the in-process bus and a local artifact store of the test's own."""
    settings = load_settings(
        tmp_path, overrides={"db_url": migrated_database_url, "amqp_url": "amqp://memory/", "storage_root": tmp_path}
    )
    async with open_platform(settings, MemoryBus()) as platform:
        yield platform


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[EmbedderBench]:
    async with open_bench(platform, settings=EmbedderSettings(accept_unirep_licence=True)) as bench:
        yield bench
