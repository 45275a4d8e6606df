"""The two commands."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from rich.console import Console

from protea_cli.progress import Steps

if TYPE_CHECKING:
    from protea_cli.backup.manifest import Manifest

__all__ = ["backup", "restore"]

OwnHome: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="PROTEA_HOME",
        file_okay=False,
        help="Folder of a laptop edition, which must not run. Without it: the database and artifact store of the "
        "settings (PROTEA_DB_URL), or .protea where they name none.",
    ),
]

BackupFolder: TypeAlias = Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False)]


def backup(folder: BackupFolder, home: OwnHome = None) -> None:
    """Write the database and all artifacts into a new folder; a cluster may run meanwhile."""
    asyncio.run(_backup(folder, home))


def restore(folder: BackupFolder, home: OwnHome = None) -> None:
    """Bring a backup into an empty database and an empty artifact store, every file verified first."""
    asyncio.run(_restore(folder, home))


async def _backup(folder: Path, home: Path | None) -> None:
    # Loading SQLAlchemy takes half a second, which the other commands are spared.
    from protea_cli.backup.place import open_place
    from protea_cli.backup.saving import save

    steps = Steps(_console())
    async with open_place(home, is_new=False) as place:
        with steps.step(f"Backing up {place.shown}") as step:
            manifest = await save(place, folder, tell=partial(step.show, None))
            step.tell(_summary(manifest))
    steps.console.print(f"The backup is in {folder}; `protea restore {folder}` brings it back.", soft_wrap=True)


async def _restore(folder: Path, home: Path | None) -> None:
    from protea_cli.backup.place import open_place
    from protea_cli.backup.restoring import read_backup, restore

    steps = Steps(_console())
    with steps.step(f"Verifying {folder}") as step:
        manifest = await read_backup(folder)
        step.tell(_summary(manifest))
    async with open_place(home, is_new=True) as place:
        with steps.step(f"Restoring into {place.shown}") as step:
            await restore(place, folder, manifest, tell=partial(step.show, None))
            step.tell(f"as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")
    steps.console.print("Before the services start: protea migrate (the laptop edition does it itself).")


def _summary(manifest: Manifest) -> str:
    size = sum(record.size_bytes for record in manifest.files.values())
    return f"{len(manifest.artifact_keys):,} artifacts, {size / 1e6:,.1f} MB"


def _console() -> Console:
    return Console(markup=False, highlight=False)
