"""Using re-rankers: which of them is for which candidate, whether it can read the features here, and its scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.fingerprint import definition_sha, feature_schema_sha
from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.categories import Cell
from protea_predictor.domain.reranking.columns import ColumnPlan, Columns
from protea_predictor.domain.reranking.errors import SchemaMismatchError
from protea_predictor.domain.reranking.score_map import ScoreMap

__all__ = [
    "AmbiguousRerankersError",
    "Reranker",
    "reads_coordinates",
    "require_distinct_cells",
    "require_recipe",
    "require_schema",
    "rerank_scores",
]


_AGAIN = "Train it again on a dataset of this version"


class AmbiguousRerankersError(PermanentError):
    """Two re-rankers are for the same candidates."""

    slug: ClassVar[str] = "ambiguous-rerankers"


@dataclass(frozen=True, slots=True, eq=False)
class Reranker:
    """A booster that is ready to score.

    Attributes
    ----------
    cell
        Candidates that it is for.
    plan
        Features that it reads.
    score_map
        From its outputs to scores.
    feature_schema_sha, schema_sha_v2
        Fingerprints of the names, and of the names with their definitions, that it was registered with; ``None`` where
        an earlier version kept none.
    embedding_config_id
        Recipe of the vectors that it was trained with; ``None`` where that was not said.
    """

    id: UUID
    name: str
    cell: Cell
    booster: Booster
    plan: ColumnPlan
    score_map: ScoreMap
    feature_schema_sha: str | None
    schema_sha_v2: str | None
    embedding_config_id: UUID | None = None


def require_distinct_cells(rerankers: Sequence[Reranker]) -> None:
    """Refuse two re-rankers for one cell; one for an aspect beside one for all aspects is right.

    Raises
    ------
    AmbiguousRerankersError
        Naming both.
    """
    seen: dict[Cell, Reranker] = {}
    for reranker in rerankers:
        other = seen.setdefault(reranker.cell, reranker)
        if other is not reranker:
            raise AmbiguousRerankersError(
                f"{other.name} and {reranker.name} are both for {reranker.cell.name}; give one of them."
            )


def require_schema(
    reranker: Reranker, *, families: Collection[str], choices: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Refuse a re-ranker that reads other features than are computed.

    Parameters
    ----------
    families
        Those that are computed.
    choices
        What a request asks for to have each family; named in the error.

    Raises
    ------
    SchemaMismatchError
        Saying which features are unknown, were defined otherwise, or are not computed.
    """
    problem = _schema_problem(reranker, families, choices)
    if problem is not None:
        raise SchemaMismatchError(
            f"Re-ranker {reranker.name} {problem}; or give on_schema_mismatch keep_knn_order to predict without it."
        )


def reads_coordinates(booster: Booster) -> bool:
    """Tell whether a booster, all of whose features are defined, reads principal components of a recipe's vectors."""
    return any(FEATURES[name].family == "emb_pca" for name in booster.columns)


def require_recipe(reranker: Reranker, embedding_config_id: UUID) -> None:
    """Refuse a re-ranker that reads coordinates of vectors of another recipe, or of one that was not said.

    Distances and votes of two recipes mean the same; principal components are directions of one recipe's vectors alone.

    Raises
    ------
    SchemaMismatchError
        Naming both recipes.
    """
    if reads_coordinates(reranker.booster) and reranker.embedding_config_id != embedding_config_id:
        learnt = reranker.embedding_config_id or "a recipe that was not said when it was imported"
        raise SchemaMismatchError(
            f"Re-ranker {reranker.name} reads principal components of the vectors of {learnt}, and the request names "
            f"recipe {embedding_config_id}. Predict with the recipe that it was trained with, or import it again with "
            "the dataset_id of its dataset."
        )


def _schema_problem(reranker: Reranker, families: Collection[str], choices: Mapping[str, str]) -> str | None:
    names = reranker.booster.columns
    unknown = [name for name in names if name not in FEATURES]
    if unknown:
        return f"reads features that nothing here defines: {', '.join(unknown)}. {_AGAIN}"
    if reranker.feature_schema_sha not in {None, feature_schema_sha(names)}:
        return "reads other features than it was registered with. Import or train it again"
    if reranker.schema_sha_v2 not in {None, definition_sha(names)}:
        return f"was trained on features that have been defined anew since. {_AGAIN}"
    missing = sorted({FEATURES[name].family for name in names} - set(families))
    if missing:
        asked = sorted({choices.get(family, family) for family in missing})
        return (
            f"reads features of {', '.join(missing)}, which this request does not compute. Ask for {', '.join(asked)}, "
            "with the values of its dataset"
        )
    return None


def rerank_scores(
    scores: NDArray[np.float64],
    columns: Columns,
    *,
    categories: NDArray[np.int8],
    aspects: NDArray[np.int8],
    rerankers: Sequence[Reranker],
    share: float = 1.0,
) -> NDArray[np.float64]:
    """Score candidates anew where a re-ranker is for them; the others keep their scores.

    Parameters
    ----------
    scores, columns
        Scores so far, and features, of the candidates, shape ``(n,)``.
    categories, aspects
        Positions in `CATEGORIES` and `ASPECTS`, shape ``(n,)``.
    rerankers
        Of distinct cells; one for an aspect goes before one for all aspects.
    share
        How much of a new score the re-ranker says, in (0, 1]; the score so far says the rest.

    Returns
    -------
    scores
        In [0, 1], same shape.
    """
    renewed = scores.copy()
    for reranker in sorted(rerankers, key=lambda each: each.cell.aspect is not None):
        concerned = np.flatnonzero(reranker.cell.holds(categories, aspects))
        if len(concerned):
            matrix = reranker.plan.matrix(_Taken(columns, concerned))
            said = reranker.score_map(reranker.booster.predict(matrix))
            renewed[concerned] = share * said + (1.0 - share) * scores[concerned]
    return renewed


@dataclass(frozen=True, slots=True)
class _Taken:
    """Some rows of columns, taken when they are asked for."""

    columns: Columns
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        taken: NDArray[np.generic] = self.columns[name][self.positions]
        return taken
