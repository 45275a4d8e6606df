"""The line that the fault suite ends with."""

from __future__ import annotations

import pytest

VERDICT = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[VERDICT] = []


@pytest.fixture
def verdict(pytestconfig: pytest.Config) -> list[str]:
    """What is printed after everything else."""
    return pytestconfig.stash[VERDICT]


def pytest_unconfigure(config: pytest.Config) -> None:
    for line in config.stash[VERDICT]:
        print(line)
