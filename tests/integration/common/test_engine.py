"""The engine: what the server is told about every connection, and what an exhausted pool means."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from protea_common.db import DATABASE_AWAY, build_engine
from protea_common.settings import load_settings

WORKER_IS_NOTICED_SECONDS = 30


async def test_the_server_lets_go_of_a_client_whose_host_is_gone(database_url: str, tmp_path: Path) -> None:
    engine = build_engine(load_settings(tmp_path, overrides={"db_url": database_url, "amqp_url": "amqp://unused/"}))
    async with engine.connect() as connection:
        idle, interval, count = [
            int((await connection.execute(text(f"SHOW tcp_keepalives_{name}"))).scalar_one())
            for name in ("idle", "interval", "count")
        ]
    await engine.dispose()

    assert 0 < idle + interval * count <= WORKER_IS_NOTICED_SECONDS


async def test_a_pool_whose_connections_all_hang_counts_as_a_database_that_is_away(
    database_url: str, tmp_path: Path
) -> None:
    tuning = {"worker": {"db_pool_size": 1, "db_pool_max_overflow": 0}}
    overrides = {"db_url": database_url, "amqp_url": "amqp://unused/", "tuning": tuning}
    engine = build_engine(load_settings(tmp_path, overrides=overrides))
    engine.sync_engine.pool._timeout = 0.1  # type: ignore[attr-defined]  # the half minute of production is long
    async with engine.connect():
        with pytest.raises(DATABASE_AWAY):
            async with engine.connect():
                pass
    await engine.dispose()
