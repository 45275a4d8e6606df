"""Logs of the laptop edition: all of it as JSON in a file, and on the console what a person should know."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from protea_common.telemetry import JSONFormatter

__all__ = ["log_to"]

LOG_BYTES: Final = 10_000_000
"""Size at which a log file is put aside; larger ones are slow to open, smaller ones hold less than a day's work."""

OLD_LOGS: Final = 3
"""Files kept beside the current one."""

QUIET_LOGGERS: Final = ("httpx", "httpcore")
"""They tell of each request of a client in this process, which the server's own log holds already."""


class _ConsoleHandler(logging.Handler):
    """Writes to whatever ``sys.stderr`` is at that moment: a progress bar puts its own stream there."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")


class _ConsoleFormatter(logging.Formatter):
    """One line a record; a traceback is for the file."""

    def __init__(self, file: Path) -> None:
        super().__init__("%(levelname)s: %(message)s")
        self._file = file

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        line = self.formatMessage(record)
        return f"{line} (details in {self._file})" if record.exc_info else line


@contextmanager
def log_to(file: Path) -> Iterator[None]:
    """Write the process's logs to ``file`` from level INFO, and to the console from WARNING, while the block runs."""
    root = logging.getLogger()
    level = root.level
    handlers = [_file_handler(file), _console_handler(file)]
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _file_handler(file: Path) -> logging.Handler:
    handler = RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=OLD_LOGS, encoding="utf-8")
    handler.setFormatter(JSONFormatter())
    handler.setLevel(logging.INFO)
    return handler


def _console_handler(file: Path) -> logging.Handler:
    handler = _ConsoleHandler(logging.WARNING)
    handler.setFormatter(_ConsoleFormatter(file))
    return handler
