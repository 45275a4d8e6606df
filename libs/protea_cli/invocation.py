"""Commands and paths as the person at this shell can type them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from protea_cli.options import DEFAULT_URL

__all__ = ["command", "shown_path"]


def command(arguments: str, *, url: str = DEFAULT_URL) -> str:
    """Write a command line of ours, started the way this process was and speaking to the same server.

    Right after an installation into a virtual environment ``protea`` alone is not found: then it is
    ``.venv/bin/protea``.
    """
    address = "" if url == DEFAULT_URL else f" --url {url}"
    return f"{_program(Path(sys.argv[0]))} {arguments}{address}"


def shown_path(path: Path) -> str:
    """Write a path relative to the current folder if it is below it, in full otherwise."""
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _program(script: Path) -> str:
    if script.name == "__main__.py":
        return "python -m protea_cli"
    found = shutil.which(script.name)
    if found is not None and script.exists() and script.samefile(found):
        return script.name
    return shown_path(script)
