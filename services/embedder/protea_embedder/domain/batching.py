"""Batches under a token budget: what a device computes is the longest sequence times the count, padding included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError

__all__ = ["InvalidBatchLimitsError", "plan_batches"]


class InvalidBatchLimitsError(PermanentError):
    """A batch must be allowed at least one token and one sequence."""

    slug = "invalid-batch-limits"


def plan_batches(lengths: NDArray[np.int64], *, batch_tokens: int, max_sequences: int) -> list[NDArray[np.int64]]:
    """Group sequences of similar length into batches.

    Parameters
    ----------
    lengths
        Residues or tokens per sequence, 0 or more, shape ``(n,)``.
    batch_tokens
        Most that the longest sequence of a batch times its number of sequences may be, at least 1; a sequence longer
        than this gets a batch of its own.
    max_sequences
        Most sequences in a batch, at least 1.

    Returns
    -------
    batches
        Indices into ``lengths``, every one exactly once; longest sequences first, so that a device too small for
        them fails at once, and equal lengths in the order given. Empty for no sequences.

    Raises
    ------
    InvalidBatchLimitsError
        If a limit is below 1.
    """
    if batch_tokens < 1 or max_sequences < 1:
        raise InvalidBatchLimitsError(
            f"batch_tokens is {batch_tokens} and max_sequences is {max_sequences}; both must be 1 or more."
        )
    order = np.argsort(-lengths, kind="stable").astype(np.int64)
    batches = []
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        size = min(max(batch_tokens // longest, 1), max_sequences)
        batches.append(order[start : start + size])
        start += size
    return batches
