from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.gateway import GatewayBench, open_gateway


@pytest.fixture
async def gateway(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[GatewayBench]:
    async with open_gateway(migrated_database_url, tmp_path) as bench:
        yield bench


@pytest.fixture
def client(gateway: GatewayBench) -> httpx.AsyncClient:
    return gateway.client
