"""The features of the k-mer encoder before they are standardised, each row computed from its own sequence alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.preprocessing import normalize

from protea_embedder.domain.kmer_counts import DIPEPTIDES, REDUCED_TETRAMERS, RESIDUES, TRIMERS, count_kmers
from protea_embedder.domain.kmer_state import Projection

__all__ = ["composition", "extract_features", "inverse_document_frequency", "weigh_by_tfidf"]


def extract_features(sequences: Sequence[str], *, reduced: Projection, trimer: Projection) -> NDArray[np.float32]:
    """Describe sequences by their words.

    Parameters
    ----------
    sequences
        At least one amino-acid string.
    reduced, trimer
        Projections of the reduced-alphabet 4-mers and of the 3-mers.

    Returns
    -------
    features
        Shape ``(n, D)``; columns are projected reduced 4-mers, amino-acid composition (20), dipeptide composition
        (400), projected 3-mers.
    """
    blocks = (
        _project(count_kmers(sequences, REDUCED_TETRAMERS), reduced),
        composition(count_kmers(sequences, RESIDUES)),
        composition(count_kmers(sequences, DIPEPTIDES)),
        _project(count_kmers(sequences, TRIMERS), trimer),
    )
    return np.hstack(blocks)


def inverse_document_frequency(counts: csr_array) -> NDArray[np.float32]:
    """Weigh words by how few sequences hold them.

    Parameters
    ----------
    counts
        Word counts, shape ``(n, vocabulary)``.

    Returns
    -------
    idf
        ``ln((1 + n) / (1 + df)) + 1`` with ``df`` the number of sequences that hold the word, shape
        ``(vocabulary,)``; at least 1.

    References
    ----------
    Spärck Jones 1972, J Doc 28:11; smoothed as scikit-learn does.
    """
    n_sequences, vocabulary_size = counts.shape
    document_frequency = np.bincount(counts.indices, minlength=vocabulary_size)
    idf: NDArray[np.float64] = np.log((1 + n_sequences) / (1 + document_frequency)) + 1
    return idf.astype(np.float32)


def weigh_by_tfidf(counts: csr_array, idf: NDArray[np.float32]) -> csr_array:
    """Turn word counts into TF-IDF rows of unit length.

    Parameters
    ----------
    counts
        Word counts, shape ``(n, vocabulary)``, ``n >= 1``.
    idf
        Weight per word, shape ``(vocabulary,)``.

    Returns
    -------
    tfidf
        ``(1 + ln tf) * idf``, each row L2-normalised, same shape; a sequence with no word has an empty row.

    References
    ----------
    Manning et al. 2008, Introduction to Information Retrieval, section 6.4.1 (sublinear term frequency).
    """
    weights = (1 + np.log(counts.data)) * idf[counts.indices]
    return normalize(csr_array((weights, counts.indices, counts.indptr), shape=counts.shape), copy=False)


def composition(counts: csr_array) -> NDArray[np.float32]:
    """Turn word counts into the share of each word in its sequence.

    Parameters
    ----------
    counts
        Word counts, shape ``(n, vocabulary)``.

    Returns
    -------
    shares
        In [0, 1], same shape; a row sums to 1, or to 0 for a sequence with no word.
    """
    dense: NDArray[np.float32] = counts.toarray()
    totals = dense.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = dense / np.maximum(totals, 1)
    return shares


def _project(counts: csr_array, projection: Projection) -> NDArray[np.float32]:
    # CSR times dense goes row by row: no BLAS, whose sums would depend on how many rows it is given.
    projected: NDArray[np.float32] = weigh_by_tfidf(counts, projection.idf) @ projection.components
    return projected
