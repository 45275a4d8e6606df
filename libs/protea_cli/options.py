"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

__all__ = ["DEFAULT_HOME", "DEFAULT_PORT", "DEFAULT_URL", "ApiKey", "HomeFolder", "InputFile", "Url"]

DEFAULT_HOME: Final = Path(".protea")
"""Where the laptop edition keeps everything, below the current folder."""

DEFAULT_PORT: Final = 8000
"""Where `protea up` listens; the default of ``--url`` names it too."""

DEFAULT_URL: Final = f"http://127.0.0.1:{DEFAULT_PORT}"
"""Where the other commands look for PROTEA."""

Url: TypeAlias = Annotated[str, typer.Option("--url", envvar="PROTEA_URL", help="Where PROTEA answers.")]

ApiKey: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--api-key", envvar="PROTEA_API_KEY", show_envvar=True, help="Key to identify with; not needed for `protea up`."
    ),
]

InputFile: TypeAlias = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]

HomeFolder: TypeAlias = Annotated[
    Path,
    typer.Option("--home", envvar="PROTEA_HOME", file_okay=False, help="Folder of the database, artifacts and log."),
]
