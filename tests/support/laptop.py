"""``protea up`` as a process of its own, for tests that talk to it or kill it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protea_common.domain.fasta import FastaRecord
from protea_standalone.edition import free_port
from protea_standalone.home import Home

__all__ = ["RunningUp", "SmallData", "protea", "running_up"]

START_SECONDS: Final = 60.0
END_SECONDS: Final = 60.0

COMMAND_SECONDS: Final = 280.0
"""Of the longest command, a whole benchmark, on a machine that does much else."""


@dataclass(frozen=True, slots=True)
class SmallData:
    """Files to load: the whole ontology, some proteins, and what is known of them."""

    ontology: Path
    proteins: Path
    annotations: Path
    records: Mapping[str, FastaRecord]


@dataclass(frozen=True, slots=True)
class RunningUp:
    """A platform that runs.

    Attributes
    ----------
    process
        Its process; what it prints is kept for whoever ends it.
    url
        Where it answers.
    """

    process: subprocess.Popen[str]
    url: str

    def introduction(self) -> str:
        """Wait until it has said all that it says at its start."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith("Ctrl-C")):
            lines.append(self.process.stdout.readline())
            assert lines[-1], f"protea up ended: {lines}"
        return "".join(lines)

    def end(self, number: int) -> str:
        """Send a signal, wait for the end, and give what was printed since."""
        self.process.send_signal(number)
        printed, _ = self.process.communicate(timeout=END_SECONDS)
        return printed


@contextmanager
def running_up(home: Path) -> Iterator[RunningUp]:
    """Run ``protea up`` on a home; it is stopped at the end of the block if it lives still."""
    command = [sys.executable, "-m", "protea_cli", "up", "--home", str(home), "--port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield RunningUp(process, _wait_until_announced(home, process))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(END_SECONDS)


def protea(*arguments: str, url: str = "", stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line against a server; nothing is decided about its outcome."""
    command = [sys.executable, "-m", "protea_cli", *arguments]
    surroundings = os.environ | environment | ({"PROTEA_URL": url} if url else {})
    return subprocess.run(
        command,
        input=stdin.decode(),
        capture_output=True,
        text=True,
        env=surroundings,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def _wait_until_announced(home: Path, process: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + START_SECONDS
    file = Home.at(home).running_file
    while not file.exists():
        assert process.poll() is None, f"protea up ended: {process.communicate()[0]}"
        assert time.monotonic() < deadline, "protea up is not ready"
        time.sleep(0.05)
    return str(json.loads(file.read_text())["url"])
