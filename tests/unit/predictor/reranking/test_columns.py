from __future__ import annotations

import numpy as np

from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.frame import FeatureFrame, build_frame
from protea_predictor.domain.reranking.columns import ColumnPlan

EVIDENCE = FEATURES["evidence_code"].vocabulary


def frame_of(codes: list[int], distances: list[float]) -> FeatureFrame:
    rows = np.arange(len(codes))
    return build_frame(rows, rows, {"evidence_code": np.array(codes), "distance": np.array(distances)})


def test_columns_stand_in_the_order_of_the_plan() -> None:
    matrix = ColumnPlan.live(["distance", "evidence_code", "vote_count"]).matrix(frame_of([1, -1], [0.25, 0.5]))

    np.testing.assert_array_equal(matrix, np.array([[0.25, 1, np.nan], [0.5, -1, np.nan]], dtype=np.float32))


def test_codes_are_those_that_the_booster_learnt() -> None:
    ida, iea = EVIDENCE.index("IDA"), EVIDENCE.index("IEA")
    plan = ColumnPlan(("evidence_code",), {"evidence_code": ("IEA", "IDA")})

    matrix = plan.matrix(frame_of([ida, iea, EVIDENCE.index("ISS"), -1], [0, 0, 0, 0]))

    assert matrix[:, 0].tolist() == [1, 0, -1, -1]


def test_only_categories_are_coded() -> None:
    assert ColumnPlan.live(["distance", "evidence_code"]).categories == ("evidence_code",)
