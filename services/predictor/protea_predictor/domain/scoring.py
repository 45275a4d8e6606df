"""Scores of candidates: their signals, combined as a recipe says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_common.domain.scoring import CELLS, Formula, Missing, ScoringRecipe, Signal
from protea_predictor.domain.errors import UncoveredSignalError, require_shape
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.frame import FeatureFrame

__all__ = [
    "PRODUCED_SIGNALS",
    "SIGNALS_OF_DONORS",
    "SIGNAL_FAMILIES",
    "DonorFigures",
    "candidate_signals",
    "feature_signals",
    "require_coverage",
    "require_produced",
    "score_candidates",
    "signals_needed",
    "taxonomic_proximity",
]

_OF_CANDIDATES = frozenset({Signal.EMBEDDING_SIMILARITY, Signal.NEIGHBOR_VOTE_FRACTION, Signal.EVIDENCE_WEIGHT})

SIGNAL_FAMILIES: Mapping[Signal, str] = MappingProxyType(
    {Signal.TAXONOMIC_PROXIMITY: "taxonomy_pair"}
    | {Signal(name): definition.family for name, definition in FEATURES.items() if name in set(Signal)}
)
"""Family of features that a signal is taken from."""

PRODUCED_SIGNALS = _OF_CANDIDATES | {
    signal for signal, family in SIGNAL_FAMILIES.items() if family in {"knn_voters", "knn_vote", "term"}
}
"""What every prediction has; others come with the families that are asked for."""

_MAY_LACK = {
    signal
    for signal, family in SIGNAL_FAMILIES.items()
    if family
    in {"alignment_voters", "knn_voters", "profile", "association", "gains", "links", "taxonomy_pair", "interpro"}
}
"""Signals that all queries of a batch may lack: none aligns or is linked with a reference, has a taxon or was scanned;
nothing is known of any; or the annotations have no dates.
"""

SIGNALS_OF_DONORS = {Signal.EMBEDDING_SIMILARITY, Signal.EVIDENCE_WEIGHT, Signal.IDENTITY_NW, Signal.IDENTITY_SW}
"""Signals of the nearest donor, which all candidates of a batch may lack: those of known terms need none."""

_SCORE_DIGITS = 6
"""Scores are compared after rounding; more digits would let the last bit of a sum break ties."""

_LARGEST_DISTANCE = {DistanceMetric.COSINE: 2.0, DistanceMetric.L2: 4.0}
"""Between vectors of unit length; the similarity is what a distance lacks to it."""


class DonorFigures(Protocol):
    """What donors say of candidates, as the fields of `Candidates` of these names; shape ``(n_candidates,)`` each."""

    @property
    def distance(self) -> NDArray[np.float64]:
        """Distance of the nearest donor; NaN where no reference gives a candidate."""

    @property
    def neighbor_vote_fraction(self) -> NDArray[np.float64]:
        """Share of the neighbours that carry the term."""

    @property
    def evidence(self) -> NDArray[np.int16]:
        """Number of the nearest donor's evidence code; `NO_REFERENCE` where there is none."""


def candidate_signals(
    candidates: DonorFigures,
    evidence_codes: Sequence[str],
    recipe: ScoringRecipe,
    *,
    metric: DistanceMetric = DistanceMetric.COSINE,
) -> dict[str, NDArray[np.float64]]:
    """Compute the signals that every candidate has: similarity, votes and evidence.

    Parameters
    ----------
    candidates
        Candidates with their distances.
    evidence_codes
        Text of the candidates' evidence numbers.
    recipe
        Gives the weight of each evidence code.
    metric
        What the distances are. Under ``l2`` the similarity is that of vectors of unit length, for which it equals the
        cosine metric's; longer vectors lie so far apart that it is 0.

    Returns
    -------
    signals
        Values in [0, 1] by signal, shape ``(n_candidates,)`` each; similarity and evidence are NaN where no reference
        gives a candidate.
    """
    weights = np.array([recipe.evidence_weight(code) for code in evidence_codes], dtype=np.float64)
    return {
        Signal.EMBEDDING_SIMILARITY: np.clip(1.0 - candidates.distance / _LARGEST_DISTANCE[metric], 0.0, 1.0),
        Signal.NEIGHBOR_VOTE_FRACTION: np.clip(candidates.neighbor_vote_fraction, 0.0, 1.0),
        Signal.EVIDENCE_WEIGHT: np.append(weights, np.nan)[candidates.evidence],  # NO_REFERENCE is the last
    }


def feature_signals(frame: FeatureFrame) -> dict[str, NDArray[np.float64]]:
    """Take the signals that features are, of the families that were computed; NaN where a candidate lacks one."""
    signals: dict[str, NDArray[np.float64]] = {
        signal: frame[signal].astype(np.float64)
        for signal, family in SIGNAL_FAMILIES.items()
        if family in frame.families and signal is not Signal.TAXONOMIC_PROXIMITY and signal not in _OF_CANDIDATES
    }
    if SIGNAL_FAMILIES[Signal.TAXONOMIC_PROXIMITY] in frame.families:
        signals[Signal.TAXONOMIC_PROXIMITY] = taxonomic_proximity(frame["taxonomic_distance"].astype(np.float64))
    return signals


