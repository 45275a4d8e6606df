"""Folders that benchmarks leave nothing behind in: those of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from support.folders import traversable_folder

__all__ = ["traversable_folder"]
