"""Sequences into vectors, one way after the other, for ``encoders.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protea_embedder.adapters.language_models.unirep import load_unirep_encoder
from protea_embedder.domain.batching import plan_batches
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_fit import fit_kmer_encoder
from protea_embedder.domain.precision import DeviceName, Placement, Precision
from protea_embedder.domain.recipe import EmbeddingRecipe, ModelBackend

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
UNIREP_TOKENS = 16_384


def composition(sequences: Sequence[str]) -> NDArray[np.float32]:
    """Count residues, as shares, standardised over the proteins."""
    counts = np.array([[sequence.count(residue) for residue in RESIDUES] for sequence in sequences], dtype=np.float32)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return standardised(shares)


def standardised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each component mean 0 and deviation 1 over the proteins."""
    scaled: NDArray[np.float32] = (vectors - vectors.mean(axis=0)) / np.maximum(vectors.std(axis=0), 1e-12)
    return scaled


def kmers(sequences: Sequence[str]) -> NDArray[np.float32]:
    """Fit the k-mer encoder to the proteins and use it."""
    return KmerEncoder(fit_kmer_encoder(sequences)).encode(sequences)


def unirep(folder: Path, sequences: Sequence[str]) -> NDArray[np.float32]:
    """Embed with UniRep on one thread."""
    encoder = load_unirep_encoder(
        folder,
        EmbeddingRecipe(model_name=folder.name, model_backend=ModelBackend.UNIREP, max_length=0),
        Placement(DeviceName.CPU, Precision.AUTO, 1, batch_tokens=UNIREP_TOKENS),
    )
    vectors = np.empty((len(sequences), encoder.dimension), dtype=np.float32)
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    for chosen in plan_batches(lengths, batch_tokens=encoder.batch_tokens, max_sequences=256):
        vectors[chosen] = encoder.encode([sequences[index] for index in chosen])
    return vectors


class KeptVectors:
    """Embeds, and keeps the vectors."""

    def __init__(self, encode: Callable[[Sequence[str]], NDArray[np.float32]]) -> None:
        self._encode = encode
        self.kept = np.empty((0, 0), dtype=np.float32)

    def __call__(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        """Embed."""
        self.kept = self._encode(sequences)
        return self.kept
