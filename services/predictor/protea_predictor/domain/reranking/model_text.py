"""LightGBM's text format, version 4, checked before the library reads it.

The library follows the numbers of a file without looking: a wrong child or offset in a file from elsewhere would take
it out of its memory or round in a circle. See ``src/boosting/gbdt_model_text.cpp`` and ``src/io/tree.cpp`` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.reranking.errors import InvalidBoosterError

__all__ = ["MAX_MODEL_BYTES", "ModelHeader", "check_model_text"]

MAX_MODEL_BYTES = 64 * 1024 * 1024
"""Largest booster that is read; ten thousand trees of 63 leaves take some 50 MB."""

_MAX_COLUMNS = 4096
_CATEGORICAL = 1  # bit of decision_type
_END = "end of trees"

ModelHeader = Mapping[str, str]
"""Lines ``name=value`` before the first tree."""


def check_model_text(text: str) -> ModelHeader:
    """Check that a text is a whole booster with one output, whose trees are trees.

    Returns
    -------
    header
        Its first lines, by name.

    Raises
    ------
    InvalidBoosterError
        Saying what is wrong.
    """
    _require(len(text) <= MAX_MODEL_BYTES, f"has {len(text)} bytes, and {MAX_MODEL_BYTES} are read")
    _require(text.isascii(), "holds characters that are not ASCII")
    _require(text.startswith("tree\n"), "does not begin with the line 'tree'")
    head, separator, rest = text.partition("\n\nTree=")
    _require(separator != "" and f"\n{_END}" in rest, f"has no trees, or no line '{_END}': it was cut off")
    header = _lines(head)
    n_columns = _check_header(header)
    body = separator[2:] + rest[: rest.index(f"\n{_END}") + 1]
    trees = _cut(body, header)
    for number, tree in enumerate(trees):
        _check_tree(_lines(tree), where=f"tree {number}", n_columns=n_columns)
    return header


def _require(holds: object, problem: str) -> None:
    if not holds:
        raise InvalidBoosterError(
            f"The booster {problem}; give a model that LightGBM 4 saved as text (Booster.save_model)."
        )


def _lines(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, separator, value in pairs if separator}


def _check_header(header: ModelHeader) -> int:
    """Check the first lines; give the number of columns."""
    for name, expected in (("version", "v4"), ("num_class", "1"), ("num_tree_per_iteration", "1")):
        _require(header.get(name) == expected, f"says {name}={header.get(name)} instead of {expected}")
    names = header.get("feature_names", "").split()
    _require(0 < len(names) <= _MAX_COLUMNS, f"names {len(names)} features, and 1 to {_MAX_COLUMNS} are read")
    _require(len(set(names)) == len(names), "names a feature twice")
    _require(header.get("max_feature_idx") == str(len(names) - 1), "does not name as many features as it counts")
    return len(names)


def _cut(body: str, header: ModelHeader) -> list[str]:
    """Cut the trees apart at the offsets that the library goes by."""
    sizes = _numbers(header, "tree_sizes", np.int64, where="header")
    _require((sizes > 0).all() and len(sizes) > 0, "has a tree without a size")
    ends = list(accumulate(sizes.tolist()))
    _require(ends[-1] <= len(body) + 1, "has sizes of trees that reach beyond them")
    trees = [body[end - size : end] for end, size in zip(ends, sizes.tolist(), strict=True)]
    for number, tree in enumerate(trees):
        _require(tree.startswith(f"Tree={number}\n"), f"has no tree {number} where its sizes say")
        _require(tree.count("Tree=") == 1, f"has a tree behind tree {number} that its sizes do not count")
    return trees


def _check_tree(tree: Mapping[str, str], *, where: str, n_columns: int) -> None:
    n_leaves = int(_numbers(tree, "num_leaves", np.int64, where=where, length=1)[0])
    _require(n_leaves > 0, f"has no leaves in {where}")
    _require(tree.get("is_linear", "0") == "0", f"has linear leaves in {where}, which are not read")
    leaves = _numbers(tree, "leaf_value", np.float64, where=where, length=n_leaves)
    _require(np.isfinite(leaves).all(), f"has a leaf in {where} that is no number")
    if n_leaves > 1:
        _check_splits(tree, where=where, n_splits=n_leaves - 1, n_columns=n_columns)


def _check_splits(tree: Mapping[str, str], *, where: str, n_splits: int, n_columns: int) -> None:
    columns = _numbers(tree, "split_feature", np.int64, where=where, length=n_splits)
    _require((columns >= 0).all() and (columns < n_columns).all(), f"splits by an unknown feature in {where}")
    children = np.concatenate(
        [_numbers(tree, f"{side}_child", np.int64, where=where, length=n_splits) for side in ("left", "right")]
    )
    # Leaves count from -1 downwards. Whoever has one parent each cannot lie on a circle that the root leads into.
    expected = np.concatenate((np.arange(-n_splits - 1, 0), np.arange(1, n_splits)))
    _require(np.array_equal(np.sort(children), expected), f"has a node without or with two parents in {where}")
    kinds = _numbers(tree, "decision_type", np.int64, where=where, length=n_splits)
    thresholds = _numbers(tree, "threshold", np.float64, where=where, length=n_splits)
    _check_categories(tree, thresholds[(kinds & _CATEGORICAL) != 0], where=where)


def _check_categories(tree: Mapping[str, str], chosen: NDArray[np.float64], *, where: str) -> None:
    """Check that what splits by category points at sets of categories that are there."""
    n_sets = int(_numbers(tree, "num_cat", np.int64, where=where, length=1)[0])
    _require(len(chosen) <= n_sets, f"splits by {len(chosen)} sets of categories and has {n_sets} in {where}")
    if n_sets == 0:
        return
    bounds = _numbers(tree, "cat_boundaries", np.int64, where=where, length=n_sets + 1)
    words = _numbers(tree, "cat_threshold", np.int64, where=where)
    is_cut = bounds[0] == 0 and (np.diff(bounds) > 0).all() and bounds[-1] == len(words)
    _require(is_cut, f"has sets of categories of the wrong size in {where}")
    in_range = (chosen >= 0) & (chosen < n_sets) & (chosen == np.floor(chosen))
    _require(in_range.all(), f"splits by a set of categories that is not there in {where}")


def _numbers(lines: Mapping[str, str], name: str, dtype: Any, *, where: str, length: int | None = None) -> NDArray[Any]:
    try:
        values = np.array(lines[name].split(), dtype=dtype)
    except (KeyError, ValueError, OverflowError):
        raise InvalidBoosterError(f"The booster has no readable {name} in its {where}; it is damaged.") from None
    _require(length is None or len(values) == length, f"has {len(values)} values of {name} in {where}, not {length}")
    return values
