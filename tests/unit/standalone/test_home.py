"""Who works with a home."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from protea_standalone.home import AlreadyRunningError, Home, HomeFolderError, announce, hold_home

HOLDER = """
import sys, time
from pathlib import Path
from protea_standalone.home import Home, announce, hold_home

home = Home.at(Path(sys.argv[1]))
with hold_home(home), announce(home, "http://127.0.0.1:8000"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_where_the_first_answers(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")

    with (
        hold_home(home),
        announce(home, "http://127.0.0.1:8123"),
        pytest.raises(AlreadyRunningError, match=rf"http://127\.0\.0\.1:8123 \(process {os.getpid()}\)"),
        hold_home(home),
    ):
        pass


def test_a_holder_that_is_not_ready_is_told_as_starting(tmp_path: Path) -> None:
    home = Home.at(tmp_path)

    with hold_home(home), pytest.raises(AlreadyRunningError, match="being started"), hold_home(home):
        pass


def test_a_killed_holder_leaves_nothing_to_clear(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunningError, match=f"process {holder.pid}"), hold_home(home):
            pass
        holder.send_signal(signal.SIGKILL)
    assert home.running_file.exists()

    with hold_home(home):
        assert not home.running_file.exists()


def test_what_runs_is_announced_as_long_as_it_does(tmp_path: Path) -> None:
    home = Home.at(tmp_path)

    with announce(home, "http://127.0.0.1:8000"):
        assert json.loads(home.running_file.read_text()) == {"pid": os.getpid(), "url": "http://127.0.0.1:8000"}

    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HomeFolderError, match="Not a directory"), hold_home(Home.at(tmp_path / "file" / "home")):
        pass


def test_a_home_stays_where_it_is_when_the_current_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home.at(Path(".protea"))
    monkeypatch.chdir("/")

    assert home.artifacts == tmp_path / ".protea" / "artifacts"
