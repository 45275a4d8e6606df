"""The part of a service that a process takes: cutting jobs into batches, computing batches, or both."""

from __future__ import annotations

import argparse
from enum import StrEnum

__all__ = ["Role", "parse_role"]


class Role(StrEnum):
    """What a process of a service with batches does."""

    COORDINATOR = "coordinator"
    """Cuts jobs into batches; small, and always there, since somebody must ask for the workers."""
    WORKER = "worker"
    """Computes batches; as many as there is work, down to none."""
    ALL = "all"
    """Both."""


def parse_role(program: str, *, description: str) -> Role | None:
    """Read ``--role`` from the command line; ``None`` leaves it to the settings."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument(
        "--role",
        type=Role,
        choices=list(Role),
        help="cut jobs into batches, compute batches, or both (default: the setting, else all)",
    )
    role: Role | None = parser.parse_args().role
    return role
