"""What is compared: alignment transfer, neighbours alone, a composite of all signals, and re-rankers on top of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accuracy_windows import Loaded

from protea_common.operations import COMPOSITE_CHOICES, COMPOSITE_NEIGHBOURS

__all__ = [
    "ALIGNMENT_ALL",
    "ALIGNMENT_EXPERIMENTAL",
    "COMPOSITE",
    "KMERS",
    "LEAST_SCORE",
    "Method",
    "candidate_choices",
]

_QUERIES_PER_BATCH = 512
"""Two batches are computed at a time; of 1,024 re-ranked queries each they took 9 GB with the platform around them."""

LEAST_SCORE = 0.01
"""Least threshold that is measured at; what scores less is stored only where probabilities are made of it."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to predict, as parameters of ``predict_go_terms``.

    Attributes
    ----------
    scoring
        Name of the preset that it predicts with, or the weights of its signals.
    choices
        What differs from `candidate_choices`.
    """

    name: str
    scoring: str | Mapping[str, float]
    choices: Mapping[str, Any]

    def payload(self, loaded: Loaded) -> dict[str, Any]:
        """Parameters without window, recipe of scores and re-rankers."""
        stored = {"batch_size": _QUERIES_PER_BATCH, "store_evidence": False, "abstain_below": LEAST_SCORE}
        return candidate_choices(loaded) | stored | dict(self.choices)


_COMPUTED = {**COMPOSITE_CHOICES, "compute_lineage": True, "compute_information": True}
"""What the composite reads, and what re-rankers read beside it."""


def candidate_choices(loaded: Loaded) -> dict[str, Any]:
    """How candidates come about, in predictions and datasets alike."""
    return {
        "embedding_config_id": loaded.embedding_config_id,
        "ontology_snapshot_id": loaded.ontology_id,
        "limit_per_entry": COMPOSITE_NEIGHBOURS,
        "alignment": "required",
        **_COMPUTED,
    }


_PLAIN: Mapping[str, Any] = dict.fromkeys(_COMPUTED, False)
_ALIGNED_ALONE: Mapping[str, Any] = {**_PLAIN, "limit_per_entry": 1}
"""One neighbour costs next to nothing, and its votes weigh nothing where alignments alone score."""

ALIGNMENT_EXPERIMENTAL = Method(
    "alignment, experimental donors", {"alignment_aspect_vote_experimental": 1.0}, _ALIGNED_ALONE
)
ALIGNMENT_ALL = Method("alignment, all donors", {"alignment_aspect_vote": 1.0}, _ALIGNED_ALONE)
KMERS = Method("k-mer neighbours, all donors", {"knn_aspect_vote": 1.0}, {**_PLAIN, "alignment": "off"})
COMPOSITE = Method("composite", "composite_by_knowledge", {"abstain_below": 0.0})
