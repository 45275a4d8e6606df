"""Our language-model encoder against one sequence at a time, against padded batches, and on two cores.

    .venv/bin/python benchmarks/embedding.py [--json]

300 fly proteins, drawn with a seed and cut at 1,022 residues, go through ESM-2 of two sizes with random weights: speed
does not depend on what the numbers are. ESM-2 8M takes all 300, in groups of 50 (padded batches, the slowest, three of
them); ESM-2 150M takes 12 of them in three groups. Rates are residues per CPU second of one thread; of each group all
ways are run in turn, and the ratios are medians over the groups. By wall time, so nothing else should run, two of our
processes of one thread are compared with one sequence at a time on two threads (`two_process_ratio`), and with
ourselves on two threads (`two_process_own_ratio`).
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import EsmConfig, EsmModel, EsmTokenizer
from transformers.utils import logging

from protea_cli.demo.data import read_lines
from protea_common.domain.fasta import FastaLimits, read_fasta
from protea_embedder.adapters.language_models.device import open_device
from protea_embedder.adapters.language_models.loading import load_encoder
from protea_embedder.domain.batching import plan_batches
from protea_embedder.domain.language_model_encoder import LanguageModelEncoder
from protea_embedder.domain.precision import DeviceName, Placement, Precision
from protea_embedder.domain.recipe import EmbeddingRecipe

PROTEINS = Path(__file__).parents[1] / "demo" / "data" / "fly_proteins.fasta.gz"
VOCABULARY = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
N_PROTEINS, GROUP, N_LARGE, LARGE_GROUP, LONGEST = 300, 50, 12, 4, 1_022
PADDED_BATCH = 8
LIMITS = FastaLimits(max_records=100_000, max_residues_per_sequence=100_000, max_total_residues=10**8)
RECIPE = EmbeddingRecipe(model_name="esm2", max_length=LONGEST + 2)
LEAST_COSINE = 1 - 2e-3
PEAK_SIZE, PEAK_REPEATS = 2_048, 6


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of an ESM-2 model."""

    name: str
    layers: int
    width: int
    heads: int = 20

    def operations(self, lengths: Sequence[int]) -> float:
        """Floating-point operations of the multiplications for sequences of so many tokens."""
        weights = self.layers * 12 * self.width**2
        return sum(2.0 * weights * tokens + 4.0 * self.layers * tokens**2 * self.width for tokens in lengths)


SMALL, LARGE = Shape("8M", 6, 320), Shape("150M", 30, 640)


def draw_proteins() -> list[str]:
    """Draw the sample, in the order of the file."""
    proteins = [record.sequence for record in read_fasta(read_lines(PROTEINS), limits=LIMITS)]
    chosen = np.sort(np.random.default_rng(0).choice(len(proteins), N_PROTEINS, replace=False))
    return [proteins[index][:LONGEST] for index in chosen]


def write_model(folder: Path, shape: Shape) -> Path:
    """Write a model of random weights and its tokenizer."""
    target = folder / shape.name
    target.mkdir()
    torch.manual_seed(0)
    config = EsmConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width,
        pad_token_id=1,
        mask_token_id=32,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        max_position_embeddings=1_026,
    )
    EsmModel(config, add_pooling_layer=False).save_pretrained(target)
    (target / "vocab.txt").write_text("\n".join(VOCABULARY))
    EsmTokenizer(str(target / "vocab.txt")).save_pretrained(target)
    return target


class Loop:
    """The plain way through transformers: batches in the order of the file, padded."""

    def __init__(self, folder: Path, *, dtype: torch.dtype, batch: int) -> None:
        self._tokenizer = EsmTokenizer.from_pretrained(folder)
        model: Any = EsmModel.from_pretrained(folder, add_pooling_layer=False, dtype=dtype, attn_implementation="sdpa")
        self._model = model.eval()
        self._batch = batch

    def __call__(self, proteins: Sequence[str]) -> NDArray[np.float32]:
        """Embed."""
        parts = [self._run(proteins[start : start + self._batch]) for start in range(0, len(proteins), self._batch)]
        return np.concatenate(parts)

    def _run(self, proteins: Sequence[str]) -> NDArray[np.float32]:
        with torch.inference_mode():
            tokens = self._tokenizer(list(proteins), return_tensors="pt", padding=True)
            states = self._model(**tokens, output_hidden_states=True).hidden_states[-1].float()
            means = [row[1 : 1 + len(protein)].mean(dim=0) for row, protein in zip(states, proteins, strict=True)]
            pooled: NDArray[np.float32] = torch.nn.functional.normalize(torch.stack(means)).numpy()
            return pooled


