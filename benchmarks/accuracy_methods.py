"""The methods that are compared: alignment transfer, a composite of signals, and a re-ranker on top of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from accuracy_rows import CandidateRows, CellName
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_evaluator.domain.knowledge import Category
from protea_predictor.domain.hierarchy import raise_parents
from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.parameters import TrainingParameters
from protea_predictor.domain.reranking.rows import LearningRows, thin_negatives
from protea_predictor.domain.reranking.training import train_booster

__all__ = ["COMPOSITE", "composite_scores", "fit_reranker", "reranked_scores"]

Rows = Mapping[CellName, CandidateRows]

_NK, _LK, _PK = Category.NO_KNOWLEDGE, Category.LIMITED_KNOWLEDGE, Category.PARTIAL_KNOWLEDGE
_MFO, _BPO, _CCO = ASPECTS

_ORDER = (
    "alignment_experimental",
    "alignment_all",
    "alignment_similarity",
    "kmer_experimental",
    "kmer_all",
    "own_curated",
    "profile_experimental",
    "profile_all",
    "association_max",
    "association_mean",
    "prior_in_species",
    "gains_in_species",
)

COMPOSITE: Mapping[CellName, tuple[float, ...]] = MappingProxyType(
    {
        (_NK, _MFO): (0.2, 0.5, 0, 0.5, 0.5, 0.5, 0, 0.2, 0, 0, 1, 0),
        (_NK, _BPO): (0.5, 1, 0, 0.5, 0.5, 1, 0, 0.5, 0.1, 0, 0.2, 0),
        (_NK, _CCO): (0.5, 0.5, 0.2, 0.5, 0.1, 1, 0, 0, 0, 0, 0.5, 0.2),
        (_LK, _MFO): (0.1, 0.2, 0.2, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0),
        (_LK, _BPO): (0, 0.5, 1, 0, 0.2, 0.1, 1, 1, 1, 0, 0.2, 0.2),
        (_LK, _CCO): (0.5, 0.5, 0, 0.5, 0.5, 0.5, 1, 0.5, 0, 0, 0.2, 0),
        (_PK, _MFO): (0.5, 0.2, 0, 0.1, 0.2, 0, 0.5, 0, 0.2, 0, 0.2, 0.1),
        (_PK, _BPO): (0.5, 0.5, 0, 0.2, 0.5, 0, 1, 1, 1, 0, 0.2, 0),
        (_PK, _CCO): (0.2, 1, 0, 0, 0.2, 0.2, 1, 0.5, 0.5, 1, 0, 1),
    }
)
"""Weights of the signals in `_ORDER`, chosen on the windows of 2016 and 2017 by coordinate search among 0, .1, .2, .5
and 1."""

_MOST_ACCRETION = 8.0
_LEAST_WEIGHT = 0.5
"""A term weighs its information accretion in bits plus this, the rarest no more than `_MOST_ACCRETION`: both measures
count, the weighted and the plain one."""

_PARAMETERS = TrainingParameters(
    max_rounds=400,
    early_stopping_rounds=30,
    learning_rate=0.06,
    num_leaves=31,
    min_data_in_leaf=100,
    feature_fraction=0.7,
    lambda_l2=5.0,
    threads=2,
)
_NEGATIVES = 12.0
"""False rows kept for each true one."""


def composite_scores(name: CellName, rows: CandidateRows) -> NDArray[np.float64]:
    """Mean of the signals by weight, in [0, 1]."""
    weights = COMPOSITE[name]
    total = sum(weight * rows.signals[signal] for signal, weight in zip(_ORDER, weights, strict=True) if weight)
    return np.asarray(total, dtype=np.float64) / sum(weights)


def fit_reranker(training: Sequence[Rows], selection: Rows, *, seed: int = 0) -> Mapping[Category, Booster]:
    """Train one booster for each category on windows of before 2017; the selection window stops it."""
    boosters = {}
    for category in Category:
        learnt = _thinned(_learning_rows(training, category), seed=seed)
        trained = train_booster(
            learnt,
            _learning_rows([selection], category),
            columns=_columns(selection, category),
            categories=(),
            parameters=_PARAMETERS,
        )
        boosters[category] = trained.booster
    return boosters


def reranked_scores(
    boosters: Mapping[Category, Booster], name: CellName, rows: CandidateRows, graph: GoGraph
) -> NDArray[np.float64]:
    """Mean of what the booster of the category and the composite say; no term scores below one under it."""
    learnt = boosters[name[0]].predict(_features(name, rows))
    return raise_parents(rows.targets, rows.terms, (learnt + composite_scores(name, rows)) / 2, graph)


def _thinned(rows: LearningRows, *, seed: int) -> LearningRows:
    """Leave false rows out; the others weigh the more, so that probabilities stay what they are."""
    kept = rows.take(thin_negatives(rows.labels, ratio=_NEGATIVES, seed=seed))
    factor = int((~rows.labels).sum()) / max(1, int((~kept.labels).sum()))
    weights = np.where(kept.labels, kept.weights, kept.weights * np.float32(factor))
    return LearningRows(kept.features, kept.labels, weights.astype(np.float32), kept.proteins)


def _learning_rows(windows: Sequence[Rows], category: Category) -> LearningRows:
    """Join the rows of all aspects of a category; each aspect's row of a protein is a group of its own."""
    parts: list[tuple[NDArray[np.float32], CandidateRows]] = [
        (_features(name, rows), rows) for window in windows for name, rows in window.items() if name[0] is category
    ]
    lengths = [0, *np.cumsum([int(rows.targets.max()) + 1 for _, rows in parts])]
    return LearningRows(
        features=np.concatenate([features for features, _ in parts]),
        labels=np.concatenate([rows.labels for _, rows in parts]),
        weights=np.concatenate([_weights(rows) for _, rows in parts]),
        proteins=np.concatenate([rows.targets + first for (_, rows), first in zip(parts, lengths, strict=False)]),
    )


def _weights(rows: CandidateRows) -> NDArray[np.float32]:
    weights: NDArray[np.float32] = (np.minimum(rows.weights, _MOST_ACCRETION) + _LEAST_WEIGHT).astype(np.float32)
    return weights


def _columns(rows: Rows, category: Category) -> list[str]:
    signals = next(rows for name, rows in rows.items() if name[0] is category).signals
    return [*signals, "composite", "information_accretion", "aspect", *(f"target_{name}" for name in _OF_TARGET)]


_OF_TARGET = ("alignment_all", "kmer_all", "alignment_similarity", "own_curated")
"""Signals whose best value over the target's candidates says how well it is covered at all."""


def _features(name: CellName, rows: CandidateRows) -> NDArray[np.float32]:
    aspect = np.full(len(rows.terms), float(ASPECTS.index(name[1])), dtype=np.float32)
    best = []
    for signal in _OF_TARGET:
        of_target = np.zeros(int(rows.targets.max()) + 1, dtype=np.float32)
        np.maximum.at(of_target, rows.targets, rows.signals[signal])
        best.append(of_target[rows.targets])
    columns: list[NDArray[np.float32] | NDArray[np.float64]] = [
        *rows.signals.values(),
        composite_scores(name, rows),
        rows.weights,
        aspect,
        *best,
    ]
    return np.stack([column.astype(np.float32) for column in columns], axis=1)
