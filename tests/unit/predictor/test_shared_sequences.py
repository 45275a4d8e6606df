"""From chosen sequences to the references that have them."""

from __future__ import annotations

import numpy as np

from protea_predictor.domain.shared_sequences import rows_of_sequences

MEMBERS = np.array([70, 50, 70, 60, 70])
ROWS = np.array([1, 3, 4, 8, 9])


def test_each_sequence_gives_all_references_that_have_it() -> None:
    chosen = np.array([[60, 70], [50, -1], [-1, -1]])

    found = rows_of_sequences(chosen, MEMBERS, rows=ROWS, limit=10)

    assert found.tolist() == [[8, 1, 4, 9], [3, -1, -1, -1], [-1, -1, -1, -1]]


def test_no_more_than_the_first_ones_of_a_sequence_are_taken() -> None:
    found = rows_of_sequences(np.array([[70, 60]]), MEMBERS, rows=ROWS, limit=2)

    assert found.tolist() == [[1, 4, 8]]


def test_a_sequence_outside_the_pool_gives_none() -> None:
    found = rows_of_sequences(np.array([[99, 50]]), MEMBERS, rows=ROWS, limit=2)

    assert found.tolist() == [[3]]


def test_an_empty_pool_gives_none() -> None:
    none = np.empty(0, dtype=np.int64)

    assert rows_of_sequences(np.array([[70]]), none, rows=none, limit=2).shape == (1, 0)
