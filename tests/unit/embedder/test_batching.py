from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_embedder.domain.batching import InvalidBatchLimitsError, plan_batches

LENGTHS = st.lists(st.integers(min_value=0, max_value=2_000), max_size=200)
TOKENS = st.integers(min_value=1, max_value=5_000)
COUNTS = st.integers(min_value=1, max_value=50)


def plan(lengths: list[int], *, batch_tokens: int, max_sequences: int = 1_000) -> list[list[int]]:
    batches = plan_batches(np.array(lengths, dtype=np.int64), batch_tokens=batch_tokens, max_sequences=max_sequences)
    return [batch.tolist() for batch in batches]


def test_batches_of_a_worked_example() -> None:
    # Sorted 900 400 300 300 100 under 1,000 tokens: 900 x 1; 400 x 2; 300 x 2 (the last one is the 100).
    assert plan([300, 900, 100, 400, 300], batch_tokens=1_000) == [[1], [3, 0], [4, 2]]


def test_equal_lengths_keep_their_order() -> None:
    assert plan([10, 10, 10, 10], batch_tokens=20) == [[0, 1], [2, 3]]


def test_a_sequence_over_the_budget_gets_a_batch_of_its_own() -> None:
    assert plan([5_000, 10, 6_000], batch_tokens=1_000) == [[2], [0], [1]]


def test_max_sequences_limits_a_batch_of_short_sequences() -> None:
    assert plan([1, 1, 1, 1, 1], batch_tokens=1_000, max_sequences=2) == [[0, 1], [2, 3], [4]]


def test_empty_sequences_count_as_one_token() -> None:
    assert plan([0, 0, 0], batch_tokens=2) == [[0, 1], [2]]


def test_no_sequences_give_no_batches() -> None:
    assert plan([], batch_tokens=10) == []


@settings(deadline=None)
@given(lengths=LENGTHS, batch_tokens=TOKENS, max_sequences=COUNTS)
def test_every_index_is_in_exactly_one_batch(lengths: list[int], batch_tokens: int, max_sequences: int) -> None:
    batches = plan(lengths, batch_tokens=batch_tokens, max_sequences=max_sequences)

    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))


@settings(deadline=None)
@given(lengths=LENGTHS, batch_tokens=TOKENS, max_sequences=COUNTS)
def test_batches_respect_both_limits(lengths: list[int], batch_tokens: int, max_sequences: int) -> None:
    batches = plan(lengths, batch_tokens=batch_tokens, max_sequences=max_sequences)

    for batch in batches:
        cost = max(lengths[index] for index in batch) * len(batch)
        assert 1 <= len(batch) <= max_sequences
        assert cost <= batch_tokens or len(batch) == 1


@settings(deadline=None)
@given(lengths=LENGTHS, batch_tokens=TOKENS, max_sequences=COUNTS)
def test_no_batch_could_have_taken_the_next_sequence(lengths: list[int], batch_tokens: int, max_sequences: int) -> None:
    batches = plan(lengths, batch_tokens=batch_tokens, max_sequences=max_sequences)

    for batch in batches[:-1]:
        tokens = [max(lengths[index], 1) for index in batch]
        assert len(batch) == max_sequences or max(tokens) * (len(batch) + 1) > batch_tokens


@settings(deadline=None)
@given(lengths=LENGTHS, batch_tokens=TOKENS, max_sequences=COUNTS)
def test_lengths_never_rise_from_batch_to_batch(lengths: list[int], batch_tokens: int, max_sequences: int) -> None:
    batches = plan(lengths, batch_tokens=batch_tokens, max_sequences=max_sequences)

    in_order = [lengths[index] for batch in batches for index in batch]
    assert in_order == sorted(lengths, reverse=True)


@pytest.mark.parametrize(("batch_tokens", "max_sequences"), [(0, 1), (1, 0), (-5, 3)])
def test_limits_below_one_are_refused(batch_tokens: int, max_sequences: int) -> None:
    with pytest.raises(InvalidBatchLimitsError, match="must be 1 or more"):
        plan([10], batch_tokens=batch_tokens, max_sequences=max_sequences)