class Ours:
    """The embedder's encoder under the budget that it chose."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self.encoder: LanguageModelEncoder = load_encoder(
            folder, RECIPE, Placement(DeviceName.CPU, Precision.AUTO, threads)
        )

    def __call__(self, proteins: Sequence[str]) -> NDArray[np.float32]:
        """Embed."""
        vectors = np.empty((len(proteins), self.encoder.dimension), dtype=np.float32)
        for chosen in self.plan(proteins):
            vectors[chosen] = self.encoder.encode([proteins[index] for index in chosen])
        return vectors

    def plan(self, proteins: Sequence[str]) -> list[NDArray[np.int64]]:
        """Say which proteins are computed together."""
        lengths = np.array([len(protein) for protein in proteins], dtype=np.int64)
        return plan_batches(lengths, batch_tokens=self.encoder.batch_tokens, max_sequences=256)


def chosen_dtype() -> torch.dtype:
    """Give the number format that the embedder chooses here."""
    return open_device(DeviceName.CPU, Precision.AUTO, backend=RECIPE.model_backend).dtype


def rate(run: Callable[[Sequence[str]], NDArray[np.float32]], proteins: Sequence[str]) -> tuple[float, Any]:
    """Residues per CPU second, and the vectors."""
    began = time.process_time()
    vectors = run(proteins)
    return sum(map(len, proteins)) / (time.process_time() - began), vectors


def compare(
    shape: Shape, folder: Path, groups: Sequence[Sequence[str]], *, padded_groups: int
) -> dict[str, list[float]]:
    """Run every way on every group in turn; print each; give the rates by way."""
    ours = Ours(folder)
    naive = Loop(folder, dtype=torch.float32, batch=1)
    padded = Loop(folder, dtype=chosen_dtype(), batch=PADDED_BATCH) if padded_groups else None
    warm = groups[0][:3]
    for way in (ours, naive, padded):
        if way is not None:
            way(warm)
    rates: dict[str, list[float]] = {"ours": [], "naive": [], "padded": [], "naive_ratio": [], "padded_ratio": []}
    for number, group in enumerate(groups):
        our_rate, our_vectors = rate(ours, group)
        naive_rate, naive_vectors = rate(naive, group)
        _check(our_vectors, naive_vectors)
        rates["ours"].append(our_rate)
        rates["naive"].append(naive_rate)
        rates["naive_ratio"].append(our_rate / naive_rate)
        line = f"ESM-2 {shape.name:<5} ours {our_rate:7.0f}   one by one fp32 {naive_rate:7.0f}"
        if padded is not None and number < padded_groups:
            padded_rate, _ = rate(padded, group)
            rates["padded"].append(padded_rate)
            rates["padded_ratio"].append(our_rate / padded_rate)
            line += f"   padded by {PADDED_BATCH} {padded_rate:7.0f}"
        print(f"{line}   residues per CPU second", flush=True)
    return rates


def _check(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> None:
    cosine = float((ours * theirs).sum(axis=1).min())
    if cosine < LEAST_COSINE:
        raise SystemExit(f"the vectors differ: cosine {cosine:.5f}")


def peak(dtype: torch.dtype) -> float:
    """Operations per second that one thread multiplies matrices with, the best of a few."""
    left = torch.randn(PEAK_SIZE, PEAK_SIZE).to(dtype)
    best = 0.0
    for _ in range(PEAK_REPEATS):
        began = time.process_time()
        left @ left
        best = max(best, 2.0 * PEAK_SIZE**3 / (time.process_time() - began))
    return best


def two_processes(folder: Path, proteins: Sequence[str]) -> tuple[float, ...]:
    """Residues per second of two of our processes of one thread, of one with two threads, of the loop with two."""
    path = folder.parent / "proteins.txt"
    path.write_text("\n".join(proteins))
    halves = [_Worker(folder, path, part=part, parts=2, threads=1) for part in range(2)]
    whole = _Worker(folder, path, part=0, parts=1, threads=2)
    loop = _Worker(folder, path, part=0, parts=1, threads=2, way="loop")
    for worker in (*halves, whole, loop):
        worker.wait()  # until its model is loaded
    residues = sum(map(len, proteins))
    rounds = [(_together(halves), _together([whole]), _together([loop])) for _ in range(3)]
    for worker in (*halves, whole, loop):
        worker.close()
    return tuple(residues / statistics.median(seconds) for seconds in zip(*rounds, strict=True))


def _together(workers: Sequence[_Worker]) -> float:
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.wait()
    return time.perf_counter() - began


class _Worker:
    """The script in a process of its own, which embeds its share whenever it is told to."""

    def __init__(self, folder: Path, proteins: Path, *, part: int, parts: int, threads: int, way: str = "ours") -> None:
        arguments = ["--worker", str(folder), str(proteins), str(part), str(parts), str(threads), way]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def start(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def wait(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        if self._process.stdout.readline() != "done\n":
            raise SystemExit("a worker ended early")

    def close(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.close()
        self._process.wait()


def work(arguments: Sequence[str]) -> None:
    """Be a worker, told what by the arguments of `_Worker`."""
    folder, proteins, part, parts, threads, way = arguments
    torch.set_num_threads(int(threads))
    ours: Callable[[Sequence[str]], object] = (
        Ours(Path(folder), threads=int(threads)) if way == "ours" else Loop(Path(folder), dtype=torch.float32, batch=1)
    )
    # Every second of the longest first, so that both have the same work.
    mine = sorted(Path(proteins).read_text().split(), key=len)[int(part) :: int(parts)]
    ours(mine[:2])
    print("done", flush=True)
    for _ in sys.stdin:
        ours(mine)
        print("done", flush=True)


def measure(folder: Path) -> dict[str, float | int]:
    """Run everything; give what the JSON says."""
    proteins = draw_proteins()
    small, large = write_model(folder, SMALL), write_model(folder, LARGE)
    groups = [proteins[start : start + GROUP] for start in range(0, N_PROTEINS, GROUP)]
    rates = compare(SMALL, small, groups, padded_groups=len(groups) // 2)
    few = proteins[:: N_PROTEINS // N_LARGE]
    large_groups = [few[start : start + LARGE_GROUP] for start in range(0, N_LARGE, LARGE_GROUP)]
    large_rates = compare(LARGE, large, large_groups, padded_groups=0)
    ours = Ours(small)
    tokens = [len(protein) + 2 for protein in proteins]
    computed = sum(max(tokens[index] for index in chosen) * len(chosen) for chosen in ours.plan(proteins))
    reachable = peak(chosen_dtype())
    processes, threads, loop_threads = two_processes(small, proteins[:GROUP])
    residues = sum(map(len, proteins))

    def share(shape: Shape, rate: float, sample: Sequence[str]) -> float:
        operations = shape.operations([len(protein) + 2 for protein in sample])
        return operations * rate / sum(map(len, sample)) / reachable

    return {
        "naive_ratio": statistics.median(rates["naive_ratio"]),
        "naive_ratio_150m": statistics.median(large_rates["naive_ratio"]),
        "padded_ratio": statistics.median(rates["padded_ratio"]),
        "two_process_ratio": processes / loop_threads,
        "two_process_own_ratio": processes / threads,
        "padding_ratio": computed / sum(tokens),
        "peak_share": share(SMALL, statistics.median(rates["ours"]), proteins),
        "peak_share_150m": share(LARGE, statistics.median(large_rates["ours"]), few),
        "residues_per_cpu_second": statistics.median(rates["ours"]),
        "residues_per_cpu_second_150m": statistics.median(large_rates["ours"]),
        "residues_per_second_two_processes": processes,
        "peak_gigaflops": reachable / 1e9,
        "batch_tokens": ours.encoder.batch_tokens,
        "residues": residues,
    }


def main() -> None:
    """Measure, print, and with ``--json`` end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    if options.worker:
        work(options.worker)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    for name, value in found.items():
        print(f"{name:<36} {value:12.3f}")
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))


if __name__ == "__main__":
    main()
