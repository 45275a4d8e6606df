from __future__ import annotations

import re

import numpy as np
import pytest

from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.errors import InvalidBoosterError
from protea_predictor.domain.reranking.model_text import MAX_MODEL_BYTES
from support.boosters import small_booster

TEXT = small_booster(("distance", "vote_count", "evidence_code"), categories=("evidence_code",)).text


def changed(pattern: str, replacement: str) -> str:
    """Change the text without changing its length, on which the offsets of its trees rest."""
    text, count = re.subn(pattern, replacement, TEXT, count=1, flags=re.MULTILINE)
    assert count == 1
    return text


def without_sizes(text: str) -> str:
    """Let the sizes fit the trees again."""
    trees = re.split(r"(?=^Tree=\d+$)", text[: text.index("end of trees")], flags=re.MULTILINE)[1:]
    sizes = " ".join(str(len(tree)) for tree in trees)
    return re.sub(r"^tree_sizes=.*$", f"tree_sizes={sizes}", text, flags=re.MULTILINE)


def test_a_booster_knows_what_it_reads() -> None:
    booster = Booster.read(TEXT)

    assert booster.columns == ("distance", "vote_count", "evidence_code")
    assert len(booster.predict(np.zeros((4, 3), np.float32))) == 4
    assert len(booster.predict(np.zeros((0, 3), np.float32))) == 0


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match="3 features"):
        Booster.read(TEXT).predict(np.zeros((4, 2), np.float32))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begin with"),
        ("\x80\x04K\x01.", "ASCII"),
        ("tree\nversion=v4\n", "cut off"),
        (TEXT[: len(TEXT) // 3], "cut off"),
        ("tree\n" + "x" * MAX_MODEL_BYTES, "bytes"),
        (changed("^version=v4$", "version=v3"), "version"),
        (changed("^num_class=1$", "num_class=3"), "num_class"),
        (changed("^max_feature_idx=2$", "max_feature_idx=7"), "counts"),
        (changed("^feature_names=.*$", "feature_names=distance distance vote"), "twice"),
        (changed(r"^tree_sizes=\d+", "tree_sizes=9999999"), "beyond"),
        (changed(r"^tree_sizes=\d+", "tree_sizes=-1"), "size"),
        (changed(r"^tree_sizes=\d+ \d+", "tree_sizes=20 20"), "sizes say"),
        (without_sizes(changed(r"^split_feature=\d+", "split_feature=77")), "unknown feature"),
        (without_sizes(changed(r"^left_child=-?\d+", "left_child=99")), "two parents"),
        (without_sizes(changed(r"^left_child=-?\d+", "left_child=0")), "two parents"),
        (without_sizes(changed(r"^leaf_value=\S+", "leaf_value=nan")), "no number"),
        (without_sizes(changed(r"^leaf_value=\S+", "leaf_value=x")), "damaged"),
        (without_sizes(changed(r"^leaf_value=\S+", "leaf_value=")), "values of leaf_value"),
        (without_sizes(changed(r"^num_leaves=\d+", "num_leaves=999999")), "values of"),
        (without_sizes(changed(r"^is_linear=0", "is_linear=1")), "linear"),
        (without_sizes(changed(r"^cat_boundaries=0 \d+", "cat_boundaries=0 900")), "wrong size"),
    ],
)
def test_what_is_no_whole_booster_is_refused_before_the_library_reads_it(text: str, says: str) -> None:
    with pytest.raises(InvalidBoosterError, match=says):
        Booster.read(text)
