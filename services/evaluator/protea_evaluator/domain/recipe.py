"""How predictions are measured: figures of different recipes cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EvaluatorRecipe", "Normalisation", "Propagation"]


class Propagation(StrEnum):
    """How a score reaches the ancestors of its term."""

    FILL = "fill"
    """Only ancestors that have no score of their own take the best of their children."""
    FILL_CLOSURE = "fill-closure"
    """Only ancestors that have no score of their own take the best of all terms below (fill in cafaeval-protea 0.1.0).

    It differs from fill where a term with a low score of its own stands between.
    """
    MAX = "max"
    """Every ancestor scores at least as high as its children."""


class Normalisation(StrEnum):
    """Which proteins the averages are taken over."""

    CAFA = "cafa"
    """Precision over proteins with a prediction at the threshold, the rest over all proteins of the ground truth."""
    PREDICTED = "pred"
    GROUND_TRUTH = "gt"


@dataclass(frozen=True, slots=True)
class EvaluatorRecipe:
    """How the evaluator measures; the defaults are PROTEA's.

    Attributes
    ----------
    drops_orphans
        Leave terms without parents, that is the roots, out of the measure.
    threshold_step
        Thresholds are its multiples below 1; the tables of cafaeval have one decimal more than it.
    """

    propagation: Propagation = Propagation.FILL
    normalisation: Normalisation = Normalisation.CAFA
    drops_orphans: bool = True
    threshold_step: float = 0.01
