"""Where the laptop edition's logs go."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from protea_standalone.logs import log_to

logger = logging.getLogger("protea_test")


def test_the_file_has_everything_and_the_console_what_matters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "protea.log"

    with log_to(file):
        logger.debug("too much")
        logger.info("loaded", extra={"rows": 3})
        logger.warning("%d rows left out", 2)

    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(entry["level"], entry["message"]) for entry in entries] == [
        ("INFO", "loaded"),
        ("WARNING", "2 rows left out"),
    ]
    assert entries[0]["rows"] == 3
    assert capsys.readouterr().err == "WARNING: 2 rows left out\n"


def test_a_traceback_is_in_the_file_and_the_console_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "protea.log"

    with log_to(file):
        try:
            int("broken")
        except ValueError:
            logger.exception("a batch failed")

    assert capsys.readouterr().err == f"ERROR: a batch failed (details in {file})\n"
    assert "ValueError: invalid literal" in json.loads(file.read_text())["exception"]


def test_afterwards_logging_is_as_before(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))

    with log_to(tmp_path / "protea.log"):
        pass

    assert (root.level, list(root.handlers)) == before
