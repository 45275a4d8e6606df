"""What is measured on what, whether it may be, and whether the predictions can know the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.temporal import TemporalProtocolError, WindowRole
from protea_common.errors import PermanentError
from protea_common.operations import RunCafaEvaluation
from protea_common.orm import PredictionSetStatus
from protea_common.snapshot_dates import read_mapping_day, read_snapshot_dates
from protea_evaluator.adapters.storage import EvaluationSet, EvaluationSetStore, PredictionSet, PredictionStore

__all__ = ["EvaluationTask", "Leak", "OntologyMismatchError", "PredictionSetIncompleteError", "read_task"]


class PredictionSetIncompleteError(PermanentError):
    """The prediction set does not hold all of its predictions."""

    slug: ClassVar[str] = "prediction-set-incomplete"


class OntologyMismatchError(PermanentError):
    """The predictions and the ground truth are of different releases of the Gene Ontology."""

    slug: ClassVar[str] = "ontology-mismatch"


@dataclass(frozen=True, slots=True)
class Leak:
    """A way in which predictions may know the answers: the event that warns of it, and its words."""

    event: str
    message: str


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """What is measured on what.

    Attributes
    ----------
    leaks
        Ways in which the predictions may know the answers. They are measured all the same: measuring a set on itself is
        how a pipeline is checked.
    """

    evaluation_set: EvaluationSet
    prediction_set: PredictionSet
    leaks: tuple[Leak, ...]


async def read_task(session: AsyncSession, request: RunCafaEvaluation) -> EvaluationTask:
    """Read what is to be measured, and on what.

    Raises
    ------
    EvaluationSetNotFoundError, PredictionSetNotFoundError
        If one is not there.
    PredictionSetIncompleteError, OntologyMismatchError
        If the predictions cannot be measured, or not on this ground truth.
    TemporalProtocolError
        If something is to be selected on a test window.
    """
    evaluation_set = await EvaluationSetStore(session).get(request.evaluation_set_id)
    prediction_set = await PredictionStore(session).get(request.prediction_set_id)
    _require_complete(prediction_set)
    _require_one_ontology(evaluation_set, prediction_set)
    _require_purpose(evaluation_set, request)
    has_later_mapping = await _has_later_mapping(session, evaluation_set, prediction_set)
    leaks = _leaks(evaluation_set, prediction_set, has_later_mapping=has_later_mapping)
    return EvaluationTask(evaluation_set, prediction_set, tuple(leaks))


def _leaks(evaluation_set: EvaluationSet, prediction_set: PredictionSet, *, has_later_mapping: bool) -> Iterator[Leak]:
    if prediction_set.annotation_set_id != evaluation_set.old_annotation_set_id:
        yield Leak(
            "evaluation.not_from_t0",
            "The predictions were not transferred from the annotations known at t0, so they may know the answers; "
            "predict with the old annotation set of this evaluation.",
        )
    if has_later_mapping:
        yield Leak(
            "evaluation.mapping_not_from_t0",
            f"The predictions read the InterPro2GO mapping {prediction_set.mapping}, which is not known to be of "
            "before t0, so they may know the answers; predict with an earlier release, or load it again with "
            "released_on.",
        )


async def _has_later_mapping(
    session: AsyncSession, evaluation_set: EvaluationSet, prediction_set: PredictionSet
) -> bool:
    """Tell whether predictions read a mapping that is not known to be of before t0."""
    if prediction_set.mapping is None:
        return False
    released_on = await read_mapping_day(session, prediction_set.mapping)
    begins = (await read_snapshot_dates(session, evaluation_set.old_annotation_set_id)).begins
    return released_on is None or begins is None or released_on >= begins


def _require_complete(prediction_set: PredictionSet) -> None:
    match prediction_set.status:
        case PredictionSetStatus.COMPLETE:
            return
        case PredictionSetStatus.GENERATING:
            advice = "wait until its job has ended"
        case PredictionSetStatus.ABANDONED:
            advice = "its job did not succeed, so predict again"
    raise PredictionSetIncompleteError(
        f"The prediction set {prediction_set.id} is {prediction_set.status}, and only a complete one can be measured: "
        f"{advice}."
    )


def _require_one_ontology(evaluation_set: EvaluationSet, prediction_set: PredictionSet) -> None:
    """Let predictions be of the pivot, or of a release that is mapped onto it."""
    truth, predicted = evaluation_set.ontology, prediction_set.ontology
    if predicted.id not in {truth.id, *evaluation_set.native_ontology_ids}:
        raise OntologyMismatchError(
            f"The evaluation set {evaluation_set.id} is of the ontology {truth.version}, the prediction set "
            f"{prediction_set.id} of {predicted.version}: predict with the ontology of the evaluation set."
        )


def _require_purpose(evaluation_set: EvaluationSet, request: RunCafaEvaluation) -> None:
    if request.purpose == "select" and evaluation_set.window_role == WindowRole.TEST:
        raise TemporalProtocolError(
            f"The evaluation set {evaluation_set.id} is a test window: nothing may be selected on it. Measure on an "
            "evaluation set of the role valid, or for the purpose report."
        )
