"""Boosters that are trained in a moment, for tests that need some booster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.parameters import Objective, TrainingParameters
from protea_predictor.domain.reranking.rows import LearningRows
from protea_predictor.domain.reranking.training import train_booster

__all__ = ["small_booster"]


def small_booster(
    columns: Sequence[str], *, categories: Sequence[str] = (), objective: Objective = Objective.BINARY
) -> Booster:
    """Train a few small trees for which every column matters, and more so the earlier ones matter less."""
    rng = np.random.default_rng(11)
    features = rng.normal(size=(2_000, len(columns))).astype(np.float32)
    for position, name in enumerate(columns):
        if name in categories:
            features[:, position] = rng.integers(0, 4, size=len(features))
    strength = np.arange(1, len(columns) + 1)
    signs = np.where(features > 0.5, 1.0, -1.0)
    labels = (signs * strength).sum(axis=1) + rng.normal(size=len(features)) > 0
    rows = LearningRows(
        features,
        labels,
        np.ones(len(features), np.float32),
        np.arange(len(features)) // 50,
        np.ones(len(features), np.float32),
    )
    parameters = TrainingParameters(objective=objective, max_rounds=5, num_leaves=6, min_data_in_leaf=5)
    return train_booster(rows, rows, columns=columns, categories=categories, parameters=parameters).booster
