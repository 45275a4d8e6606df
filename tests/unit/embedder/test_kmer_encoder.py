from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from protea_embedder.domain.encoder import Encoder
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_fit import fit_kmer_encoder
from protea_embedder.domain.kmer_state import KmerState
from support.encoder_contract import EncoderContract
from support.proteins import random_proteins


@pytest.fixture(scope="module")
def state() -> KmerState:
    return fit_kmer_encoder(random_proteins(150), reduced_components=32, trimer_components=32)


class TestKmerEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, state: KmerState) -> Encoder:
        return KmerEncoder(state)


class TestKmerEncoderWithoutNormalisation(EncoderContract):
    gives_unit_vectors: ClassVar[bool] = False

    @pytest.fixture
    def encoder(self, state: KmerState) -> Encoder:
        return KmerEncoder(state, normalize=False)


def test_vectors_are_the_same_bits_alone_and_in_a_batch(state: KmerState) -> None:
    encoder = KmerEncoder(state)
    proteins = random_proteins(30, seed=11)

    alone = np.concatenate([encoder.encode([protein]) for protein in proteins])

    np.testing.assert_array_equal(alone, encoder.encode(proteins))


def test_normalising_changes_the_length_and_not_the_direction(state: KmerState) -> None:
    proteins = random_proteins(5, seed=11)

    raw = KmerEncoder(state, normalize=False).encode(proteins)
    unit = KmerEncoder(state).encode(proteins)

    np.testing.assert_allclose(unit, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)


def test_a_long_sequence_is_not_cut(state: KmerState) -> None:
    encoder = KmerEncoder(state)
    head = "MKTAYIAKQR" * 1_000

    embeddings = encoder.encode([head, head + "WCWCHH" * 1_000])

    assert float(embeddings[0] @ embeddings[1]) < 0.9


def test_a_vector_without_direction_stays_zero(state: KmerState) -> None:
    blind = KmerState(
        state.reduced, state.trimer, column_mean=state.column_mean, column_weight=np.zeros_like(state.column_weight)
    )

    assert not KmerEncoder(blind).encode(["MKTAY"]).any()
