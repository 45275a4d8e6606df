"""What a job of ``rescore_predictions`` makes of a stored set, and all the reasons not to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import UnitOfWork
from protea_common.domain.distance import DistanceMetric
from protea_common.domain.scoring import Signal
from protea_common.errors import PermanentError
from protea_common.operations import RescorePredictions
from protea_predictor.adapters.storage import (
    ConfigStore,
    NewPredictionSet,
    PredictionStore,
    ScoringStore,
    StoredPredictions,
    StoredScoring,
    StoredTermStore,
)
from protea_predictor.domain.errors import UncoveredSignalError
from protea_predictor.domain.rescoring import Rescoring, first_unheld
from protea_predictor.domain.scoring import SIGNAL_FAMILIES, signals_needed
from protea_predictor.usecases.calibrations import Calibrations, LoadedCalibration, require_method
from protea_predictor.usecases.feature_requests import FAMILY_CHOICES
from protea_predictor.usecases.plain_predictions import why_not_plain
from protea_predictor.usecases.receipt import method_of, rescored_receipt
from protea_predictor.usecases.similarity import require_similarity

__all__ = [
    "RescoringPlan",
    "RescoringPlanner",
    "UnfitForRescoringError",
    "WantedSet",
    "require_rescorable",
    "rescored_set_id_of",
]


class UnfitForRescoringError(PermanentError):
    """A prediction set cannot be scored anew: its scores are not plain, or what recipes weigh is not stored."""

    slug: ClassVar[str] = "predictions-unfit-for-rescoring"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True, eq=False)
class WantedSet:
    """A set that is to be made."""

    new: NewPredictionSet
    rescoring: Rescoring


@dataclass(frozen=True, slots=True, eq=False)
class RescoringPlan:
    """What is made of a stored set.

    Attributes
    ----------
    source
        The stored set.
    metric
        What its distances are.
    wanted
        New sets, in the order asked for.
    needs_evidence
        Whether recipes weigh what is stored beside scores.
    """

    source: StoredPredictions
    metric: DistanceMetric
    wanted: tuple[WantedSet, ...]
    needs_evidence: bool


class RescoringPlanner:
    """Checks what a job names.

    Parameters
    ----------
    unit_of_work
        Begins a transaction.
    calibrations
        Make probabilities of scores.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], calibrations: Calibrations) -> None:
        self._unit_of_work = unit_of_work
        self._calibrations = calibrations

    async def plan(self, request: RescorePredictions, *, job_id: UUID) -> RescoringPlan:
        """Settle what a job makes, before anything is written.

        Raises
        ------
        NotFoundError
            If the set, a recipe or the calibration is not there.
        UnfitForRescoringError, UncoveredSignalError, SimilarityUndefinedError, CalibrationMismatchError
            If the set does not hold what the new scores come from.
        """
        calibration = await self._calibrations.find(request.calibration_id)
        async with self._unit_of_work() as work:
            source = await PredictionStore(work.session).read(request.prediction_set_id)
            require_rescorable(source, by_recipe=bool(request.scoring_config_ids))
            store = ScoringStore(work.session)
            await store.add_presets()
            recipes = [await store.find(config_id) for config_id in request.scoring_config_ids]
            metric = DistanceMetric(source.receipt["metric"])
            await _require_signals(work.session, source, recipes, metric=metric)
        asked: list[StoredScoring | None] = [*recipes] or [None]
        wanted = [_wanted(request, source, scoring, calibration, job_id=job_id) for scoring in asked]
        return RescoringPlan(source, metric, tuple(wanted), needs_evidence=bool(recipes))


def rescored_set_id_of(job_id: UUID, scoring_config_id: UUID | None) -> UUID:
    """Name the set that a job makes by a recipe: a job that is run again finds the same one."""
    return uuid5(job_id, f"prediction_set:{scoring_config_id or 'as scored'}")


def require_rescorable(source: StoredPredictions, *, by_recipe: bool) -> None:
    """Refuse a set whose scores are not plain or, where recipes score, not all that is needed is stored.

    Raises
    ------
    UnfitForRescoringError
        Saying what is wrong and what to do.
    """
    receipt = source.receipt
    reranking = receipt.get("reranking") or {}
    problems = {
        "holds bare scores (store_evidence was false), which can only be calibrated": (
            by_recipe and not receipt.get("store_evidence", True)
        ),
        "is re-ranked, and can only be calibrated": by_recipe and reranking.get("status") == "applied",
    }
    found = [*why_not_plain(source), *(problem for problem, is_so in problems.items() if is_so)]
    if found:
        raise UnfitForRescoringError(
            f"Prediction set {source.id} {' and '.join(found)}; run predict_go_terms for what you want, or name a "
            "complete set that it made without calibration_id, abstain_below and, for recipes, reranker_model_ids, "
            "with its evidence."
        )


async def _require_signals(
    session: AsyncSession, source: StoredPredictions, recipes: Sequence[StoredScoring], *, metric: DistanceMetric
) -> None:
    """Refuse recipes that weigh what no prediction of the set has, and similarities that its distances do not give."""
    if not recipes:
        return
    if source.embedding_config_id is not None:
        has_unit_vectors = await ConfigStore(session).has_unit_vectors(source.embedding_config_id)
        for scoring in recipes:
            require_similarity(metric, scoring.recipe, has_unit_vectors=has_unit_vectors)
    needed = {name for scoring in recipes for name in signals_needed(scoring.recipe)} | {Signal.EMBEDDING_SIMILARITY}
    store = StoredTermStore(session)
    held = await store.signals_held(source.id, among=filter(partial(_is_computed, source), needed))
    for scoring in recipes:
        unheld = first_unheld(scoring.recipe, held)
        if unheld is not None and await store.any_term(source.id):
            raise UncoveredSignalError(unheld, remedy=_remedy(unheld, scoring))


def _is_computed(source: StoredPredictions, signal: str) -> bool:
    """Tell whether a signal was computed: of one that was not, a look at every row of the set would find nothing."""
    families = source.receipt.get("feature_families")
    family = SIGNAL_FAMILIES.get(Signal(signal))
    return families is None or family is None or family in families


def _remedy(signal: str, scoring: StoredScoring) -> str:
    choice = FAMILY_CHOICES.get(SIGNAL_FAMILIES.get(Signal(signal), ""))
    computed = "" if choice is None else f" and {choice}"
    return f"run predict_go_terms again with scoring_config_id {scoring.id}{computed}"


def _wanted(
    request: RescorePredictions,
    source: StoredPredictions,
    scoring: StoredScoring | None,
    calibration: LoadedCalibration | None,
    *,
    job_id: UUID,
) -> WantedSet:
    meta = rescored_receipt(source, scoring, calibration, abstain_below=request.abstain_below, job_id=job_id)
    if calibration is not None:
        require_method(calibration, method_of(meta))
    new = NewPredictionSet(
        id=rescored_set_id_of(job_id, None if scoring is None else scoring.id),
        embedding_config_id=source.embedding_config_id,
        annotation_set_id=source.annotation_set_id,
        ontology_snapshot_id=source.ontology_snapshot_id,
        query_set_id=source.query_set_id,
        scoring_config_id=source.scoring_config_id if scoring is None else scoring.id,
        job_id=job_id,
        limit_per_entry=source.limit_per_entry,
        distance_threshold=source.distance_threshold,
        meta=meta,
    )
    rescoring = Rescoring(
        recipe=None if scoring is None else scoring.recipe,
        calibration=None if calibration is None else calibration.calibration,
        abstain_below=request.abstain_below,
    )
    return WantedSet(new, rescoring)
