"""Results on disk: whole, or as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from protea_cli.errors import CommandError
from protea_cli.outputs import check_output, open_output


def test_the_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.tsv"

    with open_output(str(target)) as file:
        file.write(b"P04637\t")
        assert not target.exists()
        file.write(b"GO:0003677\n")

    assert target.read_bytes() == b"P04637\tGO:0003677\n"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_file_of_before_and_no_piece(tmp_path: Path) -> None:
    target = tmp_path / "out.tsv"
    target.write_bytes(b"before")

    with pytest.raises(RuntimeError), open_output(str(target)) as file:
        file.write(b"half")
        raise RuntimeError

    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_the_file_has_the_permissions_that_any_new_file_has(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()

    with open_output(str(tmp_path / "out.tsv")):
        pass

    assert (tmp_path / "out.tsv").stat().st_mode == plain.stat().st_mode


def test_a_dash_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with open_output("-") as file:
        file.write(b"P04637\n")

    assert capfdbinary.readouterr().out == b"P04637\n"


def test_a_place_without_folder_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        check_output(str(tmp_path / "absent" / "out.tsv"))
    with pytest.raises(CommandError, match="is a folder"):
        check_output(str(tmp_path))
    check_output(str(tmp_path / "out.tsv"))
    check_output("-")
