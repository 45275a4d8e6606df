"""A service that cannot start says what is wrong and ends with exit code 1."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.cluster import SERVICES

NOWHERE = "postgresql://protea:db-secret@127.0.0.1:1/protea"
NO_BROKER = "amqp://protea:mq-secret@127.0.0.1:1/"


def start(service: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROTEA_")}
    return subprocess.run(
        [sys.executable, "-m", f"protea_{service}"],
        cwd=folder,
        env={**clean, "PROTEA_STARTUP__DEPENDENCY_WAIT": "2", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("service", SERVICES)
def test_missing_settings_are_all_named(service: str, tmp_path: Path) -> None:
    ended = start(service, tmp_path)

    assert ended.returncode == 1
    assert "PROTEA_DB_URL" in ended.stderr
    assert "PROTEA_AMQP_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_is_not_there_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    ended = start("ingest", tmp_path, PROTEA_DB_URL=NOWHERE, PROTEA_AMQP_URL=NO_BROKER)

    assert ended.returncode == 1
    assert ended.stderr.count("waiting for the database") >= 2
    assert "127.0.0.1:1" in ended.stderr
    assert "db-secret" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_sigterm_ends_a_service_that_still_waits_for_its_database(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROTEA_")}
    addresses = {"PROTEA_DB_URL": NOWHERE, "PROTEA_AMQP_URL": NO_BROKER, "PROTEA_STARTUP__DEPENDENCY_WAIT": "50"}
    command = [sys.executable, "-m", "protea_ingest"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**clean, **addresses}, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        said = next(line for line in waiting.stderr if "waiting for the database" in line)
        waiting.send_signal(signal.SIGTERM)
        rest = waiting.stderr.read()

    assert said
    assert waiting.returncode == 0
    assert "ends before it was ready" in rest


def test_a_broker_that_is_not_there_is_waited_for_and_then_given_up(tmp_path: Path, database_url: str) -> None:
    ended = start("ingest", tmp_path, PROTEA_DB_URL=database_url, PROTEA_AMQP_URL=NO_BROKER)

    assert ended.returncode == 1
    assert "PROTEA_AMQP_URL" in ended.stderr
    assert "127.0.0.1:1" in ended.stderr
    assert "mq-secret" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path, migrated_database_url: str, amqp_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = start(
            "ingest", tmp_path, PROTEA_DB_URL=migrated_database_url, PROTEA_AMQP_URL=amqp_url, PROTEA_HTTP__PORT=port
        )

    assert ended.returncode == 1
    assert "PROTEA_HTTP__PORT" in ended.stderr
    assert "Traceback" not in ended.stderr
