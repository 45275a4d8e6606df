"""What is made of a whole bank for the features that speak from known terms: made once, when it is first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.carried_terms import CarriedTerms, is_root, pick_entries
from protea_predictor.domain.features.association import Associations, KnownAssociations, associate
from protea_predictor.domain.features.gains import TermGains
from protea_predictor.domain.features.links import (
    Interactions,
    LinkVotes,
    Publications,
    StatedLinks,
    vote_by_links,
)
from protea_predictor.domain.features.own_annotations import OwnAnnotations
from protea_predictor.domain.features.profile import ProfileVotes, ReferenceProfiles, vote_by_profile
from protea_predictor.domain.features.species import SpeciesPriors
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.reference_bank import ReferenceBank
from protea_predictor.usecases.recently_used import RecentlyUsed

__all__ = ["BankStatistics", "KnownOfQueries"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class KnownOfQueries:
    """What the annotation set says of queries.

    Attributes
    ----------
    accessions
        The queries.
    own
        Their annotations.
    accretion
        Information accretion of each term, in bits; one annotation set, which is the bank's, has one.
    graph
        The ontology.
    """

    accessions: tuple[str, ...]
    own: OwnAnnotations
    accretion: NDArray[np.float64]
    graph: GoGraph


class BankStatistics:
    """Terms of an open bank, and what is counted over all its references.

    Parameters
    ----------
    bank
        The bank.
    graph
        The ontology of its annotations.
    """

    def __init__(self, bank: ReferenceBank, graph: GoGraph) -> None:
        self._proteins = bank.proteins
        self._graph = graph
        self._profiles = RecentlyUsed[str, ReferenceProfiles](capacity=1)
        self._associations = RecentlyUsed[str, Associations](capacity=1)
        self._species = RecentlyUsed[str, SpeciesPriors](capacity=1)
        self._gains = RecentlyUsed[str, TermGains](capacity=1)
        self._links = RecentlyUsed[str, tuple[Interactions, Publications]](capacity=1)
        self.carried = CarriedTerms.build(bank.annotations, graph)

    async def vote_by_profile(self, known: KnownOfQueries, executor: Executor) -> ProfileVotes:
        """Let the references most like each query vote; a query's own row never does."""
        make = partial(ReferenceProfiles.build, self.carried, known.accretion)
        profiles = await self._profiles.get("profiles", partial(_run, executor, make))
        vote = partial(
            vote_by_profile,
            profiles,
            every=known.own.stated.propagated(known.graph),
            experimental=known.own.known.propagated(known.graph),
            own_rows=self._proteins.rows_of(known.accessions),
        )
        return await _run(executor, vote)

    async def associate(self, known: KnownOfQueries, executor: Executor) -> KnownAssociations:
        """Tell what goes with the known terms of each query."""
        make = partial(Associations.build, self.carried.experimental)
        associations = await self._associations.get("associations", partial(_run, executor, make))
        terms, n_queries = known.own.known.propagated(known.graph), len(known.accessions)
        return await _run(executor, partial(associate, associations, terms, known.accretion, n_queries=n_queries))

    async def gains(self, executor: Executor, read_before: Callable[[], Awaitable[TermLists | None]]) -> TermGains:
        """Count what experiments gave the references since a day; ``read_before`` reads what they had."""
        return await self._gains.get("gains", partial(self._count_gains, executor, read_before))

    async def vote_by_links(
        self, executor: Executor, accessions: tuple[str, ...], read: Callable[[], Awaitable[StatedLinks]]
    ) -> LinkVotes:
        """Let the references that are linked with each query vote; ``read`` reads the links of all proteins."""
        interactions, publications = await self._links.get("links", partial(self._gather_links, executor, read))

        def vote() -> LinkVotes:
            own_rows = self._proteins.rows_of(accessions)
            return LinkVotes(
                interactions=vote_by_links(interactions.of(accessions), self.carried),
                publications=vote_by_links(publications.of(accessions, own_rows), self.carried),
            )

        return await _run(executor, vote)

    async def _count_gains(
        self, executor: Executor, read_before: Callable[[], Awaitable[TermLists | None]]
    ) -> TermGains:
        direct = await read_before()
        if direct is None:
            return TermGains(())

        def count() -> TermGains:
            everything = direct.propagated(self._graph).matrix(n_queries=len(self._proteins))
            before = pick_entries(everything, ~is_root(self._graph)[everything.indices])
            after, aspects = self.carried.experimental, self.carried.aspects
            return TermGains.build(before=before, after=after, aspects=aspects, taxa=self._proteins.taxon_ids)

        return await _run(executor, count)

    async def _gather_links(
        self, executor: Executor, read: Callable[[], Awaitable[StatedLinks]]
    ) -> tuple[Interactions, Publications]:
        stated = await read()
        interactions = await _run(executor, partial(Interactions.build, stated.interactions, self._proteins))
        return interactions, await _run(executor, partial(Publications.build, stated.publications, self._proteins))

    async def species(self, executor: Executor) -> SpeciesPriors:
        """Count the terms of the references of each species."""
        make = partial(SpeciesPriors.build, self.carried, self._proteins.taxon_ids)
        return await self._species.get("species", partial(_run, executor, make))


async def _run(executor: Executor, compute: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, compute)
