"""Where a platform's data are: those of the settings, or those of a laptop edition that is not running."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from protea_cli.backup.errors import BackupFolderError
from protea_cli.options import DEFAULT_HOME
from protea_common.db import build_engine, wait_for_database
from protea_common.settings import MissingSettingError, Settings, load_settings, safe_url
from protea_common.storage import ListableStore, get_artifact_store, wait_for_artifacts

__all__ = ["Place", "open_place"]


@dataclass(frozen=True, slots=True)
class Place:
    """A database and an artifact store that belong together.

    Attributes
    ----------
    db_url
        With the password; not to be shown.
    shown
        What to call the place.
    """

    db_url: str
    engine: AsyncEngine
    artifacts: ListableStore
    shown: str


@asynccontextmanager
async def open_place(home: Path | None, *, is_new: bool) -> AsyncIterator[Place]:
    """Open the data of a home, whose database is started for it; without one those of the settings.

    Where the settings name no database either, it is the default home.

    Parameters
    ----------
    home
        Folder of a laptop edition.
    is_new
        Whether a home that is not there is made.

    Raises
    ------
    BackupFolderError
        If there is no such home.
    AlreadyRunningError
        If PROTEA runs on the home.
    DatabaseUnavailableError, ArtifactStoreUnavailable
        If one does not answer within ``settings.startup.dependency_wait``.
    """
    async with AsyncExitStack() as stack:
        if home is None:
            try:
                settings = _settings({})
                shown = safe_url(settings.db_url)
            except MissingSettingError:
                home = DEFAULT_HOME
        if home is not None:
            if not (is_new or home.exists()):
                raise BackupFolderError(f"There is no PROTEA in {home}; give its --home, or set PROTEA_DB_URL.")
            # Needs the extra `standalone`; a cluster's operator does without.
            from protea_standalone.edition import open_data

            db_url, artifacts = await stack.enter_async_context(open_data(home))
            settings = _settings({"db_url": db_url, "storage_backend": "local", "storage_root": artifacts})
            shown = str(home)
        engine = build_engine(settings)
        stack.push_async_callback(engine.dispose)
        await wait_for_database(engine, limit=settings.startup.dependency_wait)
        store = await stack.enter_async_context(aclosing(get_artifact_store(settings)))
        await wait_for_artifacts(store, limit=settings.startup.dependency_wait)
        yield Place(settings.db_url, engine, store, shown)


def _settings(overrides: dict[str, object]) -> Settings:
    # A broker's address is not asked for: nothing here speaks to one.
    return load_settings(Path.cwd(), overrides={"amqp_url": "amqp://not-used/", **overrides})
