"""Re-ranking: which re-rankers a job uses is settled once, and their scores are computed batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_common.operations import PredictGoTerms
from protea_predictor.domain.hierarchy import raise_parents
from protea_predictor.domain.prediction import Prediction
from protea_predictor.domain.reranking.errors import SchemaMismatchError
from protea_predictor.domain.reranking.reranker import (
    Reranker,
    require_distinct_cells,
    require_recipe,
    require_schema,
    rerank_scores,
)
from protea_predictor.domain.stored_ontology import StoredOntology
from protea_predictor.usecases.feature_requests import FAMILY_CHOICES
from protea_predictor.usecases.rerankers import Rerankers

__all__ = ["Reranking", "RerankingPlan"]


@dataclass(frozen=True, slots=True)
class RerankingPlan:
    """Which re-rankers a job uses.

    Attributes
    ----------
    reranker_ids
        Those that are used; none where the order of the neighbours stays.
    receipt
        What the prediction set says of it.
    mismatch
        Why re-rankers that were asked for are not used; ``None`` where they are.
    """

    reranker_ids: tuple[UUID, ...]
    receipt: dict[str, Any] | None
    mismatch: str | None


class Reranking:
    """Chooses re-rankers and applies them.

    Parameters
    ----------
    rerankers
        Re-rankers in memory.
    executor
        Threads that score.
    """

    def __init__(self, *, rerankers: Rerankers, executor: Executor) -> None:
        self._rerankers = rerankers
        self._executor = executor

    async def plan(self, request: PredictGoTerms, *, families: Collection[str]) -> RerankingPlan:
        """Settle which re-rankers a job uses, before anything is predicted.

        Parameters
        ----------
        families
            Features that the request computes.

        Raises
        ------
        SchemaMismatchError
            If one reads other features, or coordinates of another recipe's vectors, unless the request says to go on
            without re-ranking.
        AmbiguousRerankersError
            If two are for the same candidates.
        NotFoundError, ArtifactNotFoundError, RerankerDamagedError, InvalidBoosterError
            If one cannot be used at all.
        """
        if not request.reranker_model_ids:
            return RerankingPlan((), None, None)
        rerankers = await self._rerankers.get(request.reranker_model_ids)
        require_distinct_cells(rerankers)
        try:
            for reranker in rerankers:
                require_schema(reranker, families=families, choices=FAMILY_CHOICES)
                require_recipe(reranker, request.embedding_config_id)
        except SchemaMismatchError as exc:
            if request.on_schema_mismatch == "fail":
                raise
            return RerankingPlan((), _receipt(rerankers, request.reranker_share, mismatch=str(exc)), str(exc))
        receipt = _receipt(rerankers, request.reranker_share, mismatch=None)
        return RerankingPlan(tuple(each.id for each in rerankers), receipt, None)

    async def apply(
        self,
        prediction: Prediction,
        reranker_ids: Sequence[UUID],
        *,
        categories: NDArray[np.int8],
        ontology: StoredOntology,
        share: float,
    ) -> Prediction:
        """Score a prediction anew; the scores agree with the ontology again.

        Parameters
        ----------
        categories
            How much is known of each query in each aspect, as `categories_of` gives it, shape ``(n_queries, 3)``.
        share
            How much of a score the booster says.
        """
        if not reranker_ids:
            return prediction
        rerankers = await self._rerankers.get(reranker_ids)
        for reranker in rerankers:
            require_schema(reranker, families=prediction.frame.families)
        rerank = partial(_reranked, prediction, rerankers, categories, ontology, share=share)
        return await asyncio.get_running_loop().run_in_executor(self._executor, rerank)


def _reranked(
    prediction: Prediction,
    rerankers: Sequence[Reranker],
    categories: NDArray[np.int8],
    ontology: StoredOntology,
    *,
    share: float,
) -> Prediction:
    graph, candidates = ontology.graph, prediction.candidates
    aspects = graph.aspects[candidates.term_row]
    scores = rerank_scores(
        prediction.scores,
        prediction.frame,
        categories=categories[candidates.query_row, aspects],
        aspects=aspects,
        rerankers=rerankers,
        share=share,
    )
    return _agreeing(prediction, scores, graph, is_root=ontology.is_root)


def _agreeing(prediction: Prediction, scores: Any, graph: GoGraph, *, is_root: Any) -> Prediction:
    candidates = prediction.candidates
    raised = raise_parents(candidates.query_row, candidates.term_row, scores, graph)
    kept = np.flatnonzero((raised > 0) & ~is_root[candidates.term_row])
    return replace(prediction, scores=raised, kept=kept)


def _receipt(rerankers: Sequence[Reranker], share: float, *, mismatch: str | None) -> dict[str, Any]:
    """Say what scored; receipts of before a booster could have a share say nothing of it either."""
    return {
        "status": "applied" if mismatch is None else "kept_knn_order",
        **({} if share == 1.0 else {"share": share}),
        "mismatch": mismatch,
        "models": [
            {
                "id": str(each.id),
                "name": each.name,
                "cell": each.cell.name,
                "model_sha256": each.booster.sha256,
                "schema_sha_v2": each.schema_sha_v2,
            }
            for each in rerankers
        ],
    }
