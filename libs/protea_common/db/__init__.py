"""Access to PostgreSQL: the engine, sessions, the unit of work with its outbox, COPY and migrations."""

from protea_common.db.copy import copy_binary, copy_rows, read_binary
from protea_common.db.engine import (
    DATABASE_AWAY,
    DatabaseUnavailableError,
    SessionFactory,
    build_engine,
    build_session_factory,
    check_database,
    session_scope,
    wait_for_database,
)
from protea_common.db.migrations import migrations_folder, upgrade_to_head
from protea_common.db.numbers import read_numbers
from protea_common.db.unit_of_work import UnitOfWork

__all__ = [
    "DATABASE_AWAY",
    "DatabaseUnavailableError",
    "SessionFactory",
    "UnitOfWork",
    "build_engine",
    "build_session_factory",
    "check_database",
    "copy_binary",
    "copy_rows",
    "migrations_folder",
    "read_binary",
    "read_numbers",
    "session_scope",
    "upgrade_to_head",
    "wait_for_database",
]
