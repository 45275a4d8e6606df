"""What a paired difference says."""

from __future__ import annotations

from enum import StrEnum

from protea_evaluator.domain.resampling.intervals import Interval

__all__ = ["Verdict", "judge"]


class Verdict(StrEnum):
    """What can be said of two methods."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE_OF_INTEREST = "no-difference-of-interest"
    """The whole interval lies closer to 0 than the effect that would matter."""
    UNDECIDED = "undecided"
    """The interval holds 0, and effects that would matter too, or nobody said which would."""


def judge(difference: Interval, *, effect_of_interest: float | None) -> Verdict:
    """Read an interval.

    Parameters
    ----------
    effect_of_interest
        Least difference that would matter, above 0. Without it an interval around 0 decides nothing: that no
        difference was seen does not say that there is none.
    """
    if difference.low > 0:
        return Verdict.BETTER
    if difference.high < 0:
        return Verdict.WORSE
    if effect_of_interest is not None and max(-difference.low, difference.high) < effect_of_interest:
        return Verdict.NO_DIFFERENCE_OF_INTEREST
    return Verdict.UNDECIDED
