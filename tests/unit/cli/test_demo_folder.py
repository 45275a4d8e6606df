"""What the demo does to folders: its own it clears, others it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from protea_cli.demo.data import DemoData
from protea_cli.demo.folder import begin_afresh, claim_folder
from protea_cli.errors import CommandError
from protea_standalone.home import AlreadyRunningError, Home, hold_home
from support.folders import traversable_folder


def test_a_new_folder_becomes_the_demo_s(tmp_path: Path) -> None:
    assert claim_folder(tmp_path / "new" / "demo") is False
    assert claim_folder(tmp_path / "new" / "demo") is True


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir()

    with pytest.raises(CommandError, match="not from a demo"):
        claim_folder(tmp_path)

    assert (tmp_path / "artifacts").exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can traverse, so that the database's own folder is below it for root too."""
    with traversable_folder("protea-test-demo-") as folder:
        yield folder


def test_starting_afresh_deletes_data_and_leaves_other_files(open_folder: Path) -> None:
    claim_folder(open_folder)
    home = Home.at(open_folder)
    for folder in (home.postgres / "pgdata", home.artifacts / "uploads"):
        folder.mkdir(parents=True)
    home.log_file.write_text("{}\n")
    (open_folder / "notes.txt").write_text("mine")

    begin_afresh(open_folder)

    assert not home.artifacts.exists()
    assert not home.log_file.exists()
    assert not home.postgres.exists()
    assert (open_folder / "notes.txt").read_text() == "mine"
    assert claim_folder(open_folder) is True


def test_a_running_demo_keeps_its_data(tmp_path: Path) -> None:
    claim_folder(tmp_path)
    Home.at(tmp_path).artifacts.mkdir()

    with hold_home(Home.at(tmp_path)), pytest.raises(AlreadyRunningError):
        begin_afresh(tmp_path)

    assert Home.at(tmp_path).artifacts.exists()


def test_a_missing_file_of_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"go_2019-01-27\.obo\.gz is missing"):
        DemoData.find(tmp_path)


def test_the_checkout_s_data_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert DemoData.find(Path("demo/data")).proteins.is_file()
