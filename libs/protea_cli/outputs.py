"""Results on disk: there is the whole file or the one that was there before, never a piece."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from protea_cli.errors import CommandError

__all__ = ["STANDARD_STREAM", "check_output", "open_output"]

STANDARD_STREAM: Final = "-"
"""In place of a file's name: standard input or output."""


def check_output(output: str) -> None:
    """Refuse a place where no file can be written, before the work is done.

    Raises
    ------
    CommandError
        If its folder is missing or it is a folder itself.
    """
    path = Path(output)
    if output == STANDARD_STREAM:
        return
    if path.is_dir():
        raise CommandError(f"{output} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise CommandError(f"the folder {path.parent} does not exist; make it first")


@contextmanager
def open_output(output: str) -> Iterator[BinaryIO]:
    """Open a file that appears under its name when the block ends well, or standard output.

    Raises
    ------
    CommandError
        If the file cannot be written.
    """
    if output == STANDARD_STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(path)
    except OSError as exc:
        raise CommandError(f"{output} cannot be written: {exc.strerror or exc}") from exc
    finally:
        draft.unlink(missing_ok=True)
