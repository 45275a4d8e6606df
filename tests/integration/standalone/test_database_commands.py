"""``protea migrate`` and ``protea keys`` on a database of the settings."""

from __future__ import annotations

import asyncpg

from support.laptop import protea


async def test_migrate_makes_the_tables_and_hides_the_password(database_url: str) -> None:
    done = protea("migrate", PROTEA_DB_URL=database_url)

    assert done.returncode == 0, done.stderr
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        assert await connection.fetchval("SELECT count(*) FROM job") == 0
    finally:
        await connection.close()
    assert "has the newest schema" in done.stdout
    assert database_url not in done.stdout


def test_a_key_is_shown_once_alone_and_listed_by_its_prefix(migrated_database_url: str) -> None:
    made = protea("keys", "create", "the lab's robot", PROTEA_DB_URL=migrated_database_url)
    listed = protea("keys", "list", PROTEA_DB_URL=migrated_database_url)

    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert len(key) == 64
    assert key not in made.stderr
    assert key[:8] in listed.stdout
    assert "the lab's robot" in listed.stdout
    assert key not in listed.stdout


def test_a_revoked_key_cannot_be_revoked_again(migrated_database_url: str) -> None:
    prefix = protea("keys", "create", "robot", PROTEA_DB_URL=migrated_database_url).stdout[:8]

    first = protea("keys", "revoke", prefix, PROTEA_DB_URL=migrated_database_url)
    second = protea("keys", "revoke", prefix, PROTEA_DB_URL=migrated_database_url)

    assert first.returncode == 0, first.stderr
    assert first.stdout == f"The key {prefix} (robot) is revoked.\n"
    assert second.returncode == 1
    assert "0 valid keys" in second.stderr
