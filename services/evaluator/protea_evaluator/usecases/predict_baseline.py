"""Baselines on the frozen data of an evaluation set, each as a prediction set that is measured like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from uuid import uuid5

import numpy as np

from protea_common.db import UnitOfWork
from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS, EXPERIMENTAL_CODES
from protea_common.domain.text_stream import read_text_lines
from protea_common.errors import PermanentError
from protea_common.jobs import JobClaim, finish_job, report_progress
from protea_common.operations import PredictBaseline
from protea_common.storage import ArtifactStore
from protea_evaluator.adapters.storage import (
    AnnotationStore,
    BaselineStore,
    EvaluationSet,
    EvaluationSetStore,
    NewBaseline,
)
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.baselines import listed_terms, naive, read_hits, transfer_by_alignment
from protea_evaluator.domain.knowledge import known_pairs
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.domain.term_rows import UNKNOWN_ROW, rows_of_terms
from protea_evaluator.usecases.read_delta import DeltaReader, GainedTerms

__all__ = ["CarryOverNotMeasurableError", "NothingPredictedError", "PredictFromBaseline"]

_MOST_BYTES = 4_000_000_000
"""Text of a table of hits; 20 million lines of it take one."""

_LEAST_SHARE = 0.1
"""Electronic annotations of t0 as a share of those of t1, below which a cut by date did not leave what was known.

Releases two years apart differ by a factor of two at most; in a file of 2019, one in 500 is dated before 2018.
"""

_ROWS_AT_ONCE = 50_000
"""Rows between two reports of progress, about a second's; fewer cost round trips."""

_ALL_CODES = frozenset(code for group in EVIDENCE_CODE_GROUPS.values() for code in group) - {"ND"}
_ARTIFACT_SCHEME = "artifact:"


class NothingPredictedError(PermanentError):
    """The baseline has nothing to say about any protein of the evaluation set."""

    slug: ClassVar[str] = "nothing-predicted"
    status: ClassVar[int] = 409


class CarryOverNotMeasurableError(PermanentError):
    """What was annotated electronically at t0 cannot be told: dates are re-stamped with each release."""

    slug: ClassVar[str] = "carry-over-not-measurable"
    status: ClassVar[int] = 409


