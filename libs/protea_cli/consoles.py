"""Where tables are printed: as wide as the terminal, or as wide as they read well in a file."""

from __future__ import annotations

from rich.console import Console

__all__ = ["table_console"]


def table_console(*, plain_width: int) -> Console:
    """Open standard output for tables; a file has no width of its own, and is given this many columns."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=plain_width)
