"""The frame of a prediction: the features that follow from its candidates and the references alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.features.definitions import ABSENT_CODE, FEATURES
from protea_predictor.domain.features.frame import FeatureFrame, build_frame
from protea_predictor.domain.prediction import Prediction, Queries
from protea_predictor.domain.reference_bank import ReferenceBank

__all__ = ["frame_of_prediction"]

_OF_CANDIDATES = (
    "distance",
    "vote_count",
    "k_position",
    "go_term_frequency",
    "ref_annotation_density",
    "neighbor_distance_std",
    "neighbor_vote_fraction",
    "neighbor_min_distance",
    "neighbor_mean_distance",
)
"""Features that are fields of `Candidates`."""


def frame_of_prediction(prediction: Prediction, *, queries: Queries, bank: ReferenceBank) -> FeatureFrame:
    """Build the frame of the predictions kept, in their order."""
    candidates, kept = prediction.candidates, prediction.kept
    computed: dict[str, NDArray[np.generic]] = {name: getattr(candidates, name)[kept] for name in _OF_CANDIDATES}
    computed["length_query"] = queries.lengths[candidates.query_row[kept]]
    computed["length_ref"] = bank.proteins.lengths[candidates.reference_row[kept]]
    computed["qualifier"] = _codes("qualifier", bank.annotations.qualifiers)[candidates.qualifier[kept]]
    computed["evidence_code"] = _codes("evidence_code", bank.annotations.evidence_codes)[candidates.evidence[kept]]
    return build_frame(candidates.query_row[kept], candidates.term_row[kept], computed)


def _codes(feature: str, texts: Sequence[str]) -> NDArray[np.int16]:
    """Code of each text in the feature's vocabulary."""
    code_of = {text: code for code, text in enumerate(FEATURES[feature].vocabulary)}
    return np.array([code_of.get(text, ABSENT_CODE) for text in texts], dtype=np.int16)
