"""The Gene Ontology as PROTEA uses it: aspects, terms, relations, and the graph of live terms as array rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError

__all__ = [
    "ASPECTS",
    "PROPAGATING_RELATIONS",
    "STORED_RELATIONS",
    "Aspect",
    "GoGraph",
    "OntologyCycleError",
    "Relation",
    "Term",
    "UnknownAspectError",
    "parse_aspect",
]

PROPAGATING_RELATIONS = frozenset({"is_a", "part_of"})
"""Relations along which an annotation holds for the parent too (true-path rule).

With ``regulates`` added, a regulator of a process would be said to take part in it.
"""

STORED_RELATIONS = PROPAGATING_RELATIONS | {
    "regulates",
    "positively_regulates",
    "negatively_regulates",
    "occurs_in",
    "capable_of",
    "capable_of_part_of",
}
"""Relations kept per ontology snapshot; those that do not propagate are drawn, never followed."""


class UnknownAspectError(PermanentError):
    """The text names none of the three aspects of the Gene Ontology."""

    slug = "unknown-aspect"

    def __init__(self, aspect: str) -> None:
        super().__init__(f"{aspect!r} is no aspect of the Gene Ontology; use one of {', '.join(_ACCEPTED_ASPECTS)}.")
        self.aspect = aspect


class OntologyCycleError(PermanentError):
    """The ontology says that a term is its own ancestor, so annotations cannot be propagated in it."""

    slug = "ontology-cycle"

    def __init__(self, go_id: str) -> None:
        super().__init__(
            f"{go_id} is its own ancestor by is_a and part_of; load an ontology release without this cycle."
        )
        self.go_id = go_id


class Aspect(StrEnum):
    """One of the three namespaces of the Gene Ontology."""

    MOLECULAR_FUNCTION = "molecular_function"
    BIOLOGICAL_PROCESS = "biological_process"
    CELLULAR_COMPONENT = "cellular_component"

    @property
    def code(self) -> str:
        """Letter of the aspect in a GAF and in ``go_term.aspect``."""
        match self:
            case Aspect.MOLECULAR_FUNCTION:
                return "F"
            case Aspect.BIOLOGICAL_PROCESS:
                return "P"
            case Aspect.CELLULAR_COMPONENT:
                return "C"

    @property
    def cafa(self) -> str:
        """Name of the aspect in the CAFA challenge."""
        match self:
            case Aspect.MOLECULAR_FUNCTION:
                return "MFO"
            case Aspect.BIOLOGICAL_PROCESS:
                return "BPO"
            case Aspect.CELLULAR_COMPONENT:
                return "CCO"


ASPECTS = (Aspect.MOLECULAR_FUNCTION, Aspect.BIOLOGICAL_PROCESS, Aspect.CELLULAR_COMPONENT)
"""Order of the aspects in arrays: ``GoGraph.aspects`` holds positions in this tuple."""

_ACCEPTED_ASPECTS = tuple(spelling for aspect in ASPECTS for spelling in (aspect.code, aspect.cafa, aspect.value))
_ASPECT_BY_SPELLING = {
    spelling.casefold(): aspect for aspect in ASPECTS for spelling in (aspect.code, aspect.cafa, aspect.value)
}


def parse_aspect(text: str) -> Aspect:
    """Read an aspect from its code (``F``), its CAFA name (``MFO``) or its namespace, in any case.

    Raises
    ------
    UnknownAspectError
        If the text is none of these nine spellings.
    """
    aspect = _ASPECT_BY_SPELLING.get(text.strip().casefold())
    if aspect is None:
        raise UnknownAspectError(text)
    return aspect


@dataclass(frozen=True, slots=True)
class Term:
    """A node of the ontology, live or obsolete.

    Attributes
    ----------
    go_id
        Identifier such as ``GO:0005524``.
    aspect
        ``None`` only where an obsolete term has lost its namespace.
    alt_ids
        Identifiers that were merged into this term.
    replaced_by
        Exact successors of an obsolete term.
    consider
        Possible successors of an obsolete term, which a person has to choose from.
    """

    go_id: str
    name: str
    aspect: Aspect | None
    definition: str | None
    is_obsolete: bool
    alt_ids: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()
    consider: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """An edge of the ontology, from the narrower term to the wider one."""

    child: str
    parent: str
    relation_type: str


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of different length in one array: row ``r`` is ``indices[indptr[r]:indptr[r + 1]]``, ascending."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        return self.indices[self.indptr[row] : self.indptr[row + 1]]

    def gathered(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Join some rows: the position in ``rows`` of each member's row, and the members."""
        return _joined(self.indptr[rows], self.indptr[rows + 1], self.indices)

    def transposed(self) -> _Rows:
        """Swap rows and members; the number of rows stays."""
        n_rows = len(self.indptr) - 1
        owners = np.repeat(np.arange(n_rows, dtype=np.int32), np.diff(self.indptr))
        return _Rows(
            indptr=_indptr_of(np.bincount(self.indices, minlength=n_rows)),
            indices=owners[np.argsort(self.indices, kind="stable")],
        )


