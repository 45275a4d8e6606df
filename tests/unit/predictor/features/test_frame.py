from __future__ import annotations

import numpy as np
import pytest

from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.features.definitions import FEATURES
from protea_predictor.domain.features.errors import UnknownFeatureError
from protea_predictor.domain.features.frame import FeatureFrame, build_frame


def frame_of(**computed: list[float]) -> FeatureFrame:
    return build_frame(
        np.array([0, 0, 1]), np.array([2, 5, 1]), {name: np.array(values) for name, values in computed.items()}
    )


def test_columns_come_in_the_order_of_the_definitions_whatever_was_computed_first() -> None:
    frame = frame_of(vote_count=[3, 1, 2], distance=[0.1, 0.2, 0.3])
    assert list(frame.columns) == list(FEATURES)
    assert frame.families == ("knn", "knn_vote")
    assert frame["distance"].dtype == np.float32
    np.testing.assert_array_equal(frame["vote_count"], [3, 1, 2])


def test_absent_numbers_are_nan_and_absent_categories_minus_one() -> None:
    frame = frame_of(distance=[0.1, 0.2, 0.3])
    assert np.isnan(frame["identity_nw"]).all()
    np.testing.assert_array_equal(frame["evidence_code"], [-1, -1, -1])
    assert frame["evidence_code"].dtype == np.int16
    assert frame["identity_nw"].shape == (3,)


def test_a_matrix_has_the_columns_asked_for() -> None:
    frame = frame_of(distance=[0.5, 0.25, 1.0], evidence_code=[4, -1, 0])
    np.testing.assert_array_equal(
        frame.matrix(["evidence_code", "ia", "distance"]), [[4, np.nan, 0.5], [-1, np.nan, 0.25], [0, np.nan, 1.0]]
    )
    with pytest.raises(UnknownFeatureError, match="label"):
        frame.matrix(["label"])


def test_some_candidates_are_taken_with_all_their_columns() -> None:
    taken = frame_of(distance=[0.5, 0.25, 1.0], evidence_code=[4, -1, 0]).take(np.array([2, 0]))
    assert taken.query_row.tolist() == [1, 0]
    assert taken.term_row.tolist() == [1, 2]
    assert taken["distance"].tolist() == [1.0, 0.5]
    assert taken["evidence_code"].tolist() == [0, 4]
    assert taken["ia"].shape == (2,)
    assert np.isnan(taken["ia"]).all()


def test_no_candidates_give_empty_columns() -> None:
    nobody = build_frame(np.empty(0, np.int64), np.empty(0, np.int64), {})
    assert len(nobody) == 0
    assert nobody.matrix(["distance", "ia"]).shape == (0, 2)
    assert nobody.take(np.empty(0, np.int64))["ia"].shape == (0,)


def test_unknown_columns_and_wrong_lengths_are_refused() -> None:
    with pytest.raises(UnknownFeatureError, match="label"):
        frame_of(label=[1, 0, 1])
    with pytest.raises(ShapeMismatchError, match="distance"):
        frame_of(distance=[0.1])
