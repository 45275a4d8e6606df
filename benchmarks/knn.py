"""Exact neighbours against faiss Flat, and how many of them the approximate backends find.

    .venv/bin/python benchmarks/knn.py [--json] [--rounds N]

1,000 queries, 124,397 and 40,000 references of 1,024 dimensions in half precision, k = 10, cosine, made up in families
as proteins come. Each side is a process of its own, with the kernel of its OpenBLAS that is fastest for it, and they
take turns: the search as installed with torch (in half precision where the processor has instructions for it), the one
without torch, faiss Flat, and the plain product. Distances must agree within 1e-6, and rows wherever distances differ
by more.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_predictor.adapters.search.faiss_index import FaissChoices, FaissIndex, IndexType
from protea_predictor.adapters.search.half_precision import fastest_products
from protea_predictor.domain.chosen_neighbours import nearest_of_chosen

__all__ = ["main", "make_vectors"]

WORKER: Final = Path(__file__).with_name("knn_worker.py")
QUERIES, K, DIMENSION = 1_000, 10, 1_024
SIZES: Final = (124_397, 40_000)
KERNELS: Final = ("", "Haswell", "SkylakeX")
"""What OpenBLAS may be told to be; nothing lets it see for itself, which old builds do wrong on new processors."""
OURS: Final = ("ours", "numpy")
SIDES: Final = (*OURS, "faiss", "product")
AGREEMENT: Final = 1e-6
MEBIBYTE: Final = 1024 * 1024
APPROXIMATE: Final = {
    "IVFFlat": FaissChoices(index_type=IndexType.IVF_FLAT, nlist=200, nprobe=20),
    "HNSW": FaissChoices(index_type=IndexType.HNSW, hnsw_m=32, hnsw_ef_search=128),
}


class DisagreementError(Exception):
    """The two sides found different neighbours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One search."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians of a comparison.

    Attributes
    ----------
    faiss_ratio
        Seconds of faiss over ours.
    limit_share
        Seconds of the plain product in single precision over ours.
    memory_ratio
        Our peak memory over faiss's.
    faiss_ratio_numpy, limit_share_numpy, memory_ratio_numpy
        The same for our search without torch.
    """

    faiss_ratio: float
    limit_share: float
    memory_ratio: float
    faiss_ratio_numpy: float
    limit_share_numpy: float
    memory_ratio_numpy: float


class Side:
    """A worker process that waits to be asked."""

    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions, self._answers = questions, answers

    def search(self, command: str = "go") -> Answer:
        """Search once."""
        self._questions.write(f"{command}\n")
        self._questions.flush()
        return Answer(**json.loads(self._answers.readline()))


@contextmanager
def side(name: str, path: Path, *, threads: int, kernel: str) -> Iterator[Side]:
    """Start a side for the block."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    if kernel:
        environment["OPENBLAS_CORETYPE"] = kernel
    if name in OURS:
        environment["OMP_NUM_THREADS"] = "1"  # for each product: the tiles are shared out instead
    command = [sys.executable, str(WORKER), name, str(path), str(QUERIES), str(K), str(threads)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process, cast("IO[str]", process.stdin) as questions:
        yield Side(questions, cast("IO[str]", process.stdout))


def make_vectors(path: Path, count: int, *, seed: int = 0) -> None:
    """Write ``count`` vectors in families of some ten, half precision, shape ``(count, 1024)``."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, count // 10), DIMENSION), dtype=np.float32)
    vectors = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(count, DIMENSION))
    for start in range(0, count, 8_192):
        family = rng.integers(len(centres), size=min(8_192, count - start))
        noise = rng.standard_normal((len(family), DIMENSION), dtype=np.float32)
        vectors[start : start + len(family)] = centres[family] + 0.7 * noise
    vectors.flush()


def fastest_kernel(name: str, path: Path) -> str:
    """Find the kernel with which a side is fastest on a small sample."""

    def seconds(kernel: str) -> float:
        with side(name, path, threads=1, kernel=kernel) as worker:
            return worker.search().seconds

    return min(KERNELS, key=seconds)


def compare(path: Path, *, threads: int, rounds: int, kernels: Mapping[str, str]) -> Comparison:
    """Alternate; give the medians over the rounds."""
    with ExitStack() as stack:
        sides = {name: stack.enter_context(side(name, path, threads=threads, kernel=kernels[name])) for name in SIDES}
        runs = []
        for number in range(rounds):
            order = SIDES if number % 2 == 0 else SIDES[::-1]
            answers = {name: sides[name].search() for name in order}
            print(f"{threads} threads  " + "   ".join(_described(name, answers) for name in SIDES), flush=True)
            runs.append(answers)
        for name in OURS:
            require_agreement(_saved(sides[name], path), _saved(sides["faiss"], path))
    figures = (_ratios(name, runs) for name in OURS)
    return Comparison(*(ratio for ratios in figures for ratio in ratios))


def _described(name: str, answers: Mapping[str, Answer]) -> str:
    answer = answers[name]
    return f"{name} {QUERIES / answer.seconds:5.0f} queries/s {answer.peak_bytes / MEBIBYTE:5.0f} MiB"


def _ratios(name: str, runs: Sequence[Mapping[str, Answer]]) -> tuple[float, float, float]:
    """Compare one of our searches with faiss and the limit, and its memory with faiss's."""
    return (
        statistics.median(run["faiss"].seconds / run[name].seconds for run in runs),
        statistics.median(run["product"].seconds / run[name].seconds for run in runs),
        statistics.median(run[name].peak_bytes / run["faiss"].peak_bytes for run in runs),
    )


def _saved(worker: Side, path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    kept = path.with_suffix(".npz")
    worker.search(f"save {kept}")
    with np.load(kept) as found:
        return found["distances"], found["rows"]


def require_agreement(
    ours: tuple[NDArray[np.float64], NDArray[np.int64]], theirs: tuple[NDArray[np.float64], NDArray[np.int64]]
) -> None:
    """Compare distances, and rows where the distances of neighbouring ranks differ by more than rounding."""
    worst = float(np.abs(ours[0] - theirs[0]).max())
    gaps = np.diff(ours[0], axis=1, prepend=-1.0, append=3.0)
    is_clear = (gaps[:, :-1] > AGREEMENT) & (gaps[:, 1:] > AGREEMENT)
    is_clear[:, -1] = False  # what comes after the last one is not known
    n_different = int((ours[1] != theirs[1])[is_clear].sum())
    print(f"  distances differ by {worst:.1e} at most; {n_different} of {int(is_clear.sum())} clear ranks differ")
    if worst > AGREEMENT or n_different:
        raise DisagreementError(f"distances differ by {worst:.1e}, {n_different} ranks differ")


def recall(path: Path, choices: FaissChoices) -> tuple[float, float]:
    """Give an approximate backend's share of the exact neighbours, and its queries per second."""
    vectors = np.load(path, mmap_mode="r")
    queries, references = np.array(vectors[:QUERIES]), np.array(vectors[QUERIES:])
    with np.load(path.with_suffix(".npz")) as kept:
        truth = kept["rows"]
    index = FaissIndex(references, np.arange(len(references)), metric=DistanceMetric.COSINE, choices=choices)
    started = time.perf_counter()
    found = nearest_of_chosen(queries, references, index.choose(queries, 4 * K), k=K)
    seconds = time.perf_counter() - started
    hits = [np.isin(truth[n], found.rows[n]).mean() for n in range(QUERIES)]
    return float(np.mean(hits)), QUERIES / seconds


def main() -> None:
    """Print a line a search, the recall of the approximate backends and, with ``--json``, all as the last line."""
    parser = argparse.ArgumentParser(description="Exact neighbours against faiss Flat.")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--rounds", type=int, default=3, help="searches of each side (default: 3)")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="protea-knn-") as name:
        for size in SIZES:
            path = Path(name) / f"{size}.npy"
            make_vectors(path, QUERIES + size)
        kernels = {name: fastest_kernel(name, path) for name in ("numpy", "faiss", "product")} | {"ours": ""}
        print(f"ours multiplies in {fastest_products().name}")
        print("kernels: " + ", ".join(f"{name} {kernel or 'as detected'}" for name, kernel in kernels.items()))
        for size in SIZES:
            print(f"\n{size:,} references")
            for threads in (1, 2):
                compared = compare(
                    Path(name) / f"{size}.npy", threads=threads, rounds=arguments.rounds, kernels=kernels
                )
                for figure, value in asdict(compared).items():
                    figures[f"{figure}_at_{size}_{threads}_threads"] = value
        for index_type, choices in APPROXIMATE.items():
            share, speed = recall(path, choices)
            figures[f"recall_{index_type}"] = share
            print(f"{index_type:<8} finds {share:.1%} of the exact neighbours, {speed:,.0f} queries/s, as installed")
    for ratio in ("faiss_ratio", "faiss_ratio_numpy"):
        figures[ratio] = min(value for figure, value in figures.items() if figure.startswith(f"{ratio}_at_"))
        print(f"{ratio} {figures[ratio]:.3f}")
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


if __name__ == "__main__":
    main()
