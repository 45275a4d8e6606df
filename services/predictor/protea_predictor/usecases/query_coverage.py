"""Signals that need something given of the queries: refused before anything is predicted where no query has it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.scoring import ScoringRecipe, Signal
from protea_common.operations import PredictGoTerms
from protea_predictor.adapters.storage import InterProStore, QueryFactStore
from protea_predictor.usecases.feature_requests import FeatureSourceMissingError

__all__ = ["require_query_facts"]


async def require_query_facts(session: AsyncSession, request: PredictGoTerms, recipe: ScoringRecipe) -> None:
    """Refuse a recipe that weighs what no query of the set has; of one query in a set that is no error.

    Raises
    ------
    FeatureSourceMissingError
        Saying what to give.
    """
    weighed, query_set_id = set(recipe.signals_read), request.query_set_id
    if Signal.TAXONOMIC_PROXIMITY in weighed and not await QueryFactStore(session).any_taxon(query_set_id):
        raise FeatureSourceMissingError(
            "The recipe weighs taxonomic_proximity, and no query has a taxon; send the sequences with OX=<taxon> in "
            "their headers, or choose a recipe without it."
        )
    release = request.interpro_release
    if Signal.INTERPRO_SCORE in weighed and not await InterProStore(session).any_hit(query_set_id, ipr_release=release):
        raise FeatureSourceMissingError(
            "The recipe weighs interpro_score, and no query has InterPro results; load them (protea load interproscan "
            "RESULTS.tsv), or choose a recipe without it."
        )
