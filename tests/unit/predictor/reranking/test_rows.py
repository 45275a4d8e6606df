from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.reranking.errors import TrainingDataError
from protea_predictor.domain.reranking.rows import MAX_ROWS_PER_GROUP, LearningRows, thin_negatives


def rows(labels: list[bool], proteins: list[int]) -> LearningRows:
    n = len(labels)
    ones = np.ones(n, np.float32)
    return LearningRows(np.zeros((n, 1), np.float32), np.array(labels), ones, np.array(proteins), ones)


def test_groups_are_proteins() -> None:
    assert rows([True, False, True], [3, 3, 7]).group_sizes.tolist() == [2, 1]


@pytest.mark.parametrize("label", [True, False])
def test_rows_of_one_label_teach_nothing(label: bool) -> None:
    with pytest.raises(TrainingDataError, match="training window"):
        rows([label, label], [0, 1]).require_teachable("training window")


def test_more_candidates_than_can_be_ranked_are_refused() -> None:
    n = MAX_ROWS_PER_GROUP + 1

    with pytest.raises(TrainingDataError, match="limit_per_entry"):
        rows([True, *[False] * (n - 1)], [0] * n).require_teachable("selection window")


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match="lengths"):
        replace(rows([True, False], [0, 0]), labels=np.ones(3, np.bool_))


def test_thinning_keeps_every_true_row_and_the_ratio() -> None:
    labels = np.array([True, *[False] * 50, True, *[False] * 50])

    kept, multiplicity = thin_negatives(labels, ratio=3.0, seed=1)

    assert labels[kept].sum() == 2
    assert (~labels[kept]).sum() == 6
    assert multiplicity == pytest.approx(100 / 6)
    assert np.array_equal(kept, np.sort(kept))
    assert np.array_equal(kept, thin_negatives(labels, ratio=3.0, seed=1)[0])
    assert not np.array_equal(kept, thin_negatives(labels, ratio=3.0, seed=2)[0])


def test_without_a_ratio_or_with_a_large_one_everything_stays() -> None:
    labels = np.array([True, False, False])

    for ratio in (None, 9.0):
        kept, multiplicity = thin_negatives(labels, ratio=ratio, seed=0)
        assert (kept.tolist(), multiplicity) == ([0, 1, 2], 1.0)
