"""The laptop edition's database: what it promises when started, stopped, killed and misused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy.engine import make_url

from protea_common.errors import PermanentError
from protea_standalone.postgres import Account, EmbeddedPostgres, EmbeddedPostgresError, can_enter, reachable_folder
from support.folders import traversable_folder

OWNER_PROGRAM = """
import os, sys, time
from pathlib import Path
from protea_standalone.postgres import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]), durable=False, fallback_root=Path(sys.argv[2]))
server.start()
server.create_database("protea")
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print((server.folder / "pgdata" / "postmaster.pid").read_text().split()[0], child, flush=True)
time.sleep(60)
"""

STRANGER = Account(uid=4242, gid=4242)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can traverse: pytest's own are closed to the user the server runs as under root."""
    with traversable_folder("protea-test-embedded-") as folder:
        yield folder


@pytest.fixture
def server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(open_folder / "server", durable=False, fallback_root=open_folder / "fallback")
    yield made
    made.stop()


async def fetch(server: EmbeddedPostgres, statement: str, *, database: str = "postgres") -> object:
    connection = await asyncpg.connect(server.dsn(database).replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.02)


async def test_rows_survive_a_stop_and_a_start(server: EmbeddedPostgres) -> None:
    with server:
        await fetch(server, "CREATE TABLE protein AS SELECT 'P04637' AS accession")
    with server:
        assert await fetch(server, "SELECT accession FROM protein") == "P04637"


async def test_it_listens_on_loopback_only_and_leaves_no_socket_file(server: EmbeddedPostgres) -> None:
    with server:
        assert await fetch(server, "SHOW listen_addresses") == "127.0.0.1"
        assert await fetch(server, "SHOW unix_socket_directories") == ""


async def test_it_asks_for_its_password(server: EmbeddedPostgres) -> None:
    with server, pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host="127.0.0.1", port=server.port, user="postgres", password="guessed")


def test_its_password_and_data_are_closed_to_other_users(server: EmbeddedPostgres) -> None:
    with server:
        assert server.folder.stat().st_mode & 0o077 == 0
        assert (server.folder / "password").stat().st_mode & 0o077 == 0


async def test_it_is_durable_unless_told_otherwise(open_folder: Path, server: EmbeddedPostgres) -> None:
    with server, EmbeddedPostgres(open_folder / "durable", fallback_root=open_folder / "fallback") as durable:
        for option in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await fetch(durable, f"SHOW {option}") == "on"
            assert await fetch(server, f"SHOW {option}") == "off"


async def test_it_brings_pgvector_with_half_precision(server: EmbeddedPostgres) -> None:
    with server:
        server.create_database("protea")
        await fetch(server, "CREATE EXTENSION vector", database="protea")
        # Cosine distance of orthogonal vectors is 1.
        assert await fetch(server, "SELECT '[1,0]'::halfvec <=> '[0,1]'::halfvec", database="protea") == 1.0


async def test_text_is_ordered_by_code_point_whatever_the_machine_s_locale(server: EmbeddedPostgres) -> None:
    with server:
        assert await fetch(server, "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{b,a,C,é}'::text[]) x") == "Cabé"


async def test_making_a_database_twice_makes_it_once(server: EmbeddedPostgres) -> None:
    with server:
        server.create_database('odd "name"; \\')
        server.create_database('odd "name"; \\')
        assert await fetch(server, "SELECT count(*) FROM pg_database WHERE datname LIKE 'odd%'") == 1


