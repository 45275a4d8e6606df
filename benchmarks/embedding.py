"""Our language-model encoder against one sequence at a time, against padded batches, and on two cores.

    .venv/bin/python benchmarks/embedding.py [--json]

300 fly proteins, drawn with a seed and cut at 1,022 residues, go through ESM-2 of two sizes with random weights: speed
does not depend on what the numbers are. ESM-2 8M takes all 300, in groups of 50 (padded batches, the slowest, three of
them); ESM-2 150M takes 12 of them in three groups. Rates are residues per CPU second of one thread; of each group all
ways are run in turn, and the ratios are medians over the groups. By wall time, so nothing else should run, two of our
processes of one thread are compared with one sequence at a time on two threads (`two_process_ratio`), and with
ourselves on two threads (`two_process_own_ratio`). Beside other work two threads can be ten times slower than one, so
these rounds end when their time is over; the load of the machine before and after is printed with the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from embedding_cores import two_processes
from embedding_ways import LARGE, LONGEST, SMALL, Loop, Ours, Shape, chosen_dtype, write_model
from numpy.typing import NDArray
from transformers.utils import logging

from protea_cli.demo.data import read_lines
from protea_common.domain.fasta import FastaLimits, read_fasta

PROTEINS = Path(__file__).parents[1] / "demo" / "data" / "fly_proteins.fasta.gz"
N_PROTEINS, GROUP, N_LARGE, LARGE_GROUP, N_SHARED = 300, 50, 12, 4, 30
PADDED_BATCH = 8
LIMITS = FastaLimits(max_records=100_000, max_residues_per_sequence=100_000, max_total_residues=10**8)
LEAST_COSINE = 1 - 2e-3
PEAK_SIZE, PEAK_REPEATS = 2_048, 6


def draw_proteins() -> list[str]:
    """Draw the sample, in the order of the file."""
    proteins = [record.sequence for record in read_fasta(read_lines(PROTEINS), limits=LIMITS)]
    chosen = np.sort(np.random.default_rng(0).choice(len(proteins), N_PROTEINS, replace=False))
    return [proteins[index][:LONGEST] for index in chosen]


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


def measure(folder: Path) -> dict[str, float | int]:
    """Run everything; give what the JSON says."""
    load_before = os.getloadavg()[0]
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
    cores = two_processes(small, proteins[:: N_PROTEINS // N_SHARED])
    residues = sum(map(len, proteins))

    def share(shape: Shape, rate: float, sample: Sequence[str]) -> float:
        operations = shape.operations([len(protein) + 2 for protein in sample])
        return operations * rate / sum(map(len, sample)) / reachable

    return {
        "naive_ratio": statistics.median(rates["naive_ratio"]),
        "naive_ratio_150m": statistics.median(large_rates["naive_ratio"]),
        "padded_ratio": statistics.median(rates["padded_ratio"]),
        "two_process_ratio": cores.loop_ratio,
        "two_process_own_ratio": cores.own_ratio,
        "padding_ratio": computed / sum(tokens),
        "peak_share": share(SMALL, statistics.median(rates["ours"]), proteins),
        "peak_share_150m": share(LARGE, statistics.median(large_rates["ours"]), few),
        "residues_per_cpu_second": statistics.median(rates["ours"]),
        "residues_per_cpu_second_150m": statistics.median(large_rates["ours"]),
        "residues_per_second_two_processes": cores.processes,
        "two_process_rounds": cores.rounds,
        "peak_gigaflops": reachable / 1e9,
        "batch_tokens": ours.encoder.batch_tokens,
        "residues": residues,
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
    }


def main() -> None:
    """Measure, print, and with ``--json`` end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    for name, value in found.items():
        print(f"{name:<36} {value:12.3f}")
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))


if __name__ == "__main__":
    main()
