"""How predictions are measured: figures of different recipes cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Cohort", "EvaluatorRecipe", "Normalisation", "Propagation", "Thresholds"]


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


class Cohort(StrEnum):
    """Which proteins of a ground truth the averages are taken over."""

    MEASURABLE = "measurable"
    """Those with a true term that counts: neither a root, nor known before, nor of no interest."""
    ANNOTATED = "annotated"
    """All that have a term in the ground truth, though nothing may be left of it to be found (cafaeval 1.3.0)."""
    MIXED = "mixed"
    """Averages are taken over the measurable, but predictions count for those with nothing but known terms too.

    This is what cafaeval-protea 0.1.0 does. Coverage can exceed 1; only for comparison with figures made that way.
    """


class Thresholds(StrEnum):
    """At which scores the measures are taken."""

    GRID = "grid"
    """At the multiples of a step, as the public evaluators do."""
    EXACT = "exact"
    """At every distinct score; the best of them is never below the best of a grid."""


@dataclass(frozen=True, slots=True)
class EvaluatorRecipe:
    """How the evaluator measures; the defaults are PROTEA's.

    Attributes
    ----------
    drops_orphans
        Leave terms without parents, that is the roots, out of the measure.
    threshold_step
        Thresholds are its multiples below 1; the tables of cafaeval have one decimal more than it.
    thresholds
        Whether it is used.
    cohort
        Which proteins averages are taken over.
    n_resamples
        Samples of the proteins for the interval of Fmax; 0 for no interval.
    """

    propagation: Propagation = Propagation.FILL
    normalisation: Normalisation = Normalisation.CAFA
    drops_orphans: bool = True
    threshold_step: float = 0.01
    thresholds: Thresholds = Thresholds.GRID
    cohort: Cohort = Cohort.MEASURABLE
    n_resamples: int = 1_000

    @property
    def is_resampled_alike(self) -> bool:
        """Whether Fmax is taken as resampling takes it: CAFA's averages, over proteins that have a truth."""
        return self.normalisation is Normalisation.CAFA and self.cohort is not Cohort.MIXED
