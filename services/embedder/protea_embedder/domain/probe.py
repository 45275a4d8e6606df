"""How many threads and how many tokens at once suit a device, found by trying."""

from __future__ import annotations

from collections.abc import Callable

from protea_embedder.domain.encoder import DeviceOutOfMemoryError

__all__ = ["PROBE_RESIDUES", "tune_batch_tokens", "tune_threads"]

PROBE_RESIDUES = 254
"""Residues of the proteins that are tried: about a third of all proteins are shorter."""

LEAST_GAIN = 1.05
"""A doubled batch must be so many times quicker per token: greater batches have more padding and need more memory."""

LEAST_THREAD_GAIN = 1.4
"""Twice the threads must be so many times quicker: threads that gain less are of more use to another process."""


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


def tune_threads(run: Callable[[int], None], *, most: int, limit_seconds: float, clock: Callable[[], float]) -> int:
    """Double the threads as long as that pays.

    Parameters
    ----------
    run
        Computes the same on so many threads.
    most
        Cores that there are, at least 1.
    limit_seconds
        Nothing more is tried after so long.
    clock
        Seconds.

    Returns
    -------
    threads
        From 1 to ``most``; 1 where the other cores have work, for threads wait for the slowest of them.
    """
    began = clock()
    chosen, threads, best = 1, 1, float("inf")
    while threads <= most:
        run(threads)  # the first run starts the threads
        seconds = min(_seconds(run, threads, clock) for _ in range(3))
        if seconds * LEAST_THREAD_GAIN > best:
            break
        chosen, best = threads, seconds
        if clock() - began > limit_seconds:
            break
        threads *= 2
    return chosen


def _seconds(run: Callable[[int], None], proteins: int, clock: Callable[[], float]) -> float:
    began = clock()
    run(proteins)
    return max(clock() - began, 1e-9)
