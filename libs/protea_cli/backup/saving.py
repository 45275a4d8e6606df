"""Making a backup: first the database as it is at one moment, then the artifacts that its rows may name."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from sqlalchemy import text

from protea_cli.backup.errors import BackupFolderError
from protea_cli.backup.manifest import ARTIFACTS_FOLDER, DATABASE_FILE, FileRecord, Manifest, record_of
from protea_cli.backup.place import Place
from protea_cli.backup.programs import dump_database
from protea_common.storage import ArtifactNotFoundError, ListableStore, artifact_base

__all__ = ["save"]


async def save(place: Place, folder: Path, *, tell: Callable[[str], None]) -> Manifest:
    """Write a backup into a folder that is absent or empty; the platform may run meanwhile.

    An artifact is written before the row that names it, so the artifacts of a later moment hold all that the rows of an
    earlier one need. What was deleted in between is left out.

    Raises
    ------
    BackupFolderError
        If the folder holds something, or cannot be written.
    """
    _begin(folder)
    made_at = datetime.now(UTC)
    schema = await _schema(place)
    tell("the database")
    await dump_database(place.db_url, folder / DATABASE_FILE)
    files = {DATABASE_FILE: await asyncio.to_thread(record_of, folder / DATABASE_FILE)}
    async for key in place.artifacts.list_keys():
        tell(key)
        if (record := await _copy(place.artifacts, key, folder / ARTIFACTS_FOLDER)) is not None:
            files[f"{ARTIFACTS_FOLDER}/{key}"] = record
    manifest = Manifest(
        made_at=made_at,
        protea=metadata.version("protea"),
        database_schema=schema,
        artifact_base=artifact_base(place.artifacts),
        files=files,
    )
    manifest.write(folder)
    return manifest


def _begin(folder: Path) -> None:
    try:
        # The dump holds the users' sequences and the hashes of their keys.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BackupFolderError(f"{folder} is not empty; give a backup a folder of its own.")
    except OSError as exc:
        raise BackupFolderError(f"{folder} cannot be written: {exc.strerror}; give another folder.") from exc


async def _schema(place: Place) -> str | None:
    async with place.engine.connect() as connection:
        if await connection.scalar(text("SELECT to_regclass('public.alembic_version')")) is None:
            raise BackupFolderError(f"The database of {place.shown} has no tables of PROTEA; there is nothing to save.")
        version: str | None = await connection.scalar(text("SELECT version_num FROM public.alembic_version"))
        return version


async def _copy(store: ListableStore, key: str, folder: Path) -> FileRecord | None:
    target = folder.joinpath(*key.split("/"))
    try:
        async with store.local_path(key) as path:
            return await asyncio.to_thread(_copy_file, path, target)
    except ArtifactNotFoundError:
        return None


def _copy_file(source: Path, target: Path) -> FileRecord:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return record_of(target)