class PredictFromBaseline:
    """Use case of ``predict_baseline``; the prediction set's id follows from the job's."""

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        delta_reader: DeltaReader,
        artifacts: ArtifactStore,
        executor: Executor,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._delta_reader = delta_reader
        self._artifacts = artifacts
        self._executor = executor

    async def __call__(self, claim: JobClaim) -> None:
        """Read the frozen data, predict, write the set."""
        request = PredictBaseline.read(claim.payload, operation=claim.operation)
        async with self._unit_of_work() as work:
            frozen = await EvaluationSetStore(work.session).get(request.evaluation_set_id)
        gained = await self._delta_reader.read(frozen)
        table = await self._predict(request, frozen, gained)
        if not len(table.pairs):
            raise NothingPredictedError(
                f"The baseline {request.method} says nothing about the {len(gained.delta.accessions)} proteins of "
                f"evaluation set {frozen.id}; load what it reads first."
            )
        await self._keep(claim, request, frozen, _Named(table, gained))

    async def _predict(self, request: PredictBaseline, frozen: EvaluationSet, gained: GainedTerms) -> PredictionTable:
        compute: Callable[[], PredictionTable]
        match request.method:
            case "naive":
                compute = partial(_naive, gained)
            case "alignment":
                compute = await self._aligned(request, frozen, gained)
            case "interpro":
                compute = partial(_listed, await self._signatures(request, gained), gained)
            case "carry_over":
                compute = partial(_listed, await self._electronic(frozen, gained), gained)
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)

    async def _aligned(
        self, request: PredictBaseline, frozen: EvaluationSet, gained: GainedTerms
    ) -> Callable[[], PredictionTable]:
        codes = EXPERIMENTAL_CODES if request.donors == "experimental" else _ALL_CODES
        async with self._unit_of_work() as work:
            rows = await AnnotationStore(work.session).rows(frozen.old_annotation_set_id, codes=codes)
        assert request.hits_uri is not None  # noqa: S101 - the contract asks for it with this method
        content = await self._artifacts.get(request.hits_uri.removeprefix(_ARTIFACT_SCHEME))
        return partial(_transfer, content, rows, codes, gained)

    async def _signatures(self, request: PredictBaseline, gained: GainedTerms) -> list[tuple[str, str]]:
        assert request.source_version is not None  # noqa: S101 - the contract asks for it with this method
        async with self._unit_of_work() as work:
            return await BaselineStore(work.session).signature_terms(
                gained.delta.accessions, source_version=request.source_version
            )

    async def _electronic(self, frozen: EvaluationSet, gained: GainedTerms) -> list[tuple[str, str]]:
        """Read what was annotated electronically at t0, unless its dates cannot be believed."""
        async with self._unit_of_work() as work:
            store = BaselineStore(work.session)
            counts = await store.count_electronic(frozen.old_annotation_set_id, frozen.new_annotation_set_id)
            terms = await store.electronic_terms(frozen.old_annotation_set_id, gained.delta.accessions)
        if counts.cut_at is not None and counts.at_t0 < _LEAST_SHARE * counts.at_t1:
            raise CarryOverNotMeasurableError(
                f"The annotations of t0 were cut out of a later file at {counts.cut_at}, and hold {counts.at_t0} "
                f"electronic ones of {counts.at_t1}: their dates are re-stamped with each release, so what was known "
                "then cannot be told. Load the release of that time instead."
            )
        return terms

    async def _keep(self, claim: JobClaim, request: PredictBaseline, frozen: EvaluationSet, predicted: _Named) -> None:
        """Write the set part by part; the guard comes last, for rows by the million are copied while it would hold."""
        new = NewBaseline(
            id=uuid5(claim.job_id, "prediction_set"),
            annotation_set_id=frozen.old_annotation_set_id,
            ontology_snapshot_id=frozen.ontology.id,
            prediction_count=len(predicted),
            meta={"baseline": request.method, **request.model_dump(mode="json", exclude={"method"})},
        )
        result = {"prediction_set_id": str(new.id), "method": request.method, "prediction_count": len(predicted)}
        async with self._unit_of_work() as work:
            store = BaselineStore(work.session)
            await store.add(new, job_id=claim.job_id)
            ids = await store.term_ids(new.ontology_snapshot_id)
            for first in range(0, len(predicted), _ROWS_AT_ONCE):
                await store.copy(new.id, predicted.rows(first, first + _ROWS_AT_ONCE, ids))
                await self._report(claim, current=min(first + _ROWS_AT_ONCE, len(predicted)), total=len(predicted))
            await finish_job(work, claim, result=result)

    async def _report(self, claim: JobClaim, *, current: int, total: int) -> None:
        async with self._unit_of_work() as work:
            await report_progress(work, claim.job_id, current=current, total=total)


@dataclass(frozen=True, slots=True)
class _Named:
    """Predictions as rows to be stored."""

    table: PredictionTable
    gained: GainedTerms

    def __len__(self) -> int:
        return len(self.table.pairs)

    def rows(self, first: int, last: int, ids: Mapping[str, int]) -> Iterator[tuple[str, int, float]]:
        """Give protein, term's id and score of the pairs from ``first`` to before ``last``."""
        accessions, go_ids, pairs = self.gained.delta.accessions, self.gained.graph.go_ids, self.table.pairs
        columns = (pairs.proteins, pairs.terms, self.table.scores)
        for protein, term, score in zip(*(column[first:last].tolist() for column in columns), strict=True):
            yield accessions[protein], ids[go_ids[term]], score


def _naive(gained: GainedTerms) -> PredictionTable:
    known = propagate_terms(known_pairs(gained.old, gained.graph, live_ids=gained.live_ids), gained.graph)
    return naive(known, gained.delta.accessions, gained.graph)


def _transfer(
    content: bytes, rows: list[tuple[str, str, str, str | None]], codes: frozenset[str], gained: GainedTerms
) -> PredictionTable:
    table = AnnotationTable.from_rows(rows, codes=codes)
    known = propagate_terms(known_pairs(table, gained.graph, live_ids=gained.live_ids), gained.graph)
    targets = gained.delta.accessions
    hits = read_hits(read_text_lines([content], max_decompressed_bytes=_MOST_BYTES), frozenset(targets))
    return transfer_by_alignment(hits, sorted(table.accessions), known, targets, gained.graph)


def _listed(pairs: list[tuple[str, str]], gained: GainedTerms) -> PredictionTable:
    position_of = {accession: position for position, accession in enumerate(gained.delta.accessions)}
    proteins = np.array([position_of[accession] for accession, _ in pairs], dtype=np.int32)
    terms = rows_of_terms([go_id for _, go_id in pairs], gained.graph, gained.live_ids)
    is_known = terms != UNKNOWN_ROW
    return listed_terms(proteins[is_known], terms[is_known], gained.graph)
