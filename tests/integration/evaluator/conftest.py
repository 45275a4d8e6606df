from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from support.evaluator import EvaluatorBench
from support.peer_evaluators import PeerEvaluator, install_fork


@pytest.fixture
async def bench(migrated_database_url: str, tmp_path: Path) -> AsyncIterator[EvaluatorBench]:
    engine = create_async_engine(migrated_database_url)
    yield EvaluatorBench(engine, database_url=migrated_database_url, folder=tmp_path / "artifacts")
    await engine.dispose()


@pytest.fixture(scope="session")
def fork(request: pytest.FixtureRequest) -> PeerEvaluator:
    return install_fork(request.config.cache.mkdir("cafaeval-protea"))
