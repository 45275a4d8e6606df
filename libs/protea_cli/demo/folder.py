"""The demo's folder: a fresh one at each run, and never one that somebody else made."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from protea_cli.errors import CommandError
from protea_standalone.home import Home, erase_home

__all__ = ["begin_afresh", "claim_folder"]

MARK: Final = "protea-demo"
"""File by which the demo knows its own folder; without it nothing is deleted there."""


def claim_folder(folder: Path) -> bool:
    """Make the folder the demo's; give whether an earlier demo used it.

    Raises
    ------
    CommandError
        If it holds anything that no demo made.
    """
    mark = folder / MARK
    if mark.exists():
        return True
    if folder.exists() and any(folder.iterdir()):
        raise CommandError(f"{folder} is not empty and not from a demo; give the demo a --home of its own")
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text("Made by `protea demo`, which deletes the data here when it starts afresh.\n")
    return False


def begin_afresh(folder: Path) -> None:
    """Delete what an earlier demo left in its folder."""
    erase_home(Home.at(folder))
