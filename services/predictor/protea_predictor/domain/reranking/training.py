"""Training a booster: trees are added until the selection window stops improving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np
from lightgbm.callback import CallbackEnv

from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.parameters import Objective, TrainingParameters
from protea_predictor.domain.reranking.rows import LearningRows
from protea_predictor.domain.reranking.score_map import IDENTITY, ScoreMap, fit_score_map

__all__ = ["TrainedReranker", "train_booster"]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedReranker:
    """A booster as it was when the selection window was best.

    Attributes
    ----------
    booster
        Its trees up to the best round.
    score_map
        From its outputs to scores.
    best_round
        Trees kept.
    rounds
        Trees grown.
    stopping_value
        The stopping measure at the best round.
    importance
        Gain of each column, as shares that add up to 1.
    """

    booster: Booster
    score_map: ScoreMap
    best_round: int
    rounds: int
    stopping_value: float
    importance: Mapping[str, float]


def train_booster(
    training: LearningRows,
    selection: LearningRows,
    *,
    columns: Sequence[str],
    categories: Sequence[str],
    parameters: TrainingParameters,
    is_weighted: bool = True,
    on_round: Callable[[int], None] = lambda _: None,
) -> TrainedReranker:
    """Train a booster and stop it by the selection window, which it learns nothing else from.

    Parameters
    ----------
    training
        What trees are grown from.
    selection
        What decides how many trees are kept, and fits the map of a ranking booster's outputs.
    columns
        Names of the features, in the order of the matrices.
    categories
        Those of them that are codes and not numbers.
    parameters
        How to train.
    is_weighted
        Whether rows weigh as much as their terms say, or all the same.
    on_round
        Called after each round with its number, from 1; what it raises ends the training.

    Raises
    ------
    TrainingDataError
        If either has only true or only false rows, or a protein has too many.
    UninformativeRerankerError
        If a ranking booster's outputs say nothing about the selection window.
    """
    training.require_teachable("training window")
    selection.require_teachable("selection window")
    if not is_weighted:
        training, selection = training.weighing_alike(), selection.weighing_alike()
    learned = _dataset(training, columns, categories, parameters)
    judged = _dataset(selection, columns, categories, parameters, reference=learned)
    rounds = 0

    def count(environment: CallbackEnv) -> None:
        nonlocal rounds
        rounds = environment.iteration + 1
        on_round(rounds)

    trained = lightgbm.train(
        parameters.for_lightgbm(),
        learned,
        num_boost_round=parameters.max_rounds,
        valid_sets=[judged],
        valid_names=["selection"],
        callbacks=[
            count,
            lightgbm.early_stopping(parameters.early_stopping_rounds, first_metric_only=True, verbose=False),
        ],
    )
    best_round = trained.best_iteration or rounds
    booster = Booster.read(trained.model_to_string(num_iteration=best_round))
    return TrainedReranker(
        booster=booster,
        score_map=_score_map(booster, selection, parameters.objective),
        best_round=best_round,
        rounds=rounds,
        stopping_value=float(next(iter(trained.best_score["selection"].values()))),
        importance=_importance(trained, columns, best_round),
    )


def _dataset(
    rows: LearningRows,
    columns: Sequence[str],
    categories: Sequence[str],
    parameters: TrainingParameters,
    *,
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        rows.features,
        label=rows.labels.astype(np.float32),
        weight=_weights(rows),
        group=rows.group_sizes if parameters.objective is Objective.LAMBDARANK else None,
        feature_name=list(columns),
        categorical_feature=list(categories),
        reference=reference,
        params=parameters.for_lightgbm(),
        free_raw_data=True,
    )


def _weights(rows: LearningRows) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Information accretion of all candidates that a row stands for, brought to a mean of 1 for each of these.

    So the regularisation means the same everywhere.
    """
    mean = float(np.average(rows.weights, weights=rows.multiplicities))
    scaled: np.ndarray[tuple[int], np.dtype[np.float32]] = rows.multiplicities * (
        rows.weights / np.float32(mean) if mean > 0 else np.ones_like(rows.weights)
    )
    return scaled


def _score_map(booster: Booster, selection: LearningRows, objective: Objective) -> ScoreMap:
    match objective:
        case Objective.BINARY:
            return IDENTITY
        case Objective.LAMBDARANK:
            outputs = booster.predict(selection.features)
            return fit_score_map(outputs, selection.labels, multiplicities=selection.multiplicities)


def _importance(trained: lightgbm.Booster, columns: Sequence[str], best_round: int) -> dict[str, float]:
    gains = np.asarray(trained.feature_importance("gain", iteration=best_round), dtype=np.float64)
    shares = gains / (gains.sum() or 1.0)
    return dict(zip(columns, shares.tolist(), strict=True))
