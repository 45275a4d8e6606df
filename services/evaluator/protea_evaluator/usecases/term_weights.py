"""What terms count in an evaluation: their information accretion, and which are of interest at all."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.db import UnitOfWork
from protea_common.domain.text_stream import read_text_lines
from protea_common.operations import RunCafaEvaluation
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.storage import AccretionStore
from protea_evaluator.domain.accretion_file import read_accretion, read_terms_of_interest
from protea_evaluator.domain.information_accretion import DegenerateAccretionError, information_accretion
from protea_evaluator.domain.knowledge import known_pairs
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.usecases.read_delta import GainedTerms

__all__ = ["TermWeights", "TermWeightsReader"]

_MOST_BYTES = 20_000_000
"""Text of a file of terms: all terms of the ontology take 1 MB."""

_ARTIFACT_SCHEME = "artifact:"


@dataclass(frozen=True, slots=True, eq=False)
class TermWeights:
    """What terms count.

    Attributes
    ----------
    accretion
        In bits, shape ``(n_terms,)``; ``None`` where nothing was known at t0 that it could be computed from.
    source
        Where it comes from, for people.
    n_missing
        Terms that a given file does not name, which so count nothing.
    of_interest
        Which terms count, shape ``(n_terms,)``; ``None`` for all.
    """

    accretion: NDArray[np.float64] | None
    source: str
    n_missing: int = 0
    of_interest: NDArray[np.bool_] | None = None

    @property
    def stamp(self) -> dict[str, object]:
        """What of it is part of a result's frame."""
        stamp: dict[str, object] = {"information_accretion": self.source}
        if self.accretion is not None:
            stamp["information_accretion_sha256"] = hashlib.sha256(self.accretion.astype("<f8").tobytes()).hexdigest()
        if self.n_missing:
            stamp["information_accretion_missing_terms"] = self.n_missing
        if self.of_interest is not None:
            stamp["terms_of_interest_sha256"] = hashlib.sha256(self.of_interest.tobytes()).hexdigest()
            stamp["terms_of_interest"] = int(np.count_nonzero(self.of_interest))
        return stamp


class TermWeightsReader:
    """Computes or reads what terms count.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    artifacts
        Where uploads and computed tables are.
    executor
        Threads that compute.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore, executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts
        self._executor = executor

    async def read(self, request: RunCafaEvaluation, gained: GainedTerms) -> TermWeights:
        """Take the weights that the request names, or else compute them from what was known at t0."""
        of_interest = None
        if request.terms_of_interest_uri is not None:
            lines = await self._lines(request.terms_of_interest_uri.removeprefix(_ARTIFACT_SCHEME))
            of_interest = read_terms_of_interest(lines, gained.graph)
        if request.information_accretion_set_id is not None:
            key = await self._key_of(request.information_accretion_set_id)
            source = f"information accretion set {request.information_accretion_set_id}"
            return await self._from_file(key, source, gained, of_interest)
        if request.ia_uri is not None:
            return await self._from_file(
                request.ia_uri.removeprefix(_ARTIFACT_SCHEME), "a file that was given", gained, of_interest
            )
        return await self._at_t0(gained, of_interest)

    async def _key_of(self, accretion_set_id: UUID) -> str:
        async with self._unit_of_work() as work:
            stored = await AccretionStore(work.session).get(accretion_set_id)
        return self._artifacts.key_from_uri(stored.artifact_uri)

    async def _from_file(
        self, key: str, source: str, gained: GainedTerms, of_interest: NDArray[np.bool_] | None
    ) -> TermWeights:
        file = read_accretion(await self._lines(key), gained.graph)
        return TermWeights(file.accretion, source, file.n_missing, of_interest)

    async def _lines(self, key: str) -> list[str]:
        content = await self._artifacts.get(key)
        return list(read_text_lines([content], max_decompressed_bytes=_MOST_BYTES))

    async def _at_t0(self, gained: GainedTerms, of_interest: NDArray[np.bool_] | None) -> TermWeights:
        compute = partial(_accretion_at_t0, gained)
        try:
            accretion = await asyncio.get_running_loop().run_in_executor(self._executor, compute)
        except DegenerateAccretionError:
            return TermWeights(None, "none", of_interest=of_interest)
        return TermWeights(accretion, "experimental annotations known at t0", of_interest=of_interest)


def _accretion_at_t0(gained: GainedTerms) -> NDArray[np.float64]:
    known = known_pairs(gained.old, gained.graph, live_ids=gained.live_ids)
    return information_accretion(propagate_terms(known, gained.graph), gained.graph)
