"""Global and local alignments of many pairs of sequences, as arrays of figures."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.alignment.counting import Columns, global_columns, local_columns
from protea_predictor.domain.alignment.residues import alignable
from protea_predictor.domain.errors import require_shape

__all__ = ["AlignmentFigures", "PairFigures", "align_pairs"]

_CELLS_PER_TASK = 20_000_000
"""Matrix cells that a thread takes at a time, some 10 ms: fewer cost switches, more leave threads without work."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentFigures:
    """What the best alignment of each pair looks like, shape ``(n_pairs,)`` each.

    Attributes
    ----------
    score
        Raw score: BLOSUM62, 10 to open a gap with its first residue, 1 for each further one; float64.
    length
        Columns of the alignment, end gaps of a global one included; int64, 0 where nothing aligns locally.
    identity
        Columns of identical letters over all columns, in [0, 1].
    similarity
        Columns of identical letters or a positive score over all columns, in [0, 1], at least the identity.
    gaps
        Columns with a gap over all columns, in [0, 1]. Where there is no column the three fractions are 0.
    """

    score: NDArray[np.float64]
    length: NDArray[np.int64]
    identity: NDArray[np.float64]
    similarity: NDArray[np.float64]
    gaps: NDArray[np.float64]

    @classmethod
    def of(cls, columns: NDArray[np.int64]) -> AlignmentFigures:
        """Turn counted columns, shape ``(n_pairs, 5)`` in the order of `Columns`, into figures."""
        score, length, identical, similar, gaps = columns.T
        per_column = 1 / np.maximum(length, 1)
        return cls(score.astype(np.float64), length, identical * per_column, similar * per_column, gaps * per_column)


@dataclass(frozen=True, slots=True, eq=False)
class PairFigures:
    """Figures of the global (Needleman-Wunsch) and the local (Smith-Waterman) alignment of each pair.

    Attributes
    ----------
    nw, sw
        Global and local.
    length_query, length_reference
        Residues, int64, shape ``(n_pairs,)``.
    """

    nw: AlignmentFigures
    sw: AlignmentFigures
    length_query: NDArray[np.int64]
    length_reference: NDArray[np.int64]


def align_pairs(
    queries: Sequence[str],
    references: Sequence[str],
    *,
    query_rows: NDArray[np.integer],
    reference_rows: NDArray[np.integer],
    threads: int = 1,
) -> PairFigures:
    """Align pairs of sequences globally and locally.

    The alignments are those that parasail's traced routines give with 32 bits, so the figures depend neither on the
    width of the arithmetic nor on the number of threads nor on the other pairs. U, O and J are aligned as C, K and L,
    unknown characters as X; B, Z, X and ``*`` have rows of their own in the matrix (see `residues.alignable`). X beside
    X is an identical column, although it says little. A pair of more than 100 million cells, such as two titins, is
    aligned in linear memory; its score is the same, its columns are those of an equally good alignment.

    Parameters
    ----------
    queries, references
        Sequences, each at least one residue long where a pair names it.
    query_rows, reference_rows
        The pairs, as positions in ``queries`` and ``references``, shape ``(n_pairs,)``.
    threads
        Threads to align with; the work releases the interpreter's lock.

    Returns
    -------
    figures
        In the order of the pairs; no pairs give empty arrays.

    Raises
    ------
    ShapeMismatchError
        If there is not one reference for each query, or a pair names an empty sequence.

    References
    ----------
    Needleman, Wunsch 1970, J Mol Biol 48:443; Smith, Waterman 1981, J Mol Biol 147:195; Henikoff, Henikoff 1992, PNAS
    89:10915; Daily 2016, BMC Bioinformatics 17:81 (parasail).
    """
    require_shape(
        len(query_rows) == len(reference_rows),
        f"{len(query_rows)} queries and {len(reference_rows)} references; give one reference row per query row.",
    )
    spelled = [alignable(sequence) for sequence in queries], [alignable(sequence) for sequence in references]
    lengths = [
        np.array([len(sequence) for sequence in sequences], dtype=np.int64)[rows]
        for sequences, rows in zip(spelled, (query_rows, reference_rows), strict=True)
    ]
    require_shape(all(bool(np.all(each > 0)) for each in lengths), "A pair names an empty sequence; leave it out.")
    counted = np.zeros((len(query_rows), 2, len(fields(Columns))), dtype=np.int64)
    rows = zip(query_rows.tolist(), reference_rows.tolist(), strict=True)
    pairs = [(spelled[0][query], spelled[1][reference]) for query, reference in rows]
    _count(pairs, _tasks(lengths[0] * lengths[1]), counted, threads=threads)
    nw, sw = (AlignmentFigures.of(counted[:, kind]) for kind in range(2))
    return PairFigures(nw, sw, length_query=lengths[0], length_reference=lengths[1])


def _tasks(cells: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut the pairs into tasks of similar work, the largest pairs first, so that no thread is left with a long one."""
    order = np.argsort(-cells, kind="stable")
    task = np.cumsum(cells[order]) // _CELLS_PER_TASK
    return np.split(order, np.flatnonzero(np.diff(task)) + 1) if len(order) else []


def _count(
    pairs: Sequence[tuple[bytes, bytes]],
    tasks: Sequence[NDArray[np.int64]],
    counted: NDArray[np.int64],
    *,
    threads: int,
) -> None:
    if threads == 1:
        for task in tasks:
            _count_task(pairs, task, counted)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="align") as pool:
        for _ in pool.map(_count_task, repeat(pairs), tasks, repeat(counted)):
            pass


def _count_task(pairs: Sequence[tuple[bytes, bytes]], task: NDArray[np.int64], counted: NDArray[np.int64]) -> None:
    for row in task.tolist():
        query, reference = pairs[row]
        for kind, columns in enumerate((global_columns(query, reference), local_columns(query, reference))):
            counted[row, kind] = columns.score, columns.length, columns.identical, columns.similar, columns.gaps
