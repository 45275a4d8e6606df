"""What every sequence encoder promises, as tests: a backend's test class inherits them and gives the encoder."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from protea_embedder.domain.encoder import Encoder

__all__ = ["EncoderContract"]

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
CRAMBIN = "TTCCPSIVARSNFNVCRLPGTPEALCATYTGCIIIPGATCPGDYAN"
INSULIN_B = "FVNQHLCGSHLVEALYLVCGERGFFYTPKT"
VERY_SHORT = ["M", "MK", "MKV"]
NON_STANDARD = ["MUOXBZJ", UBIQUITIN[:20] + "UXB" + UBIQUITIN[20:], "X"]
SEQUENCES = [UBIQUITIN, *VERY_SHORT, CRAMBIN, *NON_STANDARD, INSULIN_B, UBIQUITIN * 5]


class EncoderContract:
    """Inherit as ``TestMyEncoder`` and give it a fixture ``encoder``.

    Attributes
    ----------
    gives_unit_vectors
        Whether the encoder under test normalises.
    """

    gives_unit_vectors: ClassVar[bool] = True

    def test_rows_are_float32_of_the_announced_dimension(self, encoder: Encoder) -> None:
        embeddings = encoder.encode(SEQUENCES)

        assert embeddings.dtype == np.float32
        assert embeddings.shape == (len(SEQUENCES), encoder.dimension)

    def test_no_sequences_give_no_rows(self, encoder: Encoder) -> None:
        embeddings = encoder.encode([])

        assert embeddings.dtype == np.float32
        assert embeddings.shape == (0, encoder.dimension)

    def test_a_sequence_has_the_same_vector_alone_as_in_a_batch(self, encoder: Encoder) -> None:
        in_batch = encoder.encode(SEQUENCES)

        alone = np.concatenate([encoder.encode([sequence]) for sequence in SEQUENCES])

        np.testing.assert_allclose(alone, in_batch, rtol=0, atol=1e-5)

    def test_order_of_the_batch_does_not_matter(self, encoder: Encoder) -> None:
        shuffled = np.random.default_rng(0).permutation(len(SEQUENCES))

        embeddings = encoder.encode([SEQUENCES[index] for index in shuffled])

        np.testing.assert_allclose(embeddings, encoder.encode(SEQUENCES)[shuffled], rtol=0, atol=1e-5)

    def test_a_repeated_sequence_gets_its_vector_twice(self, encoder: Encoder) -> None:
        embeddings = encoder.encode([CRAMBIN, UBIQUITIN, CRAMBIN])

        np.testing.assert_allclose(embeddings[0], embeddings[2], rtol=0, atol=1e-5)

    def test_different_proteins_get_different_vectors(self, encoder: Encoder) -> None:
        embeddings = encoder.encode([UBIQUITIN, CRAMBIN])

        assert not np.allclose(embeddings[0], embeddings[1], rtol=0, atol=1e-3)

    def test_very_short_sequences_have_finite_vectors(self, encoder: Encoder) -> None:
        assert np.isfinite(encoder.encode(VERY_SHORT)).all()

    def test_an_empty_sequence_has_a_finite_vector(self, encoder: Encoder) -> None:
        assert np.isfinite(encoder.encode([""])).all()

    def test_non_standard_residues_have_finite_vectors(self, encoder: Encoder) -> None:
        assert np.isfinite(encoder.encode(NON_STANDARD)).all()

    def test_vectors_have_unit_length_exactly_when_normalised(self, encoder: Encoder) -> None:
        lengths = np.linalg.norm(encoder.encode(SEQUENCES), axis=1)

        assert np.allclose(lengths, 1, rtol=0, atol=1e-5) == self.gives_unit_vectors
