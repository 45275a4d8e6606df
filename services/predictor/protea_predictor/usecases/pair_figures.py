"""Figures of the alignments of candidates with their nearest donors: from the cache, else computed and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.domain.scoring import ScoringRecipe, Signal
from protea_common.domain.sequence import compute_sequence_hash
from protea_common.operations import CandidateChoices
from protea_predictor.adapters.storage import AlignmentStore, ResidueStore
from protea_predictor.domain.alignment.nearest import FIGURES, figure_features, figure_table, nearest_pairs
from protea_predictor.domain.alignment.pairwise import align_pairs
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.prediction import Queries
from protea_predictor.domain.reference_bank import ReferenceBank

__all__ = ["FigureReader", "needs_figures"]


def needs_figures(choices: CandidateChoices, recipe: ScoringRecipe) -> bool:
    """Whether pairs are aligned: because the request asks for it, or because the scoring weighs identity."""
    return choices.compute_alignments or not {Signal.IDENTITY_NW, Signal.IDENTITY_SW}.isdisjoint(recipe.signals_read)


class FigureReader:
    """Gives the figures of pairs.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    executor
        Threads that align.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._executor = executor

    async def read(
        self, candidates: Candidates, queries: Queries, bank: ReferenceBank
    ) -> dict[str, NDArray[np.float64]]:
        """Give the features of candidates that are figures of alignments.

        Raises
        ------
        QueriesGoneError
            If sequences were deleted.
        """
        pairs = nearest_pairs(candidates)
        async with self._unit_of_work() as work:
            residues = ResidueStore(work.session)
            left = await residues.read(queries.sequence_ids[pairs.query_rows].tolist())
            right = await residues.read(bank.proteins.sequence_ids[pairs.reference_rows].tolist())
        return figure_features(await self._table(left, right), pairs)

    async def _table(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
        """Figures of pairs of sequences, in their order."""
        sides = (map(compute_sequence_hash, side) for side in (left, right))
        keys = list(zip(*sides, strict=True))
        async with self._unit_of_work() as work:
            known = await AlignmentStore(work.session).read(keys)
        sequences = {key: pair for key, *pair in zip(keys, left, right, strict=True) if key not in known}
        if sequences:
            compute = partial(_aligned, *zip(*sequences.values(), strict=True))
            computed = await asyncio.get_running_loop().run_in_executor(self._executor, compute)
            async with self._unit_of_work() as work:
                await AlignmentStore(work.session).add(list(sequences), computed)
            known |= dict(zip(sequences, computed.tolist(), strict=True))
        return np.array([known[key] for key in keys], dtype=np.float64).reshape(-1, len(FIGURES))


def _aligned(left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
    rows = np.arange(len(left))
    return figure_table(align_pairs(left, right, query_rows=rows, reference_rows=rows))
