from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from protea_embedder.domain.kmer_counts import (
    AMINO_ACIDS,
    DIPEPTIDES,
    MURPHY_10,
    REDUCED_TETRAMERS,
    RESIDUES,
    TRIMERS,
    Vocabulary,
    count_kmers,
)

SEQUENCES = ["MKTAYIAKQRQISFVKSHFSRQ", "ACDEFGHIKLMNPQRSTVWY", "MKMKMKMK", "GG"]


def test_trimers_are_counted_as_scikit_learn_counts_them() -> None:
    vectorizer = CountVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False)
    expected = vectorizer.fit_transform(SEQUENCES).toarray()
    digits = {residue: digit for digit, residue in enumerate("ACDEFGHIKLMNPQRSTVWY")}
    columns = [
        400 * digits[a] + 20 * digits[b] + digits[c]
        for a, b, c in (tuple(w) for w in vectorizer.get_feature_names_out())
    ]

    counts = count_kmers(SEQUENCES, TRIMERS).toarray()

    np.testing.assert_array_equal(counts[:, columns], expected)
    assert counts.sum() == expected.sum()


def test_residues_of_a_group_make_the_same_reduced_word() -> None:
    # L V I M are group 0, S T group 4, F Y W group 6, D E N Q group 7: the word is 0-4-6-7.
    counts = count_kmers(["LSFD", "MTWQ", "ISYNC"], REDUCED_TETRAMERS).toarray()

    assert counts[:, 467].tolist() == [1, 1, 1]
    assert counts[2, 4671] == 1
    assert counts.sum() == 4


@pytest.mark.parametrize("sequence", ["ACUDE", "ACODE", "ACXDE", "ACBDE", "ACZDE", "ACJDE", "AC*DE", "AC DE", "ACβDE"])
def test_windows_over_a_non_standard_residue_are_skipped(sequence: str) -> None:
    counts = count_kmers([sequence], DIPEPTIDES).toarray()[0]

    assert np.flatnonzero(counts).tolist() == [1, 2 * 20 + 3]


def test_no_window_spans_two_sequences() -> None:
    counts = count_kmers(["AA", "CC"], DIPEPTIDES).toarray()

    assert counts.sum() == 2
    assert counts[0, 0] == 1
    assert counts[1, 21] == 1


def test_case_does_not_matter() -> None:
    lower, upper = (count_kmers([sequence], TRIMERS).toarray() for sequence in ("mktay", "MKTAY"))

    np.testing.assert_array_equal(lower, upper)


@pytest.mark.parametrize("vocabulary", [RESIDUES, DIPEPTIDES, TRIMERS, REDUCED_TETRAMERS])
def test_empty_and_too_short_sequences_have_no_words(vocabulary: Vocabulary) -> None:
    counts = count_kmers(["", "X", "A" * (vocabulary.k - 1)], vocabulary)

    assert counts.shape == (3, vocabulary.size)
    assert counts.nnz == 0


def test_no_sequences_give_no_rows() -> None:
    assert count_kmers([], TRIMERS).shape == (0, 8000)


def test_the_reduced_alphabet_covers_each_standard_residue_once() -> None:
    assert sorted("".join(MURPHY_10.groups)) == list(AMINO_ACIDS.groups)
