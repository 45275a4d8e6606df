"""Fitting the k-mer encoder to a set of sequences, which it needs no annotation of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from protea_common.errors import PermanentError
from protea_embedder.domain.kmer_counts import REDUCED_TETRAMERS, TRIMERS, Vocabulary, count_kmers
from protea_embedder.domain.kmer_features import extract_features, inverse_document_frequency, weigh_by_tfidf
from protea_embedder.domain.kmer_state import KmerState, Projection

__all__ = ["KmerFitError", "fit_kmer_encoder"]

_POWER_ITERATIONS = 5
"""Fewer lose the weakest components (a few percent of their singular value already here), more cost time."""

_RANK_TOLERANCE = 1e-5
"""Components weaker than this share of the strongest are rounding noise of float32, which z-scoring would blow up."""

_SPREAD_TOLERANCE = 1e-6
"""A column whose deviation is below this share of its largest value is constant but for rounding."""


class KmerFitError(PermanentError):
    """The k-mer encoder cannot be fitted to these sequences with these settings."""

    slug = "k-mer-fit-impossible"


def fit_kmer_encoder(
    sequences: Sequence[str], *, seed: int = 0, reduced_components: int = 256, trimer_components: int = 512
) -> KmerState:
    """Learn what words are rare, which occur together, and how features spread.

    Parameters
    ----------
    sequences
        Amino-acid strings, best the references that queries will be compared with; repeats count as often as given.
    seed
        Of the randomised singular value decomposition; the same seed gives the same state on one machine, however
        many threads linear algebra is given there.
    reduced_components, trimer_components
        Columns kept of the reduced-alphabet 4-mers and of the 3-mers, at least 1. A set of lower rank (never above
        its number of sequences) gets fewer, so ``D`` follows from the state: 1,188 for large sets.

    Returns
    -------
    state
        Input of `KmerEncoder`.

    Raises
    ------
    KmerFitError
        If there are no sequences or they do not differ, or a number of components is below 1.

    References
    ----------
    Randomised SVD: Halko et al. 2011, SIAM Rev 53:217.
    """
    if min(reduced_components, trimer_components) < 1:
        raise KmerFitError(f"Components must be 1 or more, not {reduced_components} and {trimer_components}.")
    if not sequences:
        raise KmerFitError("There are no sequences to fit the k-mer encoder to; load the reference proteins first.")
    # One thread: two round differently, and beside a busy neighbour they took 21 s where one took 9.
    with threadpool_limits(limits=1):
        return _fit(sequences, reduced_components=reduced_components, trimer_components=trimer_components, seed=seed)


def _fit(sequences: Sequence[str], *, reduced_components: int, trimer_components: int, seed: int) -> KmerState:
    reduced = _fit_projection(sequences, REDUCED_TETRAMERS, components=reduced_components, seed=seed)
    trimer = _fit_projection(sequences, TRIMERS, components=trimer_components, seed=seed)
    features = extract_features(sequences, reduced=reduced, trimer=trimer)
    weight = _column_weight(features)
    if not weight.any():
        raise KmerFitError("The sequences do not differ from each other; fit the k-mer encoder to more proteins.")
    return KmerState(reduced, trimer, column_mean=_column_mean(features), column_weight=weight)


def _fit_projection(sequences: Sequence[str], vocabulary: Vocabulary, *, components: int, seed: int) -> Projection:
    counts = count_kmers(sequences, vocabulary)
    idf = inverse_document_frequency(counts)
    return Projection(idf, _principal_directions(weigh_by_tfidf(counts, idf), components=components, seed=seed))


def _principal_directions(rows: csr_array, *, components: int, seed: int) -> NDArray[np.float32]:
    """Find the strongest right singular vectors, strongest first, shape ``(columns, <= components)``."""
    _, strengths, directions = randomized_svd(
        rows, min(components, *rows.shape), n_iter=_POWER_ITERATIONS, random_state=seed
    )
    is_signal = strengths > _RANK_TOLERANCE * strengths[0]
    return np.ascontiguousarray(_fix_signs(directions[is_signal]).T, dtype=np.float32)


def _fix_signs(directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn each direction so that its largest loading is positive: a decomposition leaves the sign open."""
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, np.newaxis], axis=1)
    turned: NDArray[np.float32] = directions * np.sign(largest)
    return turned


def _column_mean(features: NDArray[np.float32]) -> NDArray[np.float32]:
    mean: NDArray[np.float64] = features.mean(axis=0, dtype=np.float64)
    return mean.astype(np.float32)


def _column_weight(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take one over the standard deviation, 0 for a column that does not vary."""
    spread = features.std(axis=0, dtype=np.float64)
    varies = spread > _SPREAD_TOLERANCE * np.abs(features).max(axis=0)
    weight: NDArray[np.float64] = np.divide(1, spread, out=np.zeros_like(spread), where=varies)
    return weight.astype(np.float32)
