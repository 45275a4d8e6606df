"""Getting at references: from memory, else from the host's file, else built from the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, ParamSpec, TypeVar

from protea_common.db import UnitOfWork
from protea_common.domain.distance import DistanceMetric
from protea_common.domain.evidence import normalise_evidence_code
from protea_common.domain.ontology import GoGraph
from protea_common.errors import PermanentError
from protea_common.operations import PredictGoTerms
from protea_common.telemetry import MetricRegistry
from protea_predictor.adapters.references import ReferenceCacheError, ReferenceFiles
from protea_predictor.adapters.storage import ReferenceStore, freeze_snapshot
from protea_predictor.domain.annotation_rows import AnnotationRows
from protea_predictor.domain.pools import Pool, build_pools
from protea_predictor.domain.reference_annotations import (
    ReferenceAnnotations,
    build_reference_annotations,
    propagate_annotations,
)
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceSelection, ReferenceVersion, bank_digest
from protea_predictor.domain.search_means import SearchMeans
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.bank_statistics import BankStatistics
from protea_predictor.usecases.pool_indexes import IndexChoice, PoolIndex
from protea_predictor.usecases.recently_used import RecentlyUsed

__all__ = ["OpenBank", "ReferenceBanks", "ReferencesChangedError", "selection_of"]

logger = logging.getLogger(__name__)

_INDEXES_MAX = 2
"""Choices of indexes kept with a bank: each holds its vectors again, in single precision and once per aspect."""

P = ParamSpec("P")
T = TypeVar("T")


class ReferencesChangedError(PermanentError):
    """Reference proteins or their embeddings changed while the job ran; submit it again."""

    slug: ClassVar[str] = "references-changed"
    status: ClassVar[int] = 409


def selection_of(request: PredictGoTerms) -> ReferenceSelection:
    """Say which references a request asks for."""
    policy = request.donor_policy
    return ReferenceSelection(
        embedding_config_id=request.embedding_config_id,
        annotation_set_id=request.annotation_set_id,
        ontology_snapshot_id=request.ontology_snapshot_id,
        votes_reach_ancestors=request.expand_votes_to_ancestors,
        evidence_codes=None if policy.evidence_codes is None else _stored_spellings(policy.evidence_codes),
        reviewed_only=policy.reviewed_only,
        taxon_ids=None if policy.taxon_ids is None else tuple(sorted(set(policy.taxon_ids))),
        excluded_taxon_ids=tuple(sorted(set(policy.excluded_taxon_ids))),
        annotated_until=policy.annotated_until,
    )


def _stored_spellings(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({normalise_evidence_code(code).upper() for code in codes}))


@dataclass(frozen=True, slots=True, eq=False)
class OpenBank:
    """A bank that is mapped into memory, both ways to search it, and what was made for that.

    Attributes
    ----------
    aspect_pools
        One pool per aspect.
    shared_pool
        One pool for all aspects.
    statistics
        Which reference carries which term, and what is counted over all of them.
    indexes
        Indexes over its pools that jobs asked for, the most recent ones.
    means
        What all of it is searched with by the metric that was used last.
    """

    bank: ReferenceBank
    aspect_pools: tuple[Pool, ...]
    shared_pool: tuple[Pool, ...]
    statistics: BankStatistics
    indexes: RecentlyUsed[IndexChoice, tuple[PoolIndex, ...]] = field(
        default_factory=lambda: RecentlyUsed(capacity=_INDEXES_MAX)
    )
    means: RecentlyUsed[DistanceMetric, SearchMeans] = field(default_factory=lambda: RecentlyUsed(capacity=1))

    def pools(self, *, is_aspect_separated: bool) -> tuple[Pool, ...]:
        """Give one pool per aspect, or the shared one."""
        return self.aspect_pools if is_aspect_separated else self.shared_pool


class ReferenceBanks:
    """Banks by digest, opened or built once per process, however many batches ask.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    files
        The host's cache of banks.
    executor
        Threads on which files are read and annotations propagated.
    capacity
        Banks kept open.
    metrics
        Where it is counted how banks were got at.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        files: ReferenceFiles,
        executor: Executor,
        capacity: int,
        metrics: MetricRegistry,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._files = files
        self._executor = executor
        self._metrics = metrics
        self._open = RecentlyUsed[str, OpenBank](capacity=capacity)

    async def get(self, selection: ReferenceSelection, version: ReferenceVersion, ontology: StoredOntology) -> OpenBank:
        """Give the bank of a selection as it was at a version.

        Raises
        ------
        ReferencesChangedError
            If it has to be built and the database does not hold that version any more.
        ReferenceCacheError
            If the cache folder cannot be used.
        """
        digest = bank_digest(selection, version)
        made: list[str] = []

        async def load() -> OpenBank:
            bank, outcome = await self._load(digest, selection, version, ontology)
            made.append(outcome)
            return bank

        bank = await self._open.get(digest, load)
        self._metrics.reference_cache_total.labels(outcome=made[0] if made else "memory").inc()
        return bank

    async def _load(
        self, digest: str, selection: ReferenceSelection, version: ReferenceVersion, ontology: StoredOntology
    ) -> tuple[OpenBank, str]:
        """Open a bank, built first where there is none; say which of the two it was."""
        bank = await self._run(self._files.open, digest)
        outcome = "file" if bank is not None else "built"
        if bank is None:
            await self._build(digest, selection, version, ontology)
            bank = await self._run(self._files.open, digest)
        if bank is None:
            raise ReferenceCacheError(
                f"The reference bank {digest} was gone or damaged as soon as it was written; check the cache folder, "
                "PROTEA_PREDICTOR__CACHE_DIR."
            )
        return await self._run(_opened, bank, ontology.graph), outcome

    async def _build(
        self, digest: str, selection: ReferenceSelection, version: ReferenceVersion, ontology: StoredOntology
    ) -> None:
        with ExitStack() as stack:
            async with self._unit_of_work() as work:
                await freeze_snapshot(work.session)
                store = ReferenceStore(work.session)
                await _require_unchanged(store, selection, version)
                proteins = await store.proteins(selection, version)
                rows = await store.annotations(selection, version, proteins=proteins, ontology=ontology)
                writer = await self._run(self._files.begin, digest, proteins, dimension=version.dimension)
                stack.enter_context(writer)
                await store.read_vectors(selection, version, writer.put)
            annotations = await self._run(_gathered, rows, selection, ontology.graph, n_references=len(proteins))
            await self._run(writer.commit, annotations)
        logger.info("reference bank built", extra={"digest": digest, "references": len(proteins)})

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        # With the current context, so that a log line from the thread has the trace of the batch.
        return await loop.run_in_executor(self._executor, partial(copy_context().run, function, *args, **kwargs))


async def _require_unchanged(store: ReferenceStore, selection: ReferenceSelection, version: ReferenceVersion) -> None:
    if await store.version(selection, newest_embedding_id=version.newest_embedding_id) != version:
        raise ReferencesChangedError(
            "Reference proteins were loaded or embedded again while the job ran, so its batches would not agree; "
            "submit the job again."
        )


def _gathered(
    rows: AnnotationRows, selection: ReferenceSelection, graph: GoGraph, *, n_references: int
) -> ReferenceAnnotations:
    direct = build_reference_annotations(rows, n_references=n_references, n_terms=len(graph.go_ids))
    return propagate_annotations(direct, graph) if selection.votes_reach_ancestors else direct


def _opened(bank: ReferenceBank, graph: GoGraph) -> OpenBank:
    return OpenBank(
        bank=bank,
        aspect_pools=build_pools(bank.annotations, graph, is_aspect_separated=True),
        shared_pool=build_pools(bank.annotations, graph, is_aspect_separated=False),
        statistics=BankStatistics(bank, graph),
    )
