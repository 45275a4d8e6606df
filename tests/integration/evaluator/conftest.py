from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from support.evaluator import EvaluatorBench


@pytest.fixture
async def bench(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[EvaluatorBench]:
    engine = create_async_engine(migrated_database_url)
    yield EvaluatorBench(engine, database_url=migrated_database_url, folder=tmp_path / "artifacts")
    await engine.dispose()
