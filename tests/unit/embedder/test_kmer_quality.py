from __future__ import annotations

import gzip
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_embedder.domain.kmer_counts import RESIDUES, count_kmers
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_features import composition
from protea_embedder.domain.kmer_fit import fit_kmer_encoder

DEMO = Path(__file__).parents[3] / "demo" / "data"
EXPERIMENTAL = {"EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP", "TAS", "IC"}
PROTEIN_BINDING = "GO:0005515"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Proteins with an experimental molecular function, and an encoder fitted to other proteins."""

    sequences: list[str]
    functions: list[set[str]]
    encoder: KmerEncoder


def read_fasta(path: Path) -> dict[str, str]:
    records = gzip.decompress(path.read_bytes()).decode().split(">")[1:]
    lines = [record.splitlines() for record in records]
    return {header.split()[0]: "".join(rest) for header, *rest in lines}


def read_experimental_functions(path: Path) -> dict[str, set[str]]:
    functions: dict[str, set[str]] = defaultdict(set)
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        if line.startswith("!"):
            continue
        _, accession, _, qualifier, go_id, _, evidence_code, _, aspect, *_ = line.split("\t")
        if aspect == "F" and evidence_code in EXPERIMENTAL and "NOT" not in qualifier and go_id != PROTEIN_BINDING:
            functions[accession].add(go_id)
    return functions


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    sequences = read_fasta(DEMO / "fly_proteins.fasta.gz")
    functions = read_experimental_functions(DEMO / "fly_annotations.gaf.gz")
    fitted = [sequence for accession, sequence in sequences.items() if accession not in functions]
    accessions = [accession for accession in sequences if accession in functions]
    return HeldOut(
        sequences=[sequences[accession] for accession in accessions],
        functions=[functions[accession] for accession in accessions],
        encoder=KmerEncoder(fit_kmer_encoder(fitted)),
    )


def nearest_by_cosine(embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    similarities = unit @ unit.T
    np.fill_diagonal(similarities, -2)
    nearest: NDArray[np.int64] = similarities.argmax(axis=1)
    return nearest


def share_with_common_function(functions: list[set[str]], partners: NDArray[np.int64]) -> float:
    return float(np.mean([bool(own & functions[partner]) for own, partner in zip(functions, partners, strict=True)]))


def test_nearest_neighbours_share_a_function_more_often_than_chance_and_than_by_composition(held_out: HeldOut) -> None:
    residue_shares = composition(count_kmers(held_out.sequences, RESIDUES))
    standardised = (residue_shares - residue_shares.mean(axis=0)) / residue_shares.std(axis=0)
    by_chance = np.random.default_rng(0).permutation(len(held_out.sequences))

    encoder = share_with_common_function(
        held_out.functions, nearest_by_cosine(held_out.encoder.encode(held_out.sequences))
    )
    amino_acids = share_with_common_function(held_out.functions, nearest_by_cosine(standardised))
    chance = share_with_common_function(held_out.functions, by_chance)

    assert len(held_out.sequences) > 1_000
    assert encoder > 1.3 * amino_acids
    assert encoder > 8 * chance
