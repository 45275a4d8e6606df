"""The digest of the code that measures, which tells two states of one version apart."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

__all__ = ["code_digest"]

_PACKAGES: Final = ("protea_common", "protea_evaluator")


@cache
def code_digest() -> str:
    """Compute SHA-256 over the modules that measure: a line for each, of its digest and its path, sorted by path."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        folder = Path(str(import_module(package).__file__)).parent
        for module in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
            told = f"{package}/{module.relative_to(folder).as_posix()}"
            digest.update(f"{hashlib.sha256(module.read_bytes()).hexdigest()}  {told}\n".encode())
    return digest.hexdigest()
