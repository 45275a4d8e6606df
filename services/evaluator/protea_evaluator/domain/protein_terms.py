"""Sets of protein-term pairs as sorted arrays, and the set arithmetic on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph

__all__ = ["ProteinTerms", "pair_keys"]


def pair_keys(proteins: NDArray[np.int32], terms: NDArray[np.int32], graph: GoGraph) -> NDArray[np.int64]:
    """Give each protein-term pair a number; their order is that by protein, then term."""
    keys: NDArray[np.int64] = proteins.astype(np.int64) * _terms_in(graph) + terms
    return keys


def _terms_in(graph: GoGraph) -> int:
    """Count the terms, at least 1, so that keys of an empty graph can be divided."""
    return max(1, len(graph.go_ids))


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort keys and leave repeated ones out; `numpy.unique` hashes, which takes five times as long here."""
    ascending = np.sort(keys)
    distinct: NDArray[np.int64] = ascending[np.append(True, ascending[1:] != ascending[:-1])[: len(keys)]]
    return distinct


@dataclass(frozen=True, slots=True, eq=False)
class ProteinTerms:
    """Distinct pairs of a protein and a term, sorted by protein, aspect and term.

    Attributes
    ----------
    proteins
        Position of the protein in the owner's ``accessions``, shape ``(n_pairs,)``.
    aspects
        Position of the term's aspect in `ASPECTS`, shape ``(n_pairs,)``.
    terms
        Row of the term in the graph, shape ``(n_pairs,)``.
    """

    proteins: NDArray[np.int32]
    aspects: NDArray[np.int8]
    terms: NDArray[np.int32]

    @classmethod
    def from_keys(cls, keys: NDArray[np.int64], graph: GoGraph) -> ProteinTerms:
        """Read pairs back from the keys of `pair_keys`, in any order, repeated ones once."""
        proteins, terms = np.divmod(_distinct(keys), _terms_in(graph))
        aspects = graph.aspects[terms]
        order = np.argsort(proteins * len(ASPECTS) + aspects, kind="stable")  # terms ascend already
        return cls(proteins[order].astype(np.int32), aspects[order], terms[order].astype(np.int32))

    def __len__(self) -> int:
        return len(self.proteins)

    def keys(self, graph: GoGraph) -> NDArray[np.int64]:
        """Key of each pair, see `pair_keys`."""
        return pair_keys(self.proteins, self.terms, graph)

    def protein_aspects(self) -> NDArray[np.int64]:
        """Give the protein and aspect of each pair a number; equal numbers are the same target."""
        numbers: NDArray[np.int64] = self.proteins.astype(np.int64) * len(ASPECTS) + self.aspects
        return numbers

    def count_proteins(self) -> int:
        """Count the distinct proteins over all aspects."""
        return len(np.unique(self.proteins))

    def cohorts(self) -> dict[Aspect, int]:
        """Count the distinct proteins of each aspect; an aspect without any is absent."""
        numbers, counts = np.unique(np.unique(self.protein_aspects()) % len(ASPECTS), return_counts=True)
        return {ASPECTS[number]: int(count) for number, count in zip(numbers, counts, strict=True)}

    def where(self, mask: NDArray[np.bool_]) -> ProteinTerms:
        """Keep the pairs that the mask marks, shape ``(n_pairs,)``."""
        return ProteinTerms(self.proteins[mask], self.aspects[mask], self.terms[mask])

    def slice(self, first: int, last: int) -> ProteinTerms:
        """Give the pairs from ``first`` to before ``last``."""
        return ProteinTerms(self.proteins[first:last], self.aspects[first:last], self.terms[first:last])

    def renumbered(self, proteins: NDArray[np.int32]) -> ProteinTerms:
        """Refer to proteins by their position in ``proteins``, which holds all of them in ascending order."""
        return ProteinTerms(np.searchsorted(proteins, self.proteins).astype(np.int32), self.aspects, self.terms)

    @classmethod
    def joined(cls, parts: Sequence[ProteinTerms]) -> ProteinTerms:
        """Join parts of which each has only proteins after those of the one before; no parts give no pairs."""
        return cls(
            np.concatenate([np.empty(0, dtype=np.int32), *(part.proteins for part in parts)]),
            np.concatenate([np.empty(0, dtype=np.int8), *(part.aspects for part in parts)]),
            np.concatenate([np.empty(0, dtype=np.int32), *(part.terms for part in parts)]),
        )
