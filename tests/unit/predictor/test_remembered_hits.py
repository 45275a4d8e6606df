"""Hits that are kept come back as they were, for whichever queries ask for them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from protea_predictor.domain.alignment.hits import AlignedHits
from protea_predictor.domain.alignment.remembered import RememberedHits


def drawn(counts: list[int], *, seed: int = 0) -> AlignedHits:
    """Hits of queries, so many of each, as a search gives them."""
    rng = np.random.default_rng(seed)
    n = sum(counts)
    hits = AlignedHits(
        np.repeat(np.arange(len(counts)), counts),
        rng.permutation(1000)[:n],
        rng.uniform(20, 500, n),
        rng.uniform(0, 1e-3, n),
        *(rng.uniform(0, 1, n) for _ in range(3)),
    )
    return hits.best(per_query=1000, own_rows=np.full(len(counts), -1))


def same(one: AlignedHits, other: AlignedHits) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(AlignedHits))


def test_hits_come_back_as_they_were() -> None:
    hits, remembered = drawn([3, 0, 2]), RememberedHits(100)
    remembered.put(["a", "b", "c"], hits)
    assert remembered.missing(["a", "b", "c"]) == []
    assert same(remembered.get(["a", "b", "c"]), hits)


def test_other_queries_get_theirs_under_their_own_rows() -> None:
    hits, remembered = drawn([3, 0, 2]), RememberedHits(100)
    remembered.put(["a", "b", "c"], hits)
    found = remembered.get(["c", "a", "c"])
    np.testing.assert_array_equal(found.query_row, [0, 0, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(
        found.reference_row, [*hits.reference_row[3:], *hits.reference_row[:3], *hits.reference_row[3:]]
    )
    assert found.reference_row.dtype == np.int64


def test_a_query_that_is_asked_for_twice_is_searched_once() -> None:
    remembered = RememberedHits(100)
    assert remembered.missing(["a", "b", "a"]) == [0, 1]
    remembered.put(["b"], drawn([2]))
    assert remembered.missing(["a", "b", "a"]) == [0]


def test_those_not_asked_for_the_longest_are_forgotten() -> None:
    remembered = RememberedHits(5)
    remembered.put(["a", "b"], drawn([2, 2]))
    remembered.get(["b"])
    remembered.get(["a"])
    remembered.put(["c"], drawn([2], seed=1))
    remembered.get(["c"])
    assert remembered.missing(["a", "b", "c"]) == [1]


def test_a_batch_with_more_hits_than_are_kept_gets_all_of_them() -> None:
    remembered = RememberedHits(3)
    hits = drawn([4, 4])
    remembered.put(["a", "b"], hits)
    assert same(remembered.get(["a", "b"]), hits)


def test_no_queries_have_no_hits() -> None:
    assert len(RememberedHits(1).get([])) == 0


def test_what_was_never_put_is_an_error() -> None:
    with pytest.raises(KeyError):
        RememberedHits(1).get(["a"])
