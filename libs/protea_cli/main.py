"""The ``protea`` command: what it offers, and how its failures are told."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

import typer

from protea_cli import load
from protea_cli.annotate import annotate
from protea_cli.backup.command import backup, restore
from protea_cli.benchmark.command import app as benchmark
from protea_cli.calibration import app as calibration
from protea_cli.compare import compare
from protea_cli.crate import crate, rerun
from protea_cli.dead_letters import app as dead_letters
from protea_cli.demo.command import demo
from protea_cli.embed import embed
from protea_cli.embeddings import app as embeddings
from protea_cli.encoder import app as encoder
from protea_cli.evolution import evolution
from protea_cli.keys import app as keys
from protea_cli.migrate import migrate
from protea_cli.report import report
from protea_cli.reranker import app as reranker
from protea_cli.status import status
from protea_cli.up import up
from protea_common.errors import ProteaError

__all__ = ["app", "main", "run"]

FAILURE: Final = 1
"""Exit code when the command could not do its work; a command that was written wrongly ends with 2."""

app = typer.Typer(
    name="protea",
    help="Protein function prediction: sequences in, ranked Gene Ontology terms out.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback is for bugs, and then plain: the pretty ones print local variables, sequences among them.
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(up)
app.add_typer(load.app, name="load")
app.command()(evolution)
app.command()(embed)
app.add_typer(encoder, name="encoder")
app.add_typer(embeddings, name="embeddings")
app.command()(annotate)
app.add_typer(reranker, name="reranker")
app.add_typer(calibration, name="calibration")
app.add_typer(benchmark, name="benchmark")
app.command()(report)
app.command()(compare)
app.command()(crate)
app.command()(rerun)
app.command()(status)
app.add_typer(dead_letters, name="dead-letters")
app.command()(migrate)
app.command()(backup)
app.command()(restore)
app.add_typer(keys, name="keys")


def main() -> NoReturn:
    """Run the command line; the exit code is 0, 1 when the work failed, or 2 for a command that is no command."""
    run(app)


def run(commands: typer.Typer) -> NoReturn:
    """Run commands as the process's arguments say, and end the process; failures are told in one line each."""
    try:
        commands()
    except (ProteaError, ExceptionGroup) as exc:
        told = _told(exc)
        if not told:
            raise
        for error in told:
            sys.stderr.write(f"protea: {error}\n")
        sys.exit(FAILURE)
    sys.exit(0)


def _told(exc: BaseException) -> list[str]:
    """Words of the errors that were raised on purpose; none if there is any other, which is a bug."""
    if isinstance(exc, ProteaError):
        return [str(exc)]
    if isinstance(exc, BaseExceptionGroup):
        inner = [_told(error) for error in exc.exceptions]
        return [told for group in inner for told in group] if all(inner) else []
    return []
