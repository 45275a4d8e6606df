"""Folders that every user can enter, and of which nothing stays."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["traversable_folder"]


@contextmanager
def traversable_folder(prefix: str) -> Iterator[Path]:
    """Make a folder for the block.

    Run by root, PostgreSQL is another user, who cannot traverse pytest's own folders: its data would lie, and stay,
    outside.
    """
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
