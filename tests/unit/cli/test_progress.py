"""Steps, as a file and as a terminal show them."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from protea_cli.progress import Steps


def run_steps(console: Console) -> None:
    steps = Steps(console)
    with steps.step("Loading the ontology") as step:
        step.show(None, "waiting for a worker")
        step.show(0.5, "[10] of 20")
        step.tell("45,013 terms [live]")
    with steps.step("Embedding the proteins"):
        pass


def test_a_file_gets_one_line_a_step_and_no_control_characters() -> None:
    file = io.StringIO()

    run_steps(Console(file=file, force_terminal=False, width=40))

    lines = file.getvalue().splitlines()
    assert re.fullmatch(r"Loading the ontology +0\.\d s  45,013 terms \[live\]", lines[0])
    assert re.fullmatch(r"Embedding the proteins +0\.\d s", lines[1])
    assert len(lines) == 2
    assert file.getvalue().replace("\n", "").isprintable()


def test_a_terminal_shows_the_bar_while_it_runs() -> None:
    file = io.StringIO()

    run_steps(Console(file=file, force_terminal=True, width=100))

    assert "[10] of 20" in file.getvalue()


def test_a_step_that_fails_is_not_told_as_done() -> None:
    file = io.StringIO()
    steps = Steps(Console(file=file))

    with pytest.raises(RuntimeError), steps.step("Loading"):
        raise RuntimeError

    assert file.getvalue() == ""
