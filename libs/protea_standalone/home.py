"""The folder that holds everything of a laptop edition: whose it is now, and how others find what runs on it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

from protea_common.errors import PermanentError
from protea_standalone.postgres import EmbeddedPostgres

__all__ = [
    "AlreadyRunningError",
    "Home",
    "HomeFolderError",
    "RunningEdition",
    "announce",
    "erase_home",
    "hold_home",
]


class HomeFolderError(PermanentError):
    """PROTEA's folder cannot be used."""

    slug: ClassVar[str] = "home-folder"


class AlreadyRunningError(HomeFolderError):
    """Another PROTEA process works with the same folder.

    Attributes
    ----------
    running
        That process; ``None`` while it has not finished starting.
    """

    slug: ClassVar[str] = "already-running"

    def __init__(self, folder: Path, running: RunningEdition | None) -> None:
        self.running = running
        told = (
            "is being started or stopped by another process: wait a moment"
            if running is None
            else f"is already running at {running.url} (process {running.pid}): use it, or stop it first"
        )
        super().__init__(f"PROTEA on {folder} {told}. For a second one give another --home.")


@dataclass(frozen=True, slots=True)
class RunningEdition:
    """Who serves a home, and where: the content of ``running.json``."""

    pid: int
    url: str


@dataclass(frozen=True, slots=True)
class Home:
    """Where things lie below a home's folder."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Take a folder, wherever the current one may be later."""
        return cls(folder.absolute())

    @property
    def postgres(self) -> Path:
        """The database, unless the operating system's permissions put it elsewhere, see ``EmbeddedPostgres``."""
        return self.folder / "postgres"

    @property
    def artifacts(self) -> Path:
        """Uploaded and produced files."""
        return self.folder / "artifacts"

    @property
    def log_file(self) -> Path:
        """The full log."""
        return self.folder / "protea.log"

    @property
    def lock_file(self) -> Path:
        """Locked by the process that works with the home, as long as it lives."""
        return self.folder / "protea.lock"

    @property
    def running_file(self) -> Path:
        """Who serves the home; there while it is served."""
        return self.folder / "running.json"


@contextmanager
def hold_home(home: Home) -> Iterator[None]:
    """Keep a home for this process while the block runs; its folder is made if absent.

    The operating system gives the lock back however the process ends, so a crash leaves nothing to clear.

    Raises
    ------
    AlreadyRunningError
        If another process holds it.
    HomeFolderError
        If the folder cannot be made or written.
    """
    try:
        home.folder.mkdir(parents=True, exist_ok=True)
        lock = home.lock_file.open("a")
    except OSError as exc:
        raise HomeFolderError(f"the folder {home.folder} cannot be used: {exc.strerror}; give another --home") from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(home.folder, _read_running(home)) from None
        # A crash leaves this behind; from here on it can only be our own.
        home.running_file.unlink(missing_ok=True)
        yield


@contextmanager
def announce(home: Home, url: str) -> Iterator[None]:
    """Tell by ``running.json`` where the home is served, while the block runs."""
    draft = home.running_file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(RunningEdition(pid=os.getpid(), url=url))) + "\n")
    draft.replace(home.running_file)
    try:
        yield
    finally:
        home.running_file.unlink(missing_ok=True)


def erase_home(home: Home) -> None:
    """Delete the data, artifacts and logs of a home; other files in its folder stay.

    Raises
    ------
    AlreadyRunningError
        If a process works with it.
    """
    with hold_home(home):
        EmbeddedPostgres(home.postgres).erase()
        if home.artifacts.exists():
            shutil.rmtree(home.artifacts)
        for log in home.folder.glob(f"{home.log_file.name}*"):
            log.unlink()


def _read_running(home: Home) -> RunningEdition | None:
    try:
        return RunningEdition(**json.loads(home.running_file.read_text()))
    except FileNotFoundError:
        return None
