"""Candidates of queries with their features, for serving and for datasets alike."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from protea_common.operations import PredictGoTerms
from protea_predictor.domain.features.frame import FeatureFrame
from protea_predictor.domain.prediction import Prediction, PredictionRecipe, Queries, predict_terms
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceVersion
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.feature_sources import FeatureReader
from protea_predictor.usecases.ontologies import Ontologies
from protea_predictor.usecases.references import ReferenceBanks, selection_of

__all__ = ["CandidateMaker", "MadeCandidates"]


@dataclass(frozen=True, slots=True, eq=False)
class MadeCandidates:
    """A prediction, the features of what it keeps, and all that its rows are made of."""

    prediction: Prediction
    frame: FeatureFrame
    queries: Queries
    bank: ReferenceBank
    ontology: StoredOntology


class CandidateMaker:
    """Searches, transfers and computes features, in that order, the same for every caller.

    Parameters
    ----------
    ontologies, banks
        What the queries are compared with.
    features
        What features are computed from beside them.
    executor
        Threads that compute.
    """

    def __init__(
        self, *, ontologies: Ontologies, banks: ReferenceBanks, features: FeatureReader, executor: Executor
    ) -> None:
        self._ontologies = ontologies
        self._banks = banks
        self._features = features
        self._executor = executor

    async def make(
        self, request: PredictGoTerms, version: ReferenceVersion, queries: Queries, recipe: PredictionRecipe
    ) -> MadeCandidates:
        """Make the candidates of queries."""
        ontology = await self._ontologies.get(request.ontology_snapshot_id)
        references = await self._banks.get(selection_of(request), version, ontology)
        sources = await self._features.read(request, queries, bank=references.bank, ontology=ontology)
        pools = references.aspect_pools if request.aspect_separated_knn else references.shared_pool
        predict = partial(predict_terms, queries, references.bank, pools, ontology, recipe, sources=sources)
        prediction = await asyncio.get_running_loop().run_in_executor(self._executor, predict)
        frame = prediction.frame.take(prediction.kept)
        return MadeCandidates(prediction, frame, queries, references.bank, ontology)
