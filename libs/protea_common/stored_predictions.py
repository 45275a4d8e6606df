"""The predictions of a set, wherever they are kept: in rows with their evidence, or in lists of bare scores."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, SQLColumnExpression, cast, false, func, null, select, true, union_all
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.selectable import Select, TableValuedAlias

from protea_common.orm import GOPrediction, PredictedScores

__all__ = ["listed_scores", "predictions_of"]


def predictions_of(prediction_set_id: UUID) -> type[GOPrediction]:
    """Give the predictions of a set under the columns of `GOPrediction`.

    Where scores are all that is kept, everything else is null, the own sequence false, and the id, which no features
    have, below 0 and distinct within a protein.
    """
    columns = GOPrediction.__table__.columns
    rows = select(*columns).where(columns.prediction_set_id == prediction_set_id)
    listed = listed_scores()
    bare: Select[*tuple[Any, ...]] = (
        select(*(_bare(column, listed).label(column.name) for column in columns))
        .select_from(PredictedScores)
        .join(listed, true())
        .where(PredictedScores.prediction_set_id == prediction_set_id)
    )
    return aliased(GOPrediction, union_all(rows, bare).subquery("predicted"))


def listed_scores() -> TableValuedAlias:
    """Lay the lists of a row of `PredictedScores` out as the columns ``go_term_id`` and ``score``."""
    lists = func.unnest(PredictedScores.go_term_ids, PredictedScores.scores)
    return lists.table_valued("go_term_id", "score", name="listed").render_derived()


def _bare(column: KeyedColumnElement[Any], listed: TableValuedAlias) -> SQLColumnExpression[Any]:
    kept: dict[str, SQLColumnExpression[Any]] = {
        "id": cast(-listed.c.go_term_id, BigInteger),
        "prediction_set_id": PredictedScores.prediction_set_id,
        "protein_accession": PredictedScores.protein_accession,
        "go_term_id": listed.c.go_term_id,
        "score": listed.c.score,
        "same_sequence": false(),
    }
    return kept.get(column.name, cast(null(), column.type))
