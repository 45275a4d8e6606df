"""Named formulas that turn the signals of a prediction into its score."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, String, text
from sqlalchemy.orm import Mapped, mapped_column

from protea_common.orm.base import Base, CreatedAt, JsonObject, UuidKey

__all__ = ["ScoringConfig"]


class ScoringConfig(Base):
    """A scoring formula, never changed once made.

    Written by the gateway.

    The predictor adds the presets that are missing; their ids follow from their names.

    Attributes
    ----------
    formula
        ``linear``, or ``evidence_weighted``: the same, times the weight of the donor's evidence.
    weights
        Weight of each signal, in [0, 1].
    cell_weights
        Weights instead of these by cell, for example ``pk-bpo``; null for none.
    missing
        ``skip``: a signal that a candidate lacks is left out of the mean; ``zero``: it counts as 0.
    evidence_weights
        Weight of single evidence codes, in [0, 1]; null for the defaults.
    """

    __tablename__ = "scoring_config"
    __table_args__ = (
        CheckConstraint("formula IN ('linear', 'evidence_weighted')", name="formula"),
        CheckConstraint("missing IN ('skip', 'zero')", name="missing"),
    )

    id: Mapped[UuidKey]
    name: Mapped[str] = mapped_column(String(255), unique=True)
    formula: Mapped[str] = mapped_column(String(50))
    weights: Mapped[JsonObject]
    evidence_weights: Mapped[dict[str, Any] | None]
    cell_weights: Mapped[dict[str, Any] | None]
    missing: Mapped[str] = mapped_column(String(8), server_default=text("'skip'"))
    description: Mapped[str | None]
    created_at: Mapped[CreatedAt]
