"""How well the nearest neighbour under each encoder shares function, beside the best alignment and a random protein.

    .venv/bin/python benchmarks/encoders.py [--json] [--proteins FASTA.gz --annotations GAF.gz --references N]
                                            [--unirep FOLDER]

Each query takes one donor: the most similar protein with another sequence and experimental annotation in the aspect.
The score is the information-weighted Jaccard index of their propagated terms (root left out): 1 for the same function,
0 for none in common or no donor; information is -log2 of a term's share of the references. Means over queries, with
95 % intervals from 1,000 bootstrap resamples of the queries, and the paired difference from the alignment: over all
queries, and over those that have an aligned donor in all their aspects. The k-mer encoder is fitted to the sequences of
all references, as `protea embed` does it; it sees no annotation. Only encoders are here whose weights come with the
program, from the data, or from a package registry: none has those of ESM-2, ESM C, ProtT5 or Ankh. UniRep is measured
on request, from a folder that `protea encoder unirep` wrote, whole proteins: as its recipe makes vectors, and with each
component standardised over the references, which takes out what all proteins have in common.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from encoders_vectors import KeptVectors, composition, kmers, standardised, unirep
from numpy.typing import NDArray

from protea_cli.demo.data import LIMITS, read_lines
from protea_common.domain.evidence import is_experimental, is_negated
from protea_common.domain.fasta import read_fasta
from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_ingest.domain.gaf import read_gaf
from protea_ingest.domain.obo import parse_obo

DATA = Path(__file__).parents[1] / "demo" / "data"
N_QUERIES, N_RESAMPLES = 1_000, 1_000
ALIGNMENT = "DIAMOND, best hit"
NO_DONOR = -np.inf

Similarities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Proteins with experimental annotation.

    Attributes
    ----------
    sequences
        Of the references, distinct proteins.
    terms
        Propagated terms of each, by aspect, without the root.
    queries
        Which of them are asked about.
    information
        Bits of each term.
    """

    sequences: list[str]
    terms: list[list[frozenset[int]]]
    queries: NDArray[np.int64]
    information: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way of finding a donor came to.

    Attributes
    ----------
    scores
        Of each query and aspect, NaN without truth.
    found
        Whether each query has a donor in each aspect in which it has truth.
    seconds
        Of one thread.
    """

    scores: NDArray[np.float64]
    found: NDArray[np.bool_]
    seconds: float

    @property
    def by_query(self) -> NDArray[np.float64]:
        """Mean over the aspects in which a query has truth."""
        return np.asarray(np.nanmean(self.scores, axis=1))


def load(proteins: Path, annotations: Path, *, references: int | None) -> Benchmark:
    """Read proteins and their experimental terms; draw references and queries with a seed."""
    document = parse_obo(read_lines(DATA / "go_2019-01-27.obo.gz"))
    graph = GoGraph.build(document.live_terms(), document.relations)
    found: dict[str, set[int]] = {}
    for row in read_gaf(read_lines(annotations)):
        usable = is_experimental(row.evidence_code) and not is_negated(row.qualifier or "")
        if usable and row.go_id in graph.row_of:
            found.setdefault(row.accession, set()).add(graph.row_of[row.go_id])
    records = [record for record in read_fasta(read_lines(proteins), limits=LIMITS) if record.accession in found]
    rng = np.random.default_rng(0)
    if references is not None and references < len(records):
        records = [records[index] for index in np.sort(rng.choice(len(records), references, replace=False))]
    terms = [_by_aspect(found[record.accession], graph) for record in records]
    queries = np.sort(rng.choice(len(records), min(N_QUERIES, len(records)), replace=False))
    return Benchmark([record.sequence for record in records], terms, queries, _information(terms, len(graph.go_ids)))


def _by_aspect(rows: set[int], graph: GoGraph) -> list[frozenset[int]]:
    closed = {int(above) for row in rows for above in (row, *graph.ancestors(row))}
    return [
        frozenset(row for row in closed if graph.aspects[row] == aspect and len(graph.parents(row)))
        for aspect in range(len(ASPECTS))
    ]


def _information(terms: Sequence[Sequence[frozenset[int]]], n_terms: int) -> NDArray[np.float64]:
    counts = np.zeros(n_terms)
    annotated = np.zeros(len(ASPECTS))
    aspect_of = np.zeros(n_terms, dtype=np.int64)
    for protein in terms:
        for aspect, rows in enumerate(protein):
            annotated[aspect] += bool(rows)
            counts[list(rows)] += 1
            aspect_of[list(rows)] = aspect
    return -np.log2(np.maximum(counts, 1) / np.maximum(annotated[aspect_of], 1))


def measure(benchmark: Benchmark, similarities: Similarities, *, seconds: float) -> Measured:
    """Give each query its most similar donor in each aspect, and compare their terms."""
    scores = np.full((len(benchmark.queries), len(ASPECTS)), np.nan)
    found = np.ones(len(benchmark.queries), dtype=np.bool_)
    for aspect in range(len(ASPECTS)):
        donors = np.array([bool(protein[aspect]) for protein in benchmark.terms])
        for place, query in enumerate(benchmark.queries):
            truth = benchmark.terms[query][aspect]
            if truth:
                donor = int(np.where(donors, similarities[place], NO_DONOR).argmax())
                usable = bool(donors[donor] and similarities[place, donor] > NO_DONOR)
                found[place] &= usable
                scores[place, aspect] = (
                    _jaccard(truth, benchmark.terms[donor][aspect], benchmark.information) if usable else 0.0
                )
    return Measured(scores, found, seconds)


def _jaccard(one: frozenset[int], other: frozenset[int], information: NDArray[np.float64]) -> float:
    union = float(information[list(one | other)].sum())
    return float(information[list(one & other)].sum()) / union if union else float(one == other)


def exclude_same_sequence(benchmark: Benchmark, similarities: Similarities) -> Similarities:
    """Take away the query itself and whoever has its sequence."""
    same_as: dict[str, list[int]] = {}
    for index, sequence in enumerate(benchmark.sequences):
        same_as.setdefault(sequence, []).append(index)
    for place, query in enumerate(benchmark.queries):
        similarities[place, same_as[benchmark.sequences[query]]] = NO_DONOR
    return similarities


def by_encoder(benchmark: Benchmark, encode: Callable[[Sequence[str]], NDArray[np.float32]]) -> Measured:
    """Take cosine similarity of vectors; the seconds are those of encoding, on one thread."""
    began = time.process_time()
    vectors = encode(benchmark.sequences)
    seconds = time.process_time() - began
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    found = exclude_same_sequence(benchmark, vectors[benchmark.queries] @ vectors.T)
    return measure(benchmark, found, seconds=seconds)


def by_unirep(benchmark: Benchmark, folder: Path) -> dict[str, Measured]:
    """Measure UniRep's vectors as they are, and standardised."""
    found = by_encoder(benchmark, vectors := KeptVectors(partial(unirep, folder)))
    scaled = by_encoder(benchmark, lambda _: standardised(vectors.kept))
    return {folder.name: found, f"{folder.name}, standardised": replace(scaled, seconds=found.seconds)}


