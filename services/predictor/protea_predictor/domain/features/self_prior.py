"""What the query itself was annotated with, by other than experiments, before its cut-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.term_lists import TermLists

__all__ = ["OwnTerms", "self_prior_features"]


@dataclass(frozen=True, slots=True, eq=False)
class OwnTerms:
    """The queries' own annotations that are neither experimental nor negated, with the terms above them.

    Attributes
    ----------
    curated
        By evidence that a person weighed.
    electronic
        By electronic evidence (IEA).
    """

    curated: TermLists
    electronic: TermLists


def self_prior_features(candidates: Candidates, own: OwnTerms) -> dict[str, NDArray[Any]]:
    """Family ``self_prior``: 1 where the query has the term, 0 where it has not."""
    curated = own.curated.hold(candidates.query_row, candidates.term_row)
    electronic = own.electronic.hold(candidates.query_row, candidates.term_row)
    return {
        "self_prior_score": curated | electronic,
        "self_prior_curated": curated,
        "self_prior_electronic": electronic,
    }
