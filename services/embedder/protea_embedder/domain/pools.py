"""Which pool of workers a model goes to: by its size, as the operator's table says."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["choose_pool"]


def choose_pool(param_count: int | None, pools: Mapping[str, int]) -> str | None:
    """Choose the pool for the largest models that still takes this one.

    Parameters
    ----------
    param_count
        Parameters of the model; None for an encoder that is no model.
    pools
        Least number of parameters by pool.

    Returns
    -------
    pool
        None if no pool is for models so small; of two pools that start alike the first by name.
    """
    if param_count is None:
        return None
    fitting = [(-least, name) for name, least in pools.items() if param_count >= least]
    return min(fitting)[1] if fitting else None