def align(benchmark: Benchmark) -> Similarities:
    """Bit scores of DIAMOND at its most sensitive but one."""
    scores = np.full((len(benchmark.queries), len(benchmark.sequences)), NO_DONOR, dtype=np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_fasta(folder / "references.fasta", range(len(benchmark.sequences)), benchmark)
        _write_fasta(folder / "queries.fasta", benchmark.queries.tolist(), benchmark)
        quiet = ["--quiet", "--threads", "1"]
        database = ["--db", str(folder / "references")]
        subprocess.run(["diamond", "makedb", "--in", str(folder / "references.fasta"), *database, *quiet], check=True)  # noqa: S607 - found by shutil.which before
        search = ["--query", str(folder / "queries.fasta"), "--out", str(folder / "hits.tsv"), "--very-sensitive"]
        limits = ["--max-target-seqs", "500", "--evalue", "10", "--outfmt", "6", "qseqid", "sseqid", "bitscore"]
        subprocess.run(["diamond", "blastp", *search, *database, *limits, *quiet], check=True)  # noqa: S607 - as above
        place_of = {int(query): place for place, query in enumerate(benchmark.queries)}
        for line in (folder / "hits.tsv").read_text().splitlines():
            query, reference, bits = line.split("\t")
            place, row = place_of[int(query)], int(reference)
            scores[place, row] = max(scores[place, row], float(bits))
    return exclude_same_sequence(benchmark, scores)


def _write_fasta(path: Path, which: Sequence[int], benchmark: Benchmark) -> None:
    path.write_text("".join(f">{index}\n{benchmark.sequences[index]}\n" for index in which))


def combine(first: Similarities, second: Similarities) -> Similarities:
    """Rank by the first where it found a protein, behind them by the second."""
    return np.where(first > NO_DONOR, first + np.float32(10), second)


def interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean with its 95 % bootstrap interval."""
    rng = np.random.default_rng(1)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(N_RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def run(benchmark: Benchmark, *, unirep_folder: Path | None) -> dict[str, Measured]:
    """Measure every way."""
    rng = np.random.default_rng(2)
    drawn = rng.random((len(benchmark.queries), len(benchmark.sequences)), dtype=np.float32)
    found = {
        "random protein": measure(benchmark, exclude_same_sequence(benchmark, drawn), seconds=0.0),
        "amino-acid composition": by_encoder(benchmark, composition),
        "k-mer profile (backend kmer)": by_encoder(benchmark, kmers),
        **({} if unirep_folder is None else by_unirep(benchmark, unirep_folder)),
    }
    if shutil.which("diamond") is None:
        print("no alignment baseline: install it with `apt-get install diamond-aligner`")
        return found
    began = time.perf_counter()
    aligned = align(benchmark)
    seconds = time.perf_counter() - began
    found[ALIGNMENT] = measure(benchmark, aligned, seconds=seconds)
    vectors = kmers(benchmark.sequences)
    behind = exclude_same_sequence(benchmark, vectors[benchmark.queries] @ vectors.T)
    found["DIAMOND, k-mers where it has no hit"] = measure(benchmark, combine(aligned, behind), seconds=seconds)
    return found


def report(benchmark: Benchmark, found: Mapping[str, Measured]) -> dict[str, object]:
    """Print a table; give the figures."""
    figures: dict[str, object] = {"references": len(benchmark.sequences), "queries": len(benchmark.queries)}
    print(f"{len(benchmark.queries):,} queries, {len(benchmark.sequences):,} references")
    if ALIGNMENT in found:
        print(f"{found[ALIGNMENT].found.mean():.0%} of the queries have an aligned donor in all their aspects")
    for name, measured in found.items():
        mean, low, high = interval(measured.by_query)
        aspects = np.nanmean(measured.scores, axis=0)
        line = f"{name:<36} {mean:.3f} [{low:.3f}, {high:.3f}]  " + " ".join(f"{value:.3f}" for value in aspects)
        figures[name] = {"mean": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
        if ALIGNMENT in found and name != ALIGNMENT:
            change, change_low, change_high = interval(measured.by_query - found[ALIGNMENT].by_query)
            line += f"   {change:+.3f} [{change_low:+.3f}, {change_high:+.3f}]"
            aligned = found[ALIGNMENT].found
            where, where_low, where_high = interval((measured.by_query - found[ALIGNMENT].by_query)[aligned])
            line += f"   {where:+.3f} [{where_low:+.3f}, {where_high:+.3f}]"
            figures[f"{name} minus alignment"] = {"all": round(change, 4), "aligned": round(where, 4)}
        if measured.seconds:
            line += f"   {len(benchmark.sequences) / measured.seconds:,.0f} proteins/s"
        print(line)
    return figures


def main() -> None:
    """Measure and print; with ``--json`` end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--proteins", type=Path, default=DATA / "fly_proteins.fasta.gz")
    parser.add_argument("--annotations", type=Path, default=DATA / "fly_annotations.gaf.gz")
    parser.add_argument("--references", type=int, help="draw so many proteins with experimental annotation")
    parser.add_argument("--unirep", type=Path, help="folder of a UniRep model; its licence allows no commercial use")
    options = parser.parse_args()
    benchmark = load(options.proteins, options.annotations, references=options.references)
    print(
        "mean [95 %]; "
        + ", ".join(aspect.value for aspect in ASPECTS)
        + "; difference from the alignment, all and aligned; speed"
    )
    figures = report(benchmark, run(benchmark, unirep_folder=options.unirep))
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
