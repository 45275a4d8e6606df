"""How many tokens a device best computes at once, found by trying."""

from __future__ import annotations

from collections.abc import Callable

from protea_embedder.domain.encoder import DeviceOutOfMemoryError

__all__ = ["PROBE_RESIDUES", "tune_batch_tokens"]

PROBE_RESIDUES = 254
"""Residues of the proteins that are tried: about a third of all proteins are shorter."""

LEAST_GAIN = 1.05
"""A doubled batch must be so many times quicker per token: greater batches have more padding and need more memory."""


def tune_batch_tokens(
    run: Callable[[int], None], *, smallest: int, largest: int, limit_seconds: float, clock: Callable[[], float]
) -> int:
    """Double the batch as long as that pays.

    Parameters
    ----------
    run
        Computes so many proteins of `PROBE_RESIDUES` at once.
    smallest, largest
        Fewest and most tokens to try, at least one protein.
    limit_seconds
        Nothing greater is tried after so long.
    clock
        Seconds.

    Returns
    -------
    batch_tokens
        Between ``smallest`` and ``largest``.
    """
    began = clock()
    chosen, best = smallest, 0.0
    tokens = smallest
    while tokens <= largest:
        proteins = max(tokens // PROBE_RESIDUES, 1)
        try:
            rate = proteins / min(_seconds(run, proteins, clock) for _ in range(2))
        except DeviceOutOfMemoryError:
            break
        if rate < LEAST_GAIN * best:
            break
        chosen, best = tokens, rate
        if clock() - began > limit_seconds:
            break
        tokens *= 2
    return chosen


def _seconds(run: Callable[[int], None], proteins: int, clock: Callable[[], float]) -> float:
    began = clock()
    run(proteins)
    return max(clock() - began, 1e-9)
