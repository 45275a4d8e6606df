"""Which references resemble which targets: by alignment with DIAMOND, and by the k-mer encoder."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_fit import fit_kmer_encoder

__all__ = ["Hits", "align", "search_by_kmers"]

_HITS_PER_TARGET = 300
"""Of these the best 50 donors of each aspect are taken; fewer leave too few in windows long past."""
_FITTED_SEQUENCES = 20_000
_TARGETS_AT_ONCE = 512
_SEQUENCES_AT_ONCE = 2_000
_BITS_PER_RESIDUE = 2.05
"""Of a protein aligned to itself under BLOSUM62, on average."""


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Pairs of a target and a reference that resembles it, never itself; by target, best first.

    Attributes
    ----------
    targets, references
        Positions in the corpus, shape ``(n_hits,)``.
    weights
        Bit score or squared cosine, above 0.
    similarities
        Bit score as a share of what the target scores with itself, or cosine, in [0, 1].
    """

    targets: NDArray[np.int64]
    references: NDArray[np.int64]
    weights: NDArray[np.float32]
    similarities: NDArray[np.float32]

    def where(self, mask: NDArray[np.bool_]) -> Hits:
        """Keep the hits that the mask marks."""
        return Hits(self.targets[mask], self.references[mask], self.weights[mask], self.similarities[mask])


def align(sequences: Sequence[str], targets: NDArray[np.int64], references: NDArray[np.int64], *, threads: int) -> Hits:
    """Align targets to references with DIAMOND.

    Raises
    ------
    SystemExit
        If DIAMOND is not installed.
    """
    program = shutil.which("diamond")
    if program is None:
        raise SystemExit("DIAMOND is missing; install it, on Debian with: apt-get install diamond-aligner")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, chosen in (("targets.fasta", targets), ("references.fasta", references)):
            (folder / file).write_text("".join(f">{position}\n{sequences[position]}\n" for position in chosen))
        makedb = [program, "makedb", "--quiet", "--in", "references.fasta", "--db", "references"]
        search = [program, "blastp", "--quiet", "--sensitive", "--evalue", "1", "--max-target-seqs"]
        search += [str(_HITS_PER_TARGET), "--threads", str(threads), "--query", "targets.fasta", "--db", "references"]
        search += ["--outfmt", "6", "qseqid", "sseqid", "bitscore", "--out", "hits.tsv"]
        for command in (makedb, search):
            subprocess.run(command, cwd=folder, check=True)
        table = np.loadtxt(folder / "hits.tsv", dtype=np.float64, ndmin=2)
    return _hits_of_bits(table, np.array([len(sequence) for sequence in sequences]))


def _hits_of_bits(table: NDArray[np.float64], lengths: NDArray[np.int64]) -> Hits:
    """Take the best alignment of each pair."""
    targets, references = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    bits = table[:, 2].astype(np.float32)
    order = np.lexsort((references, -bits, targets))
    order = order[targets[order] != references[order]]
    _, first = np.unique(targets[order] * len(lengths) + references[order], return_index=True)
    order = order[np.sort(first)]
    similarities = np.minimum(1.0, bits / (_BITS_PER_RESIDUE * lengths[targets])).astype(np.float32)
    return Hits(targets[order], references[order], bits[order], similarities[order])


def search_by_kmers(sequences: Sequence[str], targets: NDArray[np.int64], references: NDArray[np.int64]) -> Hits:
    """Find the nearest references under the k-mer encoder, fitted to some of them."""
    rng = np.random.default_rng(0)
    sample = rng.choice(references, size=min(_FITTED_SEQUENCES, len(references)), replace=False)
    encoder = KmerEncoder(fit_kmer_encoder([sequences[position] for position in sample]))

    def encode(positions: NDArray[np.int64]) -> NDArray[np.float32]:
        parts = np.array_split(positions, len(positions) // _SEQUENCES_AT_ONCE + 1)
        return np.concatenate([encoder.encode([sequences[position] for position in part]) for part in parts])

    bank, depth = encode(references), min(_HITS_PER_TARGET, len(references) - 1)
    blocks = []
    for chosen in np.array_split(targets, len(targets) // _TARGETS_AT_ONCE + 1):
        cosines = encode(chosen) @ bank.T
        nearest = np.argpartition(-cosines, depth, axis=1)[:, :depth]
        blocks.append((np.repeat(chosen, depth), references[nearest].ravel(), _taken(cosines, nearest)))
    found, donors, cosines = (np.concatenate(column) for column in zip(*blocks, strict=True))
    order = np.lexsort((donors, -cosines, found))
    order = order[(found[order] != donors[order]) & (cosines[order] > 0)]
    return Hits(found[order], donors[order], cosines[order] ** 2, np.minimum(1, cosines[order]))


def _taken(cosines: NDArray[np.float32], nearest: NDArray[np.int64]) -> NDArray[np.float32]:
    taken: NDArray[np.float32] = np.take_along_axis(cosines, nearest, axis=1).ravel()
    return taken
