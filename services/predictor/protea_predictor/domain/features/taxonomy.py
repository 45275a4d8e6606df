"""The NCBI taxonomy as arrays: lineages, and how two taxa lie to each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_predictor.domain.features.written import RELATIONS

__all__ = ["UNKNOWN_TAXON", "InvalidTaxonomyError", "TaxonPairs", "Taxonomy"]

UNKNOWN_TAXON = 0
"""Stands for a taxon that nobody gave, or that the dump does not have."""

_MAX_DEPTH = 256
"""Lineages of the NCBI taxonomy are some 40 taxa long; a longer one is a cycle."""

_DISTANT_MAX, _INTERMEDIATE_MAX = 2, 15
"""Taxa on both lineages up to which two taxa are distant, and intermediate; more make them close."""

_SAME, _ANCESTOR, _DESCENDANT, _CLOSE, _INTERMEDIATE, _DISTANT, _ROOT_ONLY, _UNRELATED = (
    RELATIONS.index(name)
    for name in ("same", "ancestor", "descendant", "close", "intermediate", "distant", "root-only", "unrelated")
)


class InvalidTaxonomyError(PermanentError):
    """A taxonomy dump is no NCBI dump: a line without its columns, a taxon without its parent, or a cycle."""

    slug: ClassVar[str] = "invalid-taxonomy"


@dataclass(frozen=True, slots=True, eq=False)
class TaxonPairs:
    """How each of some pairs of taxa lies; shape ``(n_pairs,)`` each.

    Attributes
    ----------
    lca
        Lowest common ancestor; NaN where one of the two is unknown.
    distance
        Steps from both up to it, added; NaN likewise.
    common_ancestors
        Taxa on both lineages, which include root and taxon; 1 for the same taxon, 0 where one is unknown.
    relation
        Position in `RELATIONS`: what the first is to the second.
    """

    lca: NDArray[np.float64]
    distance: NDArray[np.float64]
    common_ancestors: NDArray[np.int64]
    relation: NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Taxonomy:
    """Parents of all taxa; instances come from `from_dump`.

    Attributes
    ----------
    taxa
        Ids, ascending, shape ``(n,)``.
    parent_rows
        Row of each parent; the root is its own, same shape.
    merged
        Present id of each that was merged away.
    """

    taxa: NDArray[np.int64]
    parent_rows: NDArray[np.int64]
    merged: Mapping[int, int]

    @classmethod
    def from_dump(cls, nodes: Iterable[str], merged: Iterable[str] = ()) -> Taxonomy:
        """Read the lines of ``nodes.dmp`` and ``merged.dmp`` (columns separated by tab, bar, tab).

        Raises
        ------
        InvalidTaxonomyError
            If a line cannot be read or a parent is missing.

        References
        ----------
        taxdump_readme.txt, ftp.ncbi.nlm.nih.gov/pub/taxonomy/new_taxdump.
        """
        pairs = np.array([_first_two(line) for line in nodes], dtype=np.int64).reshape(-1, 2)
        pairs = pairs[np.argsort(pairs[:, 0])]
        taxa, parents = pairs[:, 0].copy(), pairs[:, 1]
        rows = np.minimum(np.searchsorted(taxa, parents), max(len(taxa) - 1, 0))
        missing = taxa[rows] != parents if len(taxa) else np.zeros(0, dtype=np.bool_)
        if missing.any():
            raise InvalidTaxonomyError(
                f"Taxon {parents[missing][0]} is a parent and has no line of its own in nodes.dmp; take the whole dump."
            )
        return cls(taxa, rows, dict(_first_two(line) for line in merged))

    def compare(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> TaxonPairs:
        """Say how pairs of taxa lie; ids that are unknown or `UNKNOWN_TAXON` have no lineage."""
        distinct, places = np.unique(np.concatenate((first, second)), return_inverse=True)
        lineages, depths = self._lineages(self._rows_of(distinct.astype(np.int64)))
        one, other = places[: len(first)], places[len(first) :]
        common = _common_prefix(lineages, one, other)
        depth_one, depth_other = depths[one], depths[other]
        is_known = (depth_one > 0) & (depth_other > 0)
        lca_row = lineages[one, np.maximum(common - 1, 0)]
        is_same = is_known & (common == depth_one) & (common == depth_other)
        return TaxonPairs(
            lca=np.where(is_known & (common > 0), self.taxa[lca_row], np.nan) if len(self.taxa) else _nans(one),
            distance=np.where(is_known & (common > 0), depth_one + depth_other - 2 * common, np.nan),
            common_ancestors=np.where(is_same, 1, np.where(is_known, common, 0)),
            relation=_relations(common, depth_one, depth_other, is_known=is_known),
        )

    def _rows_of(self, taxon_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each id or of what it was merged into; -1 for an unknown one."""
        if len(self.taxa) == 0:
            return np.full(len(taxon_ids), -1, dtype=np.int64)
        present = np.array([self.merged.get(taxon, taxon) for taxon in taxon_ids.tolist()], dtype=np.int64)
        rows = np.minimum(np.searchsorted(self.taxa, present), len(self.taxa) - 1)
        return np.where(self.taxa[rows] == present, rows, -1)

    def _lineages(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows from the root down to each taxon, padded with -1, and their number."""
        steps = [rows]
        while True:
            above = np.where(steps[-1] >= 0, self.parent_rows[steps[-1]], -1) if len(self.taxa) else steps[-1]
            above = np.where(above == steps[-1], -1, above)
            if (above < 0).all():
                break
            if len(steps) == _MAX_DEPTH:
                raise InvalidTaxonomyError("Taxa in the dump are their own ancestors; take a whole, unchanged dump.")
            steps.append(above)
        upwards = np.stack(steps, axis=1)
        depths = (upwards >= 0).sum(axis=1)
        positions = depths[:, None] - 1 - np.arange(upwards.shape[1])
        lineages = np.take_along_axis(upwards, np.maximum(positions, 0), axis=1)
        return np.where(positions >= 0, lineages, -1), depths


def _first_two(line: str) -> tuple[int, int]:
    try:
        first, second = (int(column.strip()) for column in line.split("|")[:2])
    except ValueError:
        raise InvalidTaxonomyError(
            f"{line[:60]!r} is no line of an NCBI taxonomy dump; give nodes.dmp and merged.dmp."
        ) from None
    return first, second


def _common_prefix(lineages: NDArray[np.int64], one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.int64]:
    """Taxa that two lineages share, from the root down."""
    is_shared = (lineages[one] == lineages[other]) & (lineages[one] >= 0)
    shared: NDArray[np.int64] = np.logical_and.accumulate(is_shared, axis=1).sum(axis=1)
    return shared


def _relations(
    common: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64], *, is_known: NDArray[np.bool_]
) -> NDArray[np.int16]:
    """Say what the first is to the second, from the depths of both and of their common ancestor."""
    cases = [
        (~is_known | (common == 0), _UNRELATED),
        ((common == first) & (common == second), _SAME),
        (common == first, _ANCESTOR),
        (common == second, _DESCENDANT),
        (common == 1, _ROOT_ONLY),
        (common <= _DISTANT_MAX, _DISTANT),
        (common <= _INTERMEDIATE_MAX, _INTERMEDIATE),
    ]
    conditions, choices = zip(*cases, strict=True)
    relations: NDArray[np.int16] = np.select(conditions, choices, default=_CLOSE).astype(np.int16)
    return relations


def _nans(like: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.full(len(like), np.nan)
