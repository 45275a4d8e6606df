from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from support.jobs import JobBench


@pytest.fixture
async def bench(migrated_database_url: str) -> AsyncIterator[JobBench]:
    engine = create_async_engine(migrated_database_url)
    yield JobBench(engine)
    await engine.dispose()
