"""Steps of a command as a person sees them: a moving bar on a terminal, one plain line each elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

__all__ = ["Step", "Steps"]

REDRAWS_PER_SECOND: Final = 8
"""The bar shares two cores with the work that it shows."""

TITLE_WIDTH: Final = 44
"""Columns of a step's title, so that what follows lines up."""


class Step:
    """A step that runs; whoever does it tells how far it is and, at the end, what came of it."""

    def __init__(self, bar: Progress, title: str) -> None:
        self._bar = bar
        self._task = bar.add_task(title, total=None, note="")
        self.outcome = ""

    def show(self, fraction: float | None, note: str = "") -> None:
        """Tell how far it is: a share in [0, 1] or ``None`` if unknown, and a few words."""
        self._bar.update(self._task, total=None if fraction is None else 1.0, completed=fraction or 0.0, note=note)

    def tell(self, outcome: str) -> None:
        """Say what came of it, in a few words."""
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one command.

    Attributes
    ----------
    console
        Where they are shown.
    """

    console: Console

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while the block runs, then a line with its outcome and its seconds."""
        began = time.perf_counter()
        with self._bar() as bar:
            step = Step(bar, title)
            yield step
        seconds = time.perf_counter() - began
        self.console.print(Text(f"{title:<{TITLE_WIDTH}} {seconds:6.1f} s  {step.outcome}".rstrip()), soft_wrap=True)

    def _bar(self) -> Progress:
        is_live = self.console.is_terminal and not self.console.is_dumb_terminal
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not is_live,
            refresh_per_second=REDRAWS_PER_SECOND,
        )
