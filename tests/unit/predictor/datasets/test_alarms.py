from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_predictor.domain.datasets.alarms import AlarmKind, ColumnWatch, single_feature_auc

COLUMNS = ("plain", "constant", "absent", "leak")


def watched(n: int = 2_000, *, chunk: int = 300) -> ColumnWatch:
    rng = np.random.default_rng(5)
    labels = rng.random(n) < 0.1
    features = rng.normal(size=(n, 4)).astype(np.float32)
    features[:, 1], features[:, 2] = 3.0, np.nan
    features[:, 3] = labels + rng.normal(scale=0.1, size=n)
    watch = ColumnWatch(COLUMNS)
    for start in range(0, n, chunk):
        look(watch, features[start : start + chunk], labels[start : start + chunk])
    return watch


def look(watch: ColumnWatch, features: NDArray[np.float32], labels: NDArray[np.bool_]) -> None:
    watch.look(features, labels, multiplicities=np.ones(len(labels), np.float32))


def test_constant_and_too_good_columns_raise_alarms() -> None:
    alarms = watched().alarms(suspicious_auc=0.95)

    assert [(alarm.column, alarm.kind) for alarm in alarms] == [
        ("constant", AlarmKind.CONSTANT),
        ("leak", AlarmKind.TOO_GOOD),
    ]
    assert alarms[0].message == "constant is 3 in every row"
    assert "leak alone" in alarms[1].message


def test_a_column_without_values_is_absent_and_no_alarm() -> None:
    assert watched().absent == ("absent",)


def test_a_column_that_is_there_in_some_rows_with_one_value_only_is_not_constant() -> None:
    watch = ColumnWatch(["flag"])

    look(watch, np.array([[1.0], [np.nan]], dtype=np.float32), np.array([True, False]))

    assert watch.alarms(suspicious_auc=0.95) == ()


def test_a_column_that_tells_the_opposite_is_too_good_as_well() -> None:
    labels = np.arange(400) % 2 == 0
    watch = ColumnWatch(["inverse"])
    look(watch, np.where(labels, 0.0, 1.0).astype(np.float32).reshape(-1, 1), labels)

    (alarm,) = watch.alarms(suspicious_auc=0.95)

    assert alarm.value == 0.0


def test_more_rows_than_the_sample_holds_keep_a_fair_one() -> None:
    rng = np.random.default_rng(8)
    watch = ColumnWatch(["drift"])
    for step in range(12):  # the column speaks in the first half only: its AUC lies half way from .983 to .5
        labels = rng.random(10_000) < 0.2
        values = rng.normal(size=10_000) + (3.0 * labels if step < 6 else 0.0)
        look(watch, values.astype(np.float32).reshape(-1, 1), labels)

    (alarm,) = watch.alarms(suspicious_auc=0.5)

    assert alarm.value == pytest.approx(0.74, abs=0.02)


def test_rows_that_stand_for_several_are_as_many_in_the_sample() -> None:
    rng = np.random.default_rng(8)
    labels = rng.random(400_000) < 0.2
    values = (rng.normal(size=len(labels)) + labels).astype(np.float32)
    kept = labels | (values > 0.5) | (rng.random(len(labels)) < 0.1)  # few of those that are told easily
    multiplicities = np.where(labels | (values > 0.5), 1.0, 10.0).astype(np.float32)
    watch = ColumnWatch(["value"])

    watch.look(values[kept].reshape(-1, 1), labels[kept], multiplicities=multiplicities[kept])

    (alarm,) = watch.alarms(suspicious_auc=0.5)
    assert alarm.value == pytest.approx(single_feature_auc({"value": values}, labels)["value"], abs=0.02)


def test_auc_counts_pairs_and_half_of_ties() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 6, 300).astype(np.float32)
    labels = rng.random(300) < 0.4
    true, false = values[labels][:, None], values[~labels][None, :]
    expected = ((true > false).sum() + 0.5 * (true == false).sum()) / (true.size * false.size)

    aucs = single_feature_auc({"x": values, "few": np.where(np.arange(300) < 60, values, np.nan)}, labels)

    assert aucs == {"x": pytest.approx(expected)}
