from __future__ import annotations

import numpy as np

from protea_embedder.domain.job_cut import SequenceLengths, cut_by_length


def _lengths(*residues: int) -> SequenceLengths:
    return SequenceLengths(ids=np.arange(1, len(residues) + 1), residues=np.array(residues, dtype=np.int64))


def test_batches_hold_sequences_of_similar_length_longest_first() -> None:
    sequences = _lengths(30, 500, 31, 490, 32)

    batches = list(cut_by_length(sequences, sequences_per_batch=2))

    assert [batch.residues.tolist() for batch in batches] == [[500, 490], [32, 31], [30]]
    assert [batch.ids.tolist() for batch in batches] == [[2, 4], [5, 3], [1]]


def test_equal_lengths_go_by_ascending_id() -> None:
    sequences = SequenceLengths(ids=np.array([9, 3, 7]), residues=np.array([10, 10, 10]))

    (batch,) = cut_by_length(sequences, sequences_per_batch=5)

    assert batch.ids.tolist() == [3, 7, 9]


def test_no_sequences_give_no_batches() -> None:
    assert list(cut_by_length(_lengths(), sequences_per_batch=3)) == []
