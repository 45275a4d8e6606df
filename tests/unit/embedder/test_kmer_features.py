from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfTransformer

from protea_embedder.domain.kmer_counts import DIPEPTIDES, RESIDUES, TRIMERS, count_kmers
from protea_embedder.domain.kmer_features import composition, inverse_document_frequency, weigh_by_tfidf
from support.proteins import random_proteins


def test_tfidf_agrees_with_scikit_learn() -> None:
    counts = count_kmers(random_proteins(40), TRIMERS)
    transformer = TfidfTransformer(sublinear_tf=True)

    expected = transformer.fit_transform(counts.astype(np.float64))
    idf = inverse_document_frequency(counts)
    tfidf = weigh_by_tfidf(counts, idf)

    np.testing.assert_allclose(idf, transformer.idf_, rtol=1e-6)
    np.testing.assert_allclose(tfidf.toarray(), expected.toarray(), atol=1e-6)


def test_tfidf_of_a_sequence_without_words_is_zero() -> None:
    counts = csr_array(np.array([[2, 0], [0, 0]], dtype=np.float32))

    tfidf = weigh_by_tfidf(counts, np.array([1.5, 1.5], dtype=np.float32))

    np.testing.assert_array_equal(tfidf.toarray(), [[1, 0], [0, 0]])


def test_weighing_leaves_the_counts_as_they_were() -> None:
    counts = count_kmers(["MKMKMK"], DIPEPTIDES)
    before = counts.toarray()

    weigh_by_tfidf(counts, inverse_document_frequency(counts))

    np.testing.assert_array_equal(counts.toarray(), before)


def test_amino_acid_composition_of_a_worked_example() -> None:
    # AACX has three standard residues: two A (column 0), one C (column 1); X is not counted.
    shares = composition(count_kmers(["AACX"], RESIDUES))

    np.testing.assert_allclose(shares[0, :3], [2 / 3, 1 / 3, 0], rtol=1e-6)
    assert np.count_nonzero(shares) == 2


def test_dipeptide_composition_of_a_worked_example() -> None:
    # AACAXA has the dipeptides AA (column 0), AC (1) and CA (20); AX and XA are not counted.
    shares = composition(count_kmers(["AACAXA"], DIPEPTIDES))

    np.testing.assert_allclose(shares[0, [0, 1, 20]], [1 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    assert np.count_nonzero(shares) == 3


def test_composition_of_a_sequence_without_standard_residues_is_zero() -> None:
    assert not composition(count_kmers(["XX", ""], RESIDUES)).any()
