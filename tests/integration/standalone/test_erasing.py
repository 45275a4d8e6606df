"""Deleting what a laptop edition has kept."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from protea_standalone.home import AlreadyRunningError, Home, erase_home
from protea_standalone.postgres import EmbeddedPostgres
from support.laptop import running_up


def servers_of(folder: Path) -> list[int]:
    processes = psutil.process_iter(["cmdline", "status"])
    running = (process for process in processes if process.info["status"] != psutil.STATUS_ZOMBIE)
    return [process.pid for process in running if str(folder / "pgdata") in (process.info["cmdline"] or [])]


def test_data_of_a_running_edition_are_kept_and_of_a_killed_one_deleted(home: Path) -> None:
    place = Home.at(home)
    database = EmbeddedPostgres(place.postgres).folder
    with running_up(home) as up:
        with pytest.raises(AlreadyRunningError):
            erase_home(place)
        assert (database / "pgdata").exists()
        up.process.kill()
        up.process.wait()

        erase_home(place)

    assert not database.exists()
    assert not place.log_file.exists()
    assert servers_of(database) == []
