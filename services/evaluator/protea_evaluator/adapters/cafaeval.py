"""The CAFA evaluator as a program of its own: files in, tables out.

cafaeval is under the GPL-3, so it runs in another process and is never imported.
"""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from pathlib import Path

from protea_common.errors import PermanentError
from protea_evaluator.domain.inputs import EvaluationInputs
from protea_evaluator.domain.recipe import EvaluatorRecipe
from protea_evaluator.domain.results import NamespaceResult

__all__ = [
    "CafaevalFailedError",
    "CafaevalMissingError",
    "CafaevalRunner",
    "CafaevalTimedOutError",
    "cafaeval_version",
]

_LOG_TAIL_BYTES = 4_000
"""End of the program's output kept for the error; a traceback fits, and the error still fits a job row."""

_INHERITED_VARIABLES = ("PATH", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH")
"""What the program gets of our environment; with all of it, it would get the passwords of database and broker."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_ONTOLOGY = "ontology.obo"
_TRUTH = "truth.tsv"
_PREDICTIONS = "predictions"
_TABLES = "tables"
_LOG = "log.txt"


class CafaevalMissingError(PermanentError):
    """The program that measures predictions is not installed."""

    slug = "evaluator-missing"

    def __init__(self) -> None:
        super().__init__("cafaeval is not installed; run `pip install 'protea[evaluator]'` where the evaluator runs.")


class CafaevalFailedError(PermanentError):
    """The program that measures predictions ended without a usable result.

    Attributes
    ----------
    log_tail
        The end of what the program wrote to its standard output and error.
    """

    slug = "evaluator-failed"

    def __init__(self, reason: str, *, log_tail: str) -> None:
        super().__init__(f"cafaeval {reason}. The end of its log: {log_tail or '(empty)'}")
        self.log_tail = log_tail


class CafaevalTimedOutError(CafaevalFailedError):
    """The program that measures predictions took longer than it is allowed to."""

    slug = "evaluator-timed-out"


def cafaeval_version() -> str:
    """Version of the installed cafaeval, to be stored with what it measured.

    Raises
    ------
    CafaevalMissingError
        If it is not installed.
    """
    try:
        return metadata.version("cafaeval")
    except metadata.PackageNotFoundError as exc:
        raise CafaevalMissingError from exc


class CafaevalRunner:
    """Measures predictions with cafaeval, in a new process each time.

    Parameters
    ----------
    executor
        Threads that write the input files and read the tables.
    timeout
        Longest time one run may take.
    program
        Program and its first arguments, to be run instead of the installed cafaeval.
    """

    def __init__(
        self, *, executor: ThreadPoolExecutor, timeout: timedelta, program: Sequence[str] | None = None
    ) -> None:
        self._executor = executor
        self._timeout = timeout
        self._program = program

    async def run(self, inputs: EvaluationInputs) -> dict[str, NamespaceResult]:
        """Measure one set of predictions.

        Returns
        -------
        results
            By namespace as the ontology spells it. A namespace without ground truth, or without a prediction that
            reaches a threshold, is absent. Without any ground truth or prediction the program is not started.

        Raises
        ------
        CafaevalMissingError
            If the program is not there.
        CafaevalFailedError
            If it fails, or if its tables contradict the ground truth it was given.
        CafaevalTimedOutError
            If it takes too long. It is killed with all its children then, as when the caller is cancelled.
        """
        loop = asyncio.get_running_loop()
        with tempfile.TemporaryDirectory(prefix="protea-cafaeval-") as name:
            files = _RunFiles(Path(name))
            n_predictions = await loop.run_in_executor(self._executor, files.write, inputs)
            if not inputs.cohorts or n_predictions == 0:
                return {}
            exit_code = await self._execute(files, inputs.recipe)
            if exit_code != 0:
                raise CafaevalFailedError(f"ended with exit code {exit_code}", log_tail=files.log_tail())
            return await loop.run_in_executor(self._executor, files.read_results, inputs)

    async def _execute(self, files: _RunFiles, recipe: EvaluatorRecipe) -> int:
        seconds = self._timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds), self._process(files, recipe) as process:
                return await process.wait()
        except TimeoutError as exc:
            reason = f"was stopped after {seconds:g} s; raise the limit or measure fewer proteins"
            raise CafaevalTimedOutError(reason, log_tail=files.log_tail()) from exc

    @asynccontextmanager
    async def _process(self, files: _RunFiles, recipe: EvaluatorRecipe) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the program in a process group of its own, and leave nothing of it behind."""
        process = await self._start(files, recipe)
        try:
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):  # it may have ended a moment ago
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    async def _start(self, files: _RunFiles, recipe: EvaluatorRecipe) -> asyncio.subprocess.Process:
        log = files.create_log()
        try:
            return await asyncio.create_subprocess_exec(
                *self._program_to_run(),
                *_arguments(recipe),
                cwd=files.folder,
                env=_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except FileNotFoundError as exc:
            raise CafaevalMissingError from exc
        finally:
            os.close(log)

    def _program_to_run(self) -> Sequence[str]:
        if self._program is not None:
            return self._program
        cafaeval_version()  # else a missing package would read as a failed run
        return (sys.executable, "-m", "cafaeval")


def _arguments(recipe: EvaluatorRecipe) -> list[str]:
    """Arguments of cafaeval 1.3.0; paths are those of `_RunFiles`, relative to its folder."""
    return [
        _ONTOLOGY,
        _PREDICTIONS,
        _TRUTH,
        *("-out_dir", _TABLES),
        *("-prop", recipe.propagation),
        *("-norm", recipe.normalisation),
        *("-th_step", str(recipe.threshold_step)),
        *("-threads", "1"),
        *("-log_level", "warning"),
        *(["-no_orphans"] if recipe.drops_orphans else []),
    ]


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return inherited | dict.fromkeys(_THREAD_VARIABLES, "1") | {"PYTHONUTF8": "1"}


@dataclass(frozen=True, slots=True)
class _RunFiles:
    """The files of one run."""

    folder: Path

    def write(self, inputs: EvaluationInputs) -> int:
        """Write what the program reads; return the number of predictions."""
        _write_lines(self.folder / _ONTOLOGY, inputs.ontology)
        _write_lines(self.folder / _TRUTH, inputs.truth)
        (self.folder / _PREDICTIONS).mkdir()
        return _write_lines(self.folder / _PREDICTIONS / "predictions.tsv", inputs.predictions)

    def create_log(self) -> int:
        """Open the log for writing; the caller closes the descriptor."""
        return os.open(self.folder / _LOG, os.O_WRONLY | os.O_CREAT, 0o600)

    def log_tail(self) -> str:
        """Read the end of the log."""
        return (self.folder / _LOG).read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()

    def read_results(self, inputs: EvaluationInputs) -> dict[str, NamespaceResult]:
        """Read the table of best thresholds."""
        try:
            with (self.folder / _TABLES / "evaluation_best_f.tsv").open(encoding="utf-8", newline="") as table:
                return {row["ns"]: self._checked(row, inputs) for row in csv.DictReader(table, delimiter="\t")}
        except (FileNotFoundError, KeyError, ValueError) as exc:
            raise CafaevalFailedError("wrote no table that can be read", log_tail=self.log_tail()) from exc

    def _checked(self, row: Mapping[str, str], inputs: EvaluationInputs) -> NamespaceResult:
        """Read one namespace; its coverage must be what the cohort we know of gives."""
        result = _parse_row(row, inputs.cohorts[row["ns"]])
        rounding = inputs.recipe.threshold_step / 10  # the tables have one decimal more than the thresholds
        if result.coverage > 1 or abs(result.coverage - float(row["cov"])) > rounding:
            reason = f"counted other proteins in {row['ns']} than the {result.cohort} of the ground truth"
            raise CafaevalFailedError(reason, log_tail=self.log_tail())
        return result


def _write_lines(path: Path, lines: Iterable[str]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in lines:
            file.write(line)
            count += 1
    return count


def _parse_row(row: Mapping[str, str], cohort: int) -> NamespaceResult:
    n_proteins = round(float(row["n"]))
    return NamespaceResult(
        fmax=float(row["f"]),
        precision=float(row["pr"]),
        recall=float(row["rc"]),
        tau=float(row["tau"]),
        coverage=n_proteins / cohort,
        n_proteins=n_proteins,
        cohort=cohort,
    )