def test_a_wanted_port_is_used(open_folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with EmbeddedPostgres(open_folder / "server", port=port, durable=False, fallback_root=open_folder) as server:
        assert make_url(server.dsn("postgres")).port == port


def test_a_taken_port_is_an_error_that_shows_the_log(open_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = EmbeddedPostgres(open_folder / "server", port=port, durable=False, fallback_root=open_folder)
        with pytest.raises(EmbeddedPostgresError, match="Address already in use") as raised:
            server.start()
    assert isinstance(raised.value, PermanentError)
    assert "postgres.log" in str(raised.value)


def test_a_second_server_on_the_same_data_is_refused(open_folder: Path, server: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(open_folder / "server", durable=False, fallback_root=open_folder / "fallback")
    with server, pytest.raises(EmbeddedPostgresError, match="PROTEA is already running"):
        second.start()


def test_a_stopped_server_has_no_address(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    server.stop()
    with pytest.raises(EmbeddedPostgresError, match="not running"):
        server.dsn("postgres")


async def test_it_ends_when_its_owner_is_killed_though_a_forked_child_lives_on(
    open_folder: Path, server: EmbeddedPostgres
) -> None:
    command = [sys.executable, "-c", OWNER_PROGRAM, str(open_folder / "server"), str(open_folder / "fallback")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        postmaster, child = (int(word) for word in owner.stdout.readline().split())
        owner.kill()
    try:
        wait_for_end(postmaster)
    finally:
        os.kill(child, signal.SIGKILL)
    with server:
        assert await fetch(server, "SELECT count(*) FROM pg_database WHERE datname = 'protea'") == 1


async def test_a_start_right_after_the_owner_s_death_waits_for_the_old_server(
    open_folder: Path, server: EmbeddedPostgres
) -> None:
    command = [sys.executable, "-c", OWNER_PROGRAM, str(open_folder / "server"), str(open_folder / "fallback")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline().split()[1])
        owner.kill()
    try:
        with server:
            assert await fetch(server, "SELECT 1") == 1
    finally:
        os.kill(child, signal.SIGKILL)


async def test_it_recovers_what_was_committed_when_the_server_itself_was_killed(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "durable", fallback_root=open_folder / "fallback")
    with server:
        await fetch(server, "CREATE TABLE protein AS SELECT 'P04637' AS accession")
        postmaster = int((server.folder / "pgdata" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        wait_for_end(postmaster)
    with server:
        assert await fetch(server, "SELECT accession FROM protein") == "P04637"


async def test_a_lock_whose_process_number_went_to_another_program_is_forgotten(server: EmbeddedPostgres) -> None:
    with server:
        lock = (server.folder / "pgdata" / "postmaster.pid").read_text().splitlines()
    # Stopped, then as after a reboot: the file is there, and its number is a living process of the server's user.
    with subprocess.Popen(["sleep", "60"], user=server.folder.owner()) as other:
        (server.folder / "pgdata" / "postmaster.pid").write_text("\n".join([str(other.pid), *lock[1:]]) + "\n")
        try:
            with server:
                assert await fetch(server, "SELECT 1") == 1
        finally:
            other.kill()


async def test_an_interrupted_first_start_leaves_no_half_database(open_folder: Path, server: EmbeddedPostgres) -> None:
    (open_folder / "server" / "pgdata.new" / "base").mkdir(parents=True)
    with server:
        assert await fetch(server, "SELECT 1") == 1


async def test_a_checkout_closed_to_other_users_keeps_its_data(open_folder: Path) -> None:
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    fallback = open_folder / "fallback"
    for expected in (0, 1):
        with EmbeddedPostgres(closed / ".protea" / "postgres", durable=False, fallback_root=fallback) as server:
            assert await fetch(server, "SELECT count(*) FROM pg_database WHERE datname = 'protea'") == expected
            server.create_database("protea")


def test_a_database_of_another_user_is_refused_with_both_named(open_folder: Path, server: EmbeddedPostgres) -> None:
    with server:
        pass
    pgdata = server.folder / "pgdata"
    if os.geteuid() == 0:
        os.chown(pgdata, STRANGER.uid, STRANGER.gid)
        with pytest.raises(EmbeddedPostgresError, match=f"user with id {STRANGER.uid}"):
            server.start()
    else:
        # Only root can give files away; a folder of root's shows the same.
        with pytest.raises(EmbeddedPostgresError, match="user with id 0"):
            EmbeddedPostgres(Path("/usr")).start()


def test_an_open_folder_is_used_as_it_is(open_folder: Path) -> None:
    wanted = open_folder / "absent" / "postgres"
    assert reachable_folder(wanted, account=STRANGER, fallback_root=open_folder / "fallback") == wanted
    assert reachable_folder(wanted, account=None, fallback_root=open_folder / "fallback") == wanted


def test_a_closed_folder_has_one_stand_in_of_its_own(open_folder: Path) -> None:
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    stand_ins = {
        reachable_folder(closed / name, account=STRANGER, fallback_root=open_folder / "fallback")
        for name in ("first", "first", "second")
    }
    assert len(stand_ins) == 2
    assert {stand_in.parent for stand_in in stand_ins} == {open_folder / "fallback"}


def test_a_stand_in_that_holds_data_is_used_after_the_folder_was_opened(open_folder: Path) -> None:
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    fallback = open_folder / "fallback"
    stand_in = reachable_folder(closed / "postgres", account=STRANGER, fallback_root=fallback)
    (stand_in / "pgdata").mkdir(parents=True)
    closed.chmod(0o755)
    assert reachable_folder(closed / "postgres", account=STRANGER, fallback_root=fallback) == stand_in


def test_a_folder_closed_over_its_data_is_an_error_not_an_empty_database(open_folder: Path) -> None:
    wanted = open_folder / "home" / "postgres"
    (wanted / "pgdata").mkdir(parents=True)
    (open_folder / "home").chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match="chmod o\\+x"):
        reachable_folder(wanted, account=STRANGER, fallback_root=open_folder / "fallback")


@pytest.mark.parametrize(("mode", "enters"), [(0o755, True), (0o711, True), (0o750, False), (0o700, False)])
def test_whether_another_user_may_enter_follows_the_mode_bits(open_folder: Path, mode: int, enters: bool) -> None:
    folder = open_folder / "folder"
    folder.mkdir()
    folder.chmod(mode)
    assert can_enter(folder / "absent", STRANGER) is enters


def test_group_bits_count_for_members(open_folder: Path) -> None:
    folder = open_folder / "folder"
    folder.mkdir()
    folder.chmod(0o710)
    assert can_enter(folder, Account(uid=STRANGER.uid, gid=folder.stat().st_gid))
