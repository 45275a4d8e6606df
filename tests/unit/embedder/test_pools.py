from __future__ import annotations

import pytest

from protea_embedder.domain.pools import choose_pool

POOLS = {"small": 50_000_000, "large": 1_000_000_000}


@pytest.mark.parametrize(
    ("param_count", "pool"),
    [
        (None, None),
        (8_000_000, None),
        (50_000_000, "small"),
        (650_000_000, "small"),
        (1_000_000_000, "large"),
        (3_000_000_000, "large"),
    ],
)
def test_a_model_goes_to_the_pool_for_its_size(param_count: int | None, pool: str | None) -> None:
    assert choose_pool(param_count, POOLS) == pool


def test_without_pools_every_model_goes_to_none() -> None:
    assert choose_pool(3_000_000_000, {}) is None
