"""What the demo needs of the ontology: the aspect of a term, and which terms lie above it.

Above is what evaluations mean by it: along is_a and part_of, inside one aspect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from protea_common.domain.ontology import PROPAGATING_RELATIONS, Aspect
from protea_ingest.domain.obo import OntologyDocument

__all__ = ["Ancestry"]


class Ancestry:
    """Terms above each term; looked up for few of them, which is quicker than the closure of the whole ontology."""

    def __init__(self, parents: Mapping[str, frozenset[str]], aspects: Mapping[str, Aspect]) -> None:
        self._parents = parents
        self._aspects = aspects
        self._found: dict[str, frozenset[str]] = {}

    @classmethod
    def of(cls, document: OntologyDocument) -> Ancestry:
        """Take the relations of a release."""
        aspect_of = {term.go_id: term.aspect for term in document.terms if term.aspect is not None}
        parents: dict[str, set[str]] = {}
        for relation in document.relations:
            inside = aspect_of.get(relation.child) is aspect_of.get(relation.parent)
            if inside and relation.relation_type in PROPAGATING_RELATIONS:
                parents.setdefault(relation.child, set()).add(relation.parent)
        return cls({child: frozenset(above) for child, above in parents.items()}, aspect_of)

    def aspect(self, go_id: str) -> Aspect | None:
        """Give the aspect of a term; ``None`` for an unknown one."""
        return self._aspects.get(go_id)

    def with_ancestors(self, go_id: str) -> frozenset[str]:
        """Give a term and all terms above it."""
        found = self._found.get(go_id)
        if found is None:
            above = (self.with_ancestors(parent) for parent in self._parents.get(go_id, ()))
            found = self._found[go_id] = reduce(frozenset.union, above, frozenset({go_id}))
        return found

    def all_with_ancestors(self, go_ids: Iterable[str]) -> frozenset[str]:
        """Give terms and all terms above any of them."""
        return reduce(frozenset.union, map(self.with_ancestors, go_ids), frozenset())
