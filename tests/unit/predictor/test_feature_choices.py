from __future__ import annotations

from protea_common.operations import CandidateChoices
from protea_predictor.domain.features.compute import ALWAYS_COMPUTED
from protea_predictor.domain.features.definitions import PRODUCED_FAMILIES
from protea_predictor.usecases.feature_requests import FAMILY_CHOICES


def test_every_family_that_not_all_predictions_have_can_be_asked_for() -> None:
    assert {*FAMILY_CHOICES, *ALWAYS_COMPUTED} == set(PRODUCED_FAMILIES)
    assert set(FAMILY_CHOICES.values()) <= set(CandidateChoices.model_fields)
