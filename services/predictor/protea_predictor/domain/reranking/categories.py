"""Whom a re-ranker is for: the category of knowledge of a protein in an aspect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, Aspect, parse_aspect

__all__ = ["CATEGORIES", "NO_CATEGORY", "Category", "Cell", "categories_of", "cells_of"]


class Category(StrEnum):
    """How much was known about a protein at t0."""

    NO_KNOWLEDGE = "nk"
    LIMITED_KNOWLEDGE = "lk"
    PARTIAL_KNOWLEDGE = "pk"


CATEGORIES = (Category.NO_KNOWLEDGE, Category.LIMITED_KNOWLEDGE, Category.PARTIAL_KNOWLEDGE)
"""Order of the categories in arrays and in datasets; another order gives their rows to the wrong booster."""

NO_CATEGORY = -1
"""Stands for a protein and aspect in which nothing was learnt, so that they are of no category."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A category, in one aspect or in all of them.

    Attributes
    ----------
    aspect
        ``None`` for all three.
    """

    category: Category
    aspect: Aspect | None

    @classmethod
    def parse(cls, category: str, aspect: str | None) -> Self:
        """Read a category and an aspect as they are stored, for example ``pk`` and ``bpo``."""
        return cls(Category(category), None if aspect is None else parse_aspect(aspect))

    @property
    def name(self) -> str:
        """``pk-bpo``, or ``pk`` where it is of all aspects."""
        return self.category.value if self.aspect is None else f"{self.category}-{self.aspect.cafa.lower()}"

    def holds(self, categories: NDArray[np.int8], aspects: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Mark the rows whose category and aspect, as positions in `CATEGORIES` and `ASPECTS`, are of this cell."""
        held: NDArray[np.bool_] = categories == CATEGORIES.index(self.category)
        if self.aspect is not None:
            held &= aspects == ASPECTS.index(self.aspect)
        return held


def categories_of(is_known: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Tell the category of proteins in each aspect from where they have experimental annotations.

    Parameters
    ----------
    is_known
        Whether anything was known at t0, shape ``(n_proteins, 3)``, aspects in the order of `ASPECTS`.

    Returns
    -------
    categories
        Positions in `CATEGORIES`, same shape: partial knowledge where something was known in the aspect, limited where
        only in others, none elsewhere.

    References
    ----------
    Jiang et al. 2016, Genome Biol 17:184 (no and limited knowledge).
    """
    elsewhere = np.where(is_known.any(axis=1, keepdims=True), _LIMITED, _NONE)
    return np.where(is_known, _PARTIAL, elsewhere).astype(np.int8)


def cells_of(categories: NDArray[np.integer], aspects: NDArray[np.integer]) -> NDArray[np.int64]:
    """Give the cell of each candidate, as a position in `protea_common.domain.scoring.CELLS`.

    Parameters
    ----------
    categories, aspects
        Positions in `CATEGORIES` and `ASPECTS`, shape ``(n,)`` each.
    """
    return categories.astype(np.int64) * len(ASPECTS) + aspects


_NONE, _LIMITED, _PARTIAL = range(len(CATEGORIES))
