"""What every test gets: the servers' fixtures and an environment without the developer's own settings."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["support.postgres", "support.rabbitmq", "support.s3"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would configure PROTEA from outside; ``PROTEA_TEST_*`` names the servers of the test run."""
    for name in list(os.environ):
        if name.startswith("PROTEA_") and not name.startswith("PROTEA_TEST_"):
            monkeypatch.delenv(name)
    for name in ("DATABASE_URL", "AMQP_URL"):
        monkeypatch.delenv(name, raising=False)
