"""Promises of the repository itself."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf8")

    assert [path.name for path in sorted(folder.glob("0*.md")) if path.name not in index] == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in ROOT.glob("**/*.md")
        if not {".venv", ".pytest_cache"} & set(path.parts)
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf8"))
        if not (path.parent / target).exists()
    ]

    assert broken == []
