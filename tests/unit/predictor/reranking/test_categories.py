from __future__ import annotations

import numpy as np
import pytest

from protea_common.domain.ontology import Aspect
from protea_predictor.domain.reranking.categories import CATEGORIES, Category, Cell, categories_of


def test_the_category_follows_from_where_a_protein_is_known() -> None:
    is_known = np.array([[False, False, False], [True, False, False], [True, True, True]])

    categories = categories_of(is_known)

    assert [[CATEGORIES[number] for number in row] for row in categories] == [
        [Category.NO_KNOWLEDGE] * 3,
        [Category.PARTIAL_KNOWLEDGE, Category.LIMITED_KNOWLEDGE, Category.LIMITED_KNOWLEDGE],
        [Category.PARTIAL_KNOWLEDGE] * 3,
    ]


@pytest.mark.parametrize(("aspect", "held"), [(None, [True, True, False]), ("bpo", [False, True, False])])
def test_a_cell_holds_rows_of_its_category_and_aspect(aspect: str | None, held: list[bool]) -> None:
    cell = Cell.parse("lk", aspect)

    assert cell.holds(np.array([1, 1, 0], dtype=np.int8), np.array([0, 1, 1], dtype=np.int8)).tolist() == held


def test_a_cell_is_named_like_its_spelling() -> None:
    assert Cell(Category.PARTIAL_KNOWLEDGE, Aspect.BIOLOGICAL_PROCESS).name == "pk-bpo"
    assert Cell.parse("nk", None).name == "nk"
