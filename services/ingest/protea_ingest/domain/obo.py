"""The Gene Ontology's OBO file as terms and relations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protea_common.domain.ontology import STORED_RELATIONS, Aspect, Relation, Term
from protea_common.errors import PermanentError

__all__ = ["OboFormatError", "OntologyDocument", "parse_obo"]

_TERM = "[Term]"
_HEADER = ""
_WANTED_TAGS = frozenset(
    {
        "data-version",
        "id",
        "name",
        "namespace",
        "def",
        "is_obsolete",
        "is_a",
        "relationship",
        "alt_id",
        "replaced_by",
        "consider",
    }
)
# Possessive, so that a quote left open costs one pass and not a pass per way to split the text.
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "W": " "}

_ASPECT_OF = {aspect.value: aspect for aspect in Aspect}

_Tags = dict[str, list[str]]
"""Values of each wanted tag of a stanza, in file order."""


class OboFormatError(PermanentError):
    """The ontology file is not a Gene Ontology release in OBO format.

    Attributes
    ----------
    go_id
        Term that is at fault; ``None`` when the file as a whole is meant.
    """

    slug = "obo-format"

    def __init__(self, problem: str, *, go_id: str | None = None) -> None:
        super().__init__(f"OBO: {problem}" if go_id is None else f"OBO term {go_id}: {problem}")
        self.go_id = go_id


@dataclass(frozen=True, slots=True)
class OntologyDocument:
    """One release of the Gene Ontology.

    Attributes
    ----------
    data_version
        The release as its header spells it, such as ``releases/2019-01-27``.
    terms
        All GO terms in file order, obsolete ones included.
    relations
        Edges of the stored types between these terms, each once, in file order.
    dropped_relations
        Edges of the stored types left out because their parent is not in the file.
    """

    data_version: str
    terms: tuple[Term, ...]
    relations: tuple[Relation, ...]
    dropped_relations: int

    def live_terms(self) -> list[tuple[str, Aspect]]:
        """List identifier and aspect of each term that is not obsolete, as `GoGraph.build` takes them."""
        return [(term.go_id, term.aspect) for term in self.terms if term.aspect is not None and not term.is_obsolete]


def parse_obo(lines: Iterable[str]) -> OntologyDocument:
    """Parse a release of the Gene Ontology.

    Stanzas other than ``[Term]``, terms of other ontologies, ``intersection_of``, ``xref`` and relations of other types
    are passed over.

    Parameters
    ----------
    lines
        Lines of the file, with or without their line ends.

    Raises
    ------
    OboFormatError
        If there is no ``data-version`` or no GO term, an identifier comes twice, or a term has no known namespace
        (obsolete terms may have none).

    References
    ----------
    OBO Flat File Format 1.2 and 1.4.
    """
    data_version: str | None = None
    terms: dict[str, Term] = {}
    relations: list[Relation] = []
    for stanza, tags in _read_stanzas(lines):
        if stanza == _HEADER:
            data_version = next(iter(tags.get("data-version", ())), None)
        elif stanza == _TERM and _first_token(tags, "id").startswith("GO:"):
            term = _parse_term(tags)
            if term.go_id in terms:
                raise OboFormatError("the identifier comes twice; load an unedited release.", go_id=term.go_id)
            terms[term.go_id] = term
            relations += _parse_relations(term.go_id, tags)
    if not data_version:
        raise OboFormatError("the header has no 'data-version'; load a released go.obo or go-basic.obo.")
    if not terms:
        raise OboFormatError("the file holds no [Term] with a GO identifier; load go.obo or go-basic.obo.")
    kept = tuple(relation for relation in relations if relation.parent in terms)
    return OntologyDocument(data_version, tuple(terms.values()), kept, dropped_relations=len(relations) - len(kept))


def _read_stanzas(lines: Iterable[str]) -> Iterator[tuple[str, _Tags]]:
    """Yield the header, under an empty name, and each stanza with the tags that are wanted."""
    stanza, tags = _HEADER, _Tags()
    for line in lines:
        tag, _, value = line.partition(":")
        if tag in _WANTED_TAGS:
            tags.setdefault(tag, []).append(value.strip())
        elif line.startswith("["):
            yield stanza, tags
            stanza, tags = line.strip(), _Tags()
    yield stanza, tags


def _parse_term(tags: _Tags) -> Term:
    go_id = _first_token(tags, "id")
    is_obsolete = _first_token(tags, "is_obsolete") == "true"
    return Term(
        go_id=go_id,
        name=_unescape(next(iter(tags.get("name", ())), go_id)),
        aspect=_parse_namespace(go_id, _first_token(tags, "namespace"), is_obsolete=is_obsolete),
        definition=_parse_definition(tags),
        is_obsolete=is_obsolete,
        alt_ids=_identifiers(tags, "alt_id"),
        replaced_by=_identifiers(tags, "replaced_by"),
        consider=_identifiers(tags, "consider"),
    )


def _parse_relations(go_id: str, tags: _Tags) -> list[Relation]:
    """List each edge to a parent once."""
    edges = [(parent, "is_a") for parent in _identifiers(tags, "is_a")]
    for value in tags.get("relationship", ()):
        relation_type, parent, *_ = (*value.split(maxsplit=2), "", "")
        if relation_type in STORED_RELATIONS:
            edges.append((parent, relation_type))
    return [Relation(go_id, parent, relation_type) for parent, relation_type in dict.fromkeys(edges)]


def _parse_namespace(go_id: str, namespace: str, *, is_obsolete: bool) -> Aspect | None:
    if is_obsolete and not namespace:
        return None
    aspect = _ASPECT_OF.get(namespace)
    if aspect is None:
        raise OboFormatError(
            f"namespace {namespace!r} is none of {', '.join(Aspect)}; load an unedited release.", go_id=go_id
        )
    return aspect


def _parse_definition(tags: _Tags) -> str | None:
    """Take the text between the first quotes; the sources in brackets behind it are left."""
    match = _QUOTED.match(next(iter(tags.get("def", ())), ""))
    return None if match is None else _unescape(match[1])


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def _identifiers(tags: _Tags, tag: str) -> tuple[str, ...]:
    """First word of each value; what follows is a modifier in braces or a comment."""
    values = tags.get(tag)
    return () if values is None else tuple([value.split(maxsplit=1)[0] for value in values if value])


def _first_token(tags: _Tags, tag: str) -> str:
    for value in tags.get(tag, ()):
        if value:
            return value.split(maxsplit=1)[0]
    return ""