@dataclass(frozen=True, slots=True, eq=False)
class GoGraph:
    """The live terms of one ontology as array rows, with what propagation along is_a and part_of needs.

    Edges between two aspects are left out, because CAFA and the tools of this field propagate inside a namespace
    (the full GO of 2019-01-27 has 1,090 part_of edges across). Instances come from `build`.

    Attributes
    ----------
    go_ids
        Identifiers in ascending order; position = row.
    row_of
        Row of each identifier.
    aspects
        Position of each term's aspect in `ASPECTS`, shape ``(n_terms,)``.
    closure_indptr, closure_indices
        CSR rows of the reflexive closure: row ``t`` lists ``t`` and all its ancestors, ascending. Shapes
        ``(n_terms + 1,)`` and ``(n_pairs,)``.

    References
    ----------
    Ashburner et al. 2000, Nat Genet 25:25 (true-path rule); Radivojac et al. 2013, Nat Methods 10:221 (CAFA).
    """

    go_ids: tuple[str, ...]
    row_of: Mapping[str, int]
    aspects: NDArray[np.int8]
    closure_indptr: NDArray[np.int64]
    closure_indices: NDArray[np.int32]
    _parents: _Rows
    _descendants: _Rows

    @classmethod
    def build(cls, terms: Iterable[tuple[str, Aspect]], relations: Iterable[Relation]) -> GoGraph:
        """Build the graph of the given terms.

        Parameters
        ----------
        terms
            Identifier and aspect of each live term, in any order.
        relations
            Edges in any order; those that do not propagate, end at a term not given or cross aspects are passed over.

        Returns
        -------
        graph
            No terms give a graph without rows.

        Raises
        ------
        OntologyCycleError
            If a term is its own ancestor.
        """
        aspect_of = dict(sorted(terms))
        go_ids = tuple(aspect_of)
        row_of = _row_of(go_ids)
        parents = _parent_rows(aspect_of, row_of, relations)
        closure = _closure_rows(parents, go_ids)
        return cls(
            go_ids=go_ids,
            row_of=row_of,
            aspects=np.array([ASPECTS.index(aspect) for aspect in aspect_of.values()], dtype=np.int8),
            closure_indptr=closure.indptr,
            closure_indices=closure.indices,
            _parents=parents,
            _descendants=closure.transposed(),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process; a read-only view cannot, and follows from the identifiers."""
        arrays = (self.aspects, self.closure_indptr, self.closure_indices, self._parents, self._descendants)
        return _restored, (self.go_ids, *arrays)

    def parents(self, row: int) -> NDArray[np.int32]:
        """Rows one propagating edge above a term, ascending; empty for a root."""
        return self._parents[row]

    def ancestors(self, row: int) -> NDArray[np.int32]:
        """Rows of all terms above a term, without itself, ascending; empty for a root."""
        return _without(self.closure_indices[self.closure_indptr[row] : self.closure_indptr[row + 1]], row)

    def descendants(self, row: int) -> NDArray[np.int32]:
        """Rows of all terms below a term, without itself, ascending; empty for a leaf."""
        return _without(self._descendants[row], row)


def _restored(go_ids: tuple[str, ...], *arrays: Any) -> GoGraph:
    return GoGraph(go_ids, _row_of(go_ids), *arrays)


def _row_of(go_ids: tuple[str, ...]) -> Mapping[str, int]:
    return MappingProxyType({go_id: row for row, go_id in enumerate(go_ids)})


def _parent_rows(aspect_of: Mapping[str, Aspect], row_of: Mapping[str, int], relations: Iterable[Relation]) -> _Rows:
    """Parents of each row by propagating edges that stay inside an aspect."""
    edges: list[int] = []
    for relation in relations:
        if relation.relation_type not in PROPAGATING_RELATIONS:
            continue
        aspect = aspect_of.get(relation.child)
        if aspect is not None and aspect_of.get(relation.parent) is aspect:
            edges.append(row_of[relation.child] * len(row_of) + row_of[relation.parent])
    children, parents = np.divmod(_distinct(np.array(edges, dtype=np.int64)), max(1, len(row_of)))
    return _Rows(_indptr_of(np.bincount(children, minlength=len(row_of))), parents.astype(np.int32))


def _closure_rows(parents: _Rows, go_ids: tuple[str, ...]) -> _Rows:
    """Each row with all its ancestors, from the roots down: in each step the rows whose parents are all done."""
    n_rows = len(go_ids)
    children, waits_for = parents.transposed(), np.diff(parents.indptr)
    starts, ends, members = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64), np.empty(0, np.int32)
    ready = np.flatnonzero(waits_for == 0)
    while len(ready):
        owners, above = parents.gathered(ready)
        edges, inherited = _joined(starts[above], ends[above], members)
        pairs = np.concatenate([ready * n_rows + ready, ready[owners[edges]] * n_rows + inherited])
        rows, found = np.divmod(_distinct(pairs), n_rows)
        starts[ready] = len(members) + np.searchsorted(rows, ready)
        ends[ready] = len(members) + np.searchsorted(rows, ready, side="right")
        members = np.concatenate([members, found.astype(np.int32)])
        below = children.gathered(ready)[1]
        waits_for -= np.bincount(below, minlength=n_rows)
        ready = np.unique(below[waits_for[below] == 0]).astype(np.int64)
    if waits_for.any():
        raise OntologyCycleError(go_ids[_row_on_cycle(parents, waits_for)])
    return _Rows(_indptr_of(ends - starts), _joined(starts, ends, members)[1])


def _row_on_cycle(parents: _Rows, waits_for: NDArray[np.int64]) -> int:
    """Find a row on a cycle: each row still waiting has a parent still waiting, so walking up must come back."""
    row = int(np.flatnonzero(waits_for)[0])
    seen: set[int] = set()
    while row not in seen:
        seen.add(row)
        above = parents[row]
        row = int(above[waits_for[above] > 0][0])
    return row


def _joined(
    starts: NDArray[np.int64], ends: NDArray[np.int64], members: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Join slices of an array: the number of the slice that each member comes from, and the members."""
    lengths = ends - starts
    shifts = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return np.repeat(np.arange(len(lengths)), lengths), members[np.arange(len(shifts)) + shifts]


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort numbers and leave repeated ones out; `numpy.unique` hashes, which takes longer."""
    ascending = np.sort(numbers)
    distinct: NDArray[np.int64] = ascending[np.append(True, ascending[1:] != ascending[:-1])[: len(numbers)]]
    return distinct


def _without(rows: NDArray[np.int32], row: int) -> NDArray[np.int32]:
    others: NDArray[np.int32] = rows[rows != row]
    return others


def _indptr_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    indptr = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=indptr[1:])
    return indptr
