"""Candidates of queries with their features, for serving and for datasets alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from protea_common.operations import PredictGoTerms
from protea_common.telemetry import work_span
from protea_predictor.domain.prediction import (
    Prediction,
    PredictionRecipe,
    Queries,
    find_terms,
    score_terms,
)
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceVersion, bank_digest
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.alignment_channel import AlignmentChannel, QueryAlignments
from protea_predictor.usecases.feature_sources import FeatureReader
from protea_predictor.usecases.ontologies import Ontologies
from protea_predictor.usecases.pair_figures import FigureReader, needs_figures
from protea_predictor.usecases.prepared_references import PreparedReferences
from protea_predictor.usecases.references import OpenBank, ReferenceBanks, selection_of
from protea_predictor.usecases.search_backends import SearchBackends

__all__ = ["CandidateMaker", "MadeCandidates"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class MadeCandidates:
    """A prediction and all that its rows are made of.

    Attributes
    ----------
    categories
        How much is known of each query in each aspect, as `categories_of` gives it, shape ``(n_queries, 3)``.
    """

    prediction: Prediction
    queries: Queries
    bank: ReferenceBank
    ontology: StoredOntology
    categories: NDArray[np.int8]


class CandidateMaker:
    """Searches, transfers and computes features, in that order, the same for every caller.

    Parameters
    ----------
    ontologies, banks
        What the queries are compared with.
    backends, prepared
        Choose what queries are compared with, where not all are, and prepare all where they are.
    alignment
        Finds references by alignment.
    figures
        Aligns queries with their nearest donors.
    features
        What features are computed from beside them.
    executor
        Threads that compute.
    """

    def __init__(
        self,
        *,
        ontologies: Ontologies,
        banks: ReferenceBanks,
        backends: SearchBackends,
        prepared: PreparedReferences,
        alignment: AlignmentChannel,
        figures: FigureReader,
        features: FeatureReader,
        executor: Executor,
    ) -> None:
        self._ontologies = ontologies
        self._banks = banks
        self._backends = backends
        self._prepared = prepared
        self._alignment = alignment
        self._figures = figures
        self._features = features
        self._executor = executor

    async def require(self, request: PredictGoTerms) -> None:
        """Refuse a request for features whose file or mapping is not there, before anything is computed.

        Raises
        ------
        FeatureSourceMissingError
            Saying what to give.
        """
        self._features.require(request)
        await self._features.require_mapping(request)

    async def make(
        self,
        request: PredictGoTerms,
        version: ReferenceVersion,
        queries: Queries,
        recipe: PredictionRecipe,
        *,
        is_aligned: bool,
    ) -> MadeCandidates:
        """Make the candidates of queries.

        Parameters
        ----------
        request, version, queries, recipe
            Who is asked about, what they are compared with, and how.
        is_aligned
            Whether references found by alignment are donors too, as `AlignmentChannel.is_used` said.
        """
        ontology = await self._ontologies.get(request.ontology_snapshot_id)
        references = await self._banks.get(selection_of(request), version, ontology)
        aligned = await self._aligned(request, version, queries, references) if is_aligned else None
        categories = await self._features.categories(request.annotation_set_id, queries.accessions, ontology)
        sources = await self._features.read(
            request, queries, references=references, ontology=ontology, categories=categories
        )
        if aligned is not None:
            sources = replace(sources, self_bit_scores=aligned.self_bit_scores)
        pools = references.pools(is_aspect_separated=request.aspect_separated_knn)
        bank = references.bank
        with work_span("search", {"protea.queries": len(queries.accessions)}):
            chosen = await self._backends.choose(request, references, queries)
            means = await self._prepared.get(references, recipe.metric) if chosen is None else None
            hits = None if aligned is None else aligned.hits
            find = partial(find_terms, queries, bank, pools, ontology, recipe, means=means, chosen=chosen, hits=hits)
            known = sources if request.known_term_candidates else None
            found = await self._run(partial(find, carried=references.statistics.carried, sources=known))
        if needs_figures(request, recipe.scoring):
            sources = replace(sources, alignment=await self._figures.read(found.candidates, queries, bank))
        with work_span("score", {"protea.queries": len(queries.accessions)}):
            score = partial(score_terms, found, queries, bank, ontology, recipe)
            prediction = await self._run(partial(score, sources=sources))
        return MadeCandidates(prediction, queries, bank, ontology, categories)

    async def _aligned(
        self, request: PredictGoTerms, version: ReferenceVersion, queries: Queries, references: OpenBank
    ) -> QueryAlignments:
        digest = bank_digest(selection_of(request), version)
        with work_span("align", {"protea.queries": len(queries.accessions)}):
            return await self._alignment.find(queries, references.bank, request, digest=digest)

    async def _run(self, compute: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, compute)
