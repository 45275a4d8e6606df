"""Exit codes and what is said with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from protea_cli import main as entry
from protea_cli.errors import CommandError


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "protea_cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, check=False)


def test_a_failure_is_one_line_and_code_1(tmp_path: Path) -> None:
    done = run("annotate", "absent.fasta", "-o", "out.tsv", folder=tmp_path)

    assert done.returncode == 1
    assert done.stderr == "protea: absent.fasta cannot be read: No such file or directory\n"
    assert done.stdout == ""


def test_a_wrong_command_is_code_2(tmp_path: Path) -> None:
    assert run("anotate", folder=tmp_path).returncode == 2
    assert run("annotate", "a.fasta", folder=tmp_path).returncode == 2


def test_help_is_code_0(tmp_path: Path) -> None:
    done = run("--help", folder=tmp_path)

    assert done.returncode == 0
    for name in ("demo", "up", "load", "embed", "annotate", "reranker", "status", "dead-letters", "migrate", "keys"):
        assert name in done.stdout


def test_a_missing_server_is_told_with_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "a.fasta").write_text(">a\nMKV\n")

    # Port 9 is "discard", which nobody serves any more.
    done = run("annotate", "a.fasta", "-o", "out.tsv", "--url", "http://127.0.0.1:9", folder=tmp_path)

    assert done.returncode == 1
    assert "no PROTEA answers at http://127.0.0.1:9: start it with `protea up`" in done.stderr
    assert not (tmp_path / "out.tsv").exists()


def test_a_missing_database_address_is_told(tmp_path: Path) -> None:
    done = run("migrate", folder=tmp_path)

    assert done.returncode == 1
    assert "PROTEA_DB_URL" in done.stderr


@pytest.mark.parametrize("is_group", [False, True])
def test_a_mistake_in_a_group_is_told_like_one_alone(
    is_group: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error: Exception = CommandError("give another --home")
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise ExceptionGroup("tasks failed", [error]) if is_group else error

    monkeypatch.setattr(sys, "argv", ["protea"])

    with pytest.raises(SystemExit) as ended:
        entry.run(app)

    assert ended.value.code == 1
    assert capsys.readouterr().err == "protea: give another --home\n"


def test_a_bug_among_others_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise ExceptionGroup("tasks failed", [CommandError("no"), KeyError("bug")])

    monkeypatch.setattr(sys, "argv", ["protea"])

    with pytest.raises(ExceptionGroup, match="tasks failed"):
        entry.run(app)
