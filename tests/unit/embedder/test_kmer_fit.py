from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from threadpoolctl import threadpool_limits

from protea_embedder.domain.kmer_counts import TRIMERS, count_kmers
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_fit import KmerFitError, fit_kmer_encoder
from protea_embedder.domain.kmer_state import KmerState, to_safetensors
from support.proteins import random_proteins

COMPOSITION = 20 + 400


def fit_small(sequences: Sequence[str], *, seed: int = 0) -> KmerState:
    return fit_kmer_encoder(sequences, seed=seed, reduced_components=8, trimer_components=6)


def test_the_same_sequences_and_seed_give_the_same_bytes() -> None:
    proteins = random_proteins(60)

    assert to_safetensors(fit_small(proteins, seed=3)) == to_safetensors(fit_small(proteins, seed=3))


def test_dimension_is_that_of_the_components_and_the_compositions() -> None:
    assert fit_small(random_proteins(60)).dimension == 8 + COMPOSITION + 6


def test_a_fitting_set_smaller_than_the_components_shrinks_them() -> None:
    state = fit_kmer_encoder(random_proteins(12))

    assert state.reduced.components.shape == (10_000, 12)
    assert state.trimer.components.shape == (8_000, 12)
    assert state.dimension == 12 + COMPOSITION + 12


def test_repeated_sequences_add_no_components() -> None:
    state = fit_kmer_encoder(random_proteins(5) * 4)

    assert state.reduced.components.shape[1] == 5
    assert state.trimer.components.shape[1] == 5


def test_components_are_the_singular_vectors_of_the_tfidf_matrix() -> None:
    proteins = random_proteins(20)
    tfidf = TfidfTransformer(sublinear_tf=True).fit_transform(count_kmers(proteins, TRIMERS).astype(np.float64))
    exact = np.linalg.svd(tfidf.toarray(), full_matrices=False)[2]

    components = fit_kmer_encoder(proteins).trimer.components

    np.testing.assert_allclose(np.abs(np.sum(exact * components.T, axis=1)), 1, atol=1e-4)


def test_the_largest_loading_of_each_component_is_positive() -> None:
    components = fit_small(random_proteins(60)).trimer.components

    assert (components.max(axis=0) == np.abs(components).max(axis=0)).all()


def test_features_of_the_fitting_set_have_zero_mean_and_unit_deviation() -> None:
    proteins = random_proteins(200)

    standardised = KmerEncoder(fit_small(proteins), normalize=False).encode(proteins)

    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(standardised.std(axis=0), 1, atol=1e-4)


def test_a_feature_that_does_not_vary_contributes_nothing() -> None:
    state = fit_small(["MKVLA" * 20, "MKVLL" * 20, "MKVAA" * 20])
    tryptophan = state.reduced.components.shape[1] + 18

    standardised = KmerEncoder(state, normalize=False).encode(["WWWW", "MKVLA"])

    assert state.column_weight[tryptophan] == 0
    assert standardised[:, tryptophan].tolist() == [0, 0]
    assert np.isfinite(standardised).all()


def test_sequences_too_short_for_words_leave_composition_alone() -> None:
    assert fit_small(["A", "C", "D"]).dimension == COMPOSITION


@pytest.mark.parametrize("sequences", [[], ["MKV"], ["MKV", "MKV"], ["X", "U"]])
def test_sequences_that_do_not_differ_are_refused(sequences: list[str]) -> None:
    with pytest.raises(KmerFitError, match="sequences"):
        fit_small(sequences)


def test_a_number_of_components_below_one_is_refused() -> None:
    with pytest.raises(KmerFitError, match="not 256 and 0"):
        fit_kmer_encoder(random_proteins(5), trimer_components=0)


def test_the_threads_given_to_linear_algebra_do_not_change_the_state() -> None:
    sequences = random_proteins(80)

    with threadpool_limits(limits=1):
        one = to_safetensors(fit_kmer_encoder(sequences))
    with threadpool_limits(limits=2):
        two = to_safetensors(fit_kmer_encoder(sequences))

    assert one == two
