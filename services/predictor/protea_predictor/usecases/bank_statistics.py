"""What is made of a whole bank for the features that speak from known terms: made once, when it is first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.carried_terms import CarriedTerms
from protea_predictor.domain.features.association import Associations, KnownAssociations, associate
from protea_predictor.domain.features.own_annotations import OwnAnnotations
from protea_predictor.domain.features.profile import ProfileVotes, ReferenceProfiles, vote_by_profile
from protea_predictor.domain.features.species import SpeciesPriors
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
        self._profiles = RecentlyUsed[str, ReferenceProfiles](capacity=1)
        self._associations = RecentlyUsed[str, Associations](capacity=1)
        self._species = RecentlyUsed[str, SpeciesPriors](capacity=1)
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

    async def species(self, executor: Executor) -> SpeciesPriors:
        """Count the terms of the references of each species."""
        make = partial(SpeciesPriors.build, self.carried, self._proteins.taxon_ids)
        return await self._species.get("species", partial(_run, executor, make))


async def _run(executor: Executor, compute: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, compute)