def taxonomic_proximity(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the signal, in [0, 1], that distances of taxa are; NaN stays NaN."""
    return 1.0 / (1.0 + distances)


def signals_needed(recipe: ScoringRecipe) -> list[str]:
    """Name the signals that a recipe reads, in any cell, with the evidence weight that its formula multiplies by."""
    needed = list(recipe.signals_read)
    if recipe.formula is Formula.EVIDENCE_WEIGHTED and Signal.EVIDENCE_WEIGHT not in needed:
        needed.append(Signal.EVIDENCE_WEIGHT)
    return needed


def require_coverage(signals: Mapping[str, NDArray[np.float64]], recipe: ScoringRecipe) -> None:
    """Refuse a recipe that gives weight to a signal no candidate has; without candidates nothing is refused.

    Others need only have been computed: that no query of a batch aligns with a reference, or that nothing is known of
    any, is an answer, and how queries are cut into batches decides nothing. So it is with what donors give, where no
    candidate has a donor.

    Raises
    ------
    UncoveredSignalError
        Naming the first such signal.
    """
    if not any(len(values) for values in signals.values()):
        return
    similarity = signals.get(Signal.EMBEDDING_SIMILARITY)
    is_without_donors = similarity is not None and bool(np.isnan(similarity).all())
    may_lack = _MAY_LACK | SIGNALS_OF_DONORS if is_without_donors else _MAY_LACK
    for name in signals_needed(recipe):
        if name not in signals or (name not in may_lack and np.isnan(signals[name]).all()):
            raise UncoveredSignalError(name)


def require_produced(recipe: ScoringRecipe, *, families: Collection[str] = ()) -> None:
    """Refuse a recipe that gives weight to a signal that is not going to be computed, before anything is.

    Parameters
    ----------
    recipe
        Formula and weights.
    families
        Families of features that are asked for beside those that every prediction has.

    Raises
    ------
    UncoveredSignalError
        Naming the first such signal.
    """
    for name in signals_needed(recipe):
        if name not in PRODUCED_SIGNALS and SIGNAL_FAMILIES.get(Signal(name)) not in families:
            raise UncoveredSignalError(name)


def score_candidates(
    signals: Mapping[str, NDArray[np.float64]], recipe: ScoringRecipe, *, cells: NDArray[np.integer] | None = None
) -> NDArray[np.float64]:
    """Combine signals into one score per candidate.

    Parameters
    ----------
    signals
        Values by signal, shape ``(n_candidates,)`` each, clamped to [0, 1]; ``NaN`` where a candidate lacks one. A
        signal left out is lacking everywhere.
    recipe
        Formula and weights.
    cells
        Position of each candidate's cell in `CELLS`, same shape; needed where the recipe has weights by cell.

    Returns
    -------
    scores
        In [0, 1], rounded to 6 digits: the mean of the signals that are there, by weight, or, where the recipe says so,
        with those that are not there as 0; 0 where there is none. Under
        ``evidence_weighted`` times the evidence weight, or times the fallback weight where there is none.

    Raises
    ------
    ShapeMismatchError
        If the signals differ in length, or there is none, or cells are needed and not given.
    """
    lengths = {len(values) for values in signals.values()}
    require_shape(len(lengths) == 1, f"Signals have lengths {sorted(lengths)}; give one value per candidate.")
    scores = _means(signals, recipe, cells, length=lengths.pop())
    match recipe.formula:
        case Formula.LINEAR:
            pass
        case Formula.EVIDENCE_WEIGHTED:
            scores *= _evidence_multipliers(signals, recipe, length=len(scores))
    return np.round(scores, _SCORE_DIGITS)


def _means(
    signals: Mapping[str, NDArray[np.float64]],
    recipe: ScoringRecipe,
    cells: NDArray[np.integer] | None,
    *,
    length: int,
) -> NDArray[np.float64]:
    """Give each candidate the mean by the weights of its cell."""
    scores = _weighted_mean(signals, recipe.weighted_signals, missing=recipe.missing, length=length)
    for cell, weights in recipe.weighted_by_cell.items():
        require_shape(cells is not None, "The recipe has weights by cell; say of which cell each candidate is.")
        mine = np.flatnonzero(cells == CELLS.index(cell))
        taken = {name: values[mine] for name, values in signals.items() if name in weights}
        scores[mine] = _weighted_mean(taken, weights, missing=recipe.missing, length=len(mine))
    return scores


def _weighted_mean(
    signals: Mapping[str, NDArray[np.float64]], weights: Mapping[str, float], *, missing: Missing, length: int
) -> NDArray[np.float64]:
    total, weight_there = np.zeros(length), np.zeros(length)
    for name, weight in weights.items():
        values = np.clip(signals.get(name, np.full(length, np.nan)), 0.0, 1.0)
        if missing is Missing.ZERO:
            values = np.nan_to_num(values, nan=0.0)
        is_there = ~np.isnan(values)
        total[is_there] += weight * values[is_there]
        weight_there[is_there] += weight
    return np.divide(total, weight_there, out=np.zeros(length), where=weight_there > 0)


def _evidence_multipliers(
    signals: Mapping[str, NDArray[np.float64]], recipe: ScoringRecipe, *, length: int
) -> NDArray[np.float64]:
    values = signals.get(Signal.EVIDENCE_WEIGHT, np.full(length, np.nan))
    multipliers: NDArray[np.float64] = np.clip(np.nan_to_num(values, nan=recipe.evidence_weight("")), 0.0, 1.0)
    return multipliers
