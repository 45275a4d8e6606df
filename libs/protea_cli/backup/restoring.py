"""Bringing a backup back: verified first, and only into what is empty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import column, func, literal, table, text, update

from protea_cli.backup.errors import TargetNotEmptyError
from protea_cli.backup.manifest import ARTIFACTS_FOLDER, DATABASE_FILE, Manifest
from protea_cli.backup.place import Place
from protea_cli.backup.programs import load_dump
from protea_common.storage import artifact_base

__all__ = ["read_backup", "restore"]

_URI_COLUMNS = text("""
    SELECT table_name, column_name
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
      AND column_name LIKE '%\\_uri' AND data_type IN ('text', 'character varying')
    ORDER BY table_name, column_name
""")
"""Columns that say where an artifact is: by their name, so that those of later migrations are among them."""


async def read_backup(folder: Path) -> Manifest:
    """Read a backup's manifest and compare every file with it.

    Raises
    ------
    BackupFolderError
        If the folder holds no finished backup.
    BackupDamagedError
        If a file is missing or is another one.
    """
    manifest = Manifest.read(folder)
    await asyncio.to_thread(manifest.verify, folder)
    return manifest


async def restore(place: Place, folder: Path, manifest: Manifest, *, tell: Callable[[str], None]) -> None:
    """Fill an empty database and an empty artifact store from a verified backup.

    The artifacts come first, so that rows never name what is not there. URIs in the rows are changed to those of the
    new store.

    Raises
    ------
    TargetNotEmptyError
        If the database has tables or the store artifacts.
    """
    await _require_empty(place)
    for key in manifest.artifact_keys:
        tell(key)
        await place.artifacts.put(key, folder.joinpath(ARTIFACTS_FOLDER, *key.split("/")))
    tell("the database")
    await load_dump(place.db_url, folder / DATABASE_FILE)
    await _move_uris(place, old=manifest.artifact_base, new=artifact_base(place.artifacts))


async def _require_empty(place: Place) -> None:
    async with place.engine.connect() as connection:
        tables = text("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        if await connection.scalar(tables):
            raise TargetNotEmptyError(f"The database of {place.shown} has tables already; restore into an empty one.")
    async for key in place.artifacts.list_keys():
        raise TargetNotEmptyError(
            f"The artifact store of {place.shown} holds {key} already; restore into an empty folder or bucket."
        )


async def _move_uris(place: Place, *, old: str, new: str) -> None:
    if old == new:
        return
    async with place.engine.begin() as connection:
        for name, uri in (await connection.execute(_URI_COLUMNS)).all():
            moved = literal(new) + func.substr(column(uri), len(old) + 1)
            await connection.execute(
                update(table(name, column(uri))).values({uri: moved}).where(func.starts_with(column(uri), old))
            )
