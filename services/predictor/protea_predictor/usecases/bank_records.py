"""What an annotation set records beside the terms of references: when they got them, and what links proteins."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import date, timedelta
from functools import partial

from protea_common.db import UnitOfWork
from protea_common.operations import PredictGoTerms
from protea_common.snapshot_dates import read_snapshot_dates
from protea_predictor.adapters.storage import KnowledgeStore, LinkStore
from protea_predictor.domain.features.gains import TermGains
from protea_predictor.domain.features.links import LinkVotes, StatedLinks
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.reference_bank import ReferenceProteins
from protea_predictor.domain.reranking.knowledge import known_pairs
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.bank_statistics import BankStatistics

__all__ = ["BankRecords"]

_YEAR = timedelta(days=365)


class BankRecords:
    """Reads records of the annotation set of a request.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    executor
        Threads on which statistics are made.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], executor: Executor) -> None:
        self._unit_of_work = unit_of_work
        self._executor = executor

    async def gains(
        self,
        request: PredictGoTerms,
        statistics: BankStatistics,
        *,
        proteins: ReferenceProteins,
        ontology: StoredOntology,
    ) -> TermGains:
        """Count what references gained in the last year that the set knows; nothing where its time is not known."""
        read = partial(self._known_a_year_ago, request, proteins=proteins, ontology=ontology)
        return await statistics.gains(self._executor, read)

    async def vote_by_links(
        self, request: PredictGoTerms, statistics: BankStatistics, accessions: tuple[str, ...]
    ) -> LinkVotes:
        """Let the references that the set links with each query vote."""
        read = partial(self._stated_links, request)
        return await statistics.vote_by_links(self._executor, accessions, read)

    async def _last_day(self, request: PredictGoTerms) -> date | None:
        """Give the last day of which the donors may know something."""
        async with self._unit_of_work() as work:
            first_unknown = (await read_snapshot_dates(work.session, request.annotation_set_id)).known_until
        days = [request.donor_policy.annotated_until, None if first_unknown is None else first_unknown - timedelta(1)]
        return min((day for day in days if day is not None), default=None)

    async def _known_a_year_ago(
        self, request: PredictGoTerms, *, proteins: ReferenceProteins, ontology: StoredOntology
    ) -> TermLists | None:
        last_day = await self._last_day(request)
        if last_day is None:
            return None
        async with self._unit_of_work() as work:
            stated = await KnowledgeStore(work.session).of_references(
                request.annotation_set_id, proteins, ontology=ontology, until=last_day - _YEAR
            )
        known = known_pairs(stated, ontology.graph)
        return TermLists.of_pairs(known.query_row, known.term_row, n_terms=len(ontology.graph.go_ids))

    async def _stated_links(self, request: PredictGoTerms) -> StatedLinks:
        async with self._unit_of_work() as work:
            return await LinkStore(work.session).of_set(
                request.annotation_set_id, until=request.donor_policy.annotated_until
            )
