"""Graphs, releases and runs for the tests of the evaluator."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

from protea_common.domain.ontology import Aspect, GoGraph, Relation
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.knowledge import Delta, split_by_knowledge
from protea_ingest.domain.gaf import GafRow, read_gaf
from protea_ingest.domain.obo import parse_obo
from support.data_files import DEMO_DATA, read_lines

__all__ = [
    "BINDING",
    "CATALYSIS",
    "CELLULAR_PROCESS",
    "COMPONENT",
    "FUNCTION",
    "KINASE",
    "NUCLEOLUS",
    "NUCLEUS",
    "PHOSPHORYLATION",
    "PROCESS",
    "WITHIN_CELL",
    "fly_delta",
    "fly_rows",
    "go_graph",
    "small_graph",
    "table",
]

FUNCTION, BINDING, CATALYSIS, KINASE = "GO:0003674", "GO:0005488", "GO:0003824", "GO:0016301"
PROCESS, CELLULAR_PROCESS, PHOSPHORYLATION = "GO:0008150", "GO:0009987", "GO:0006468"
COMPONENT, WITHIN_CELL, NUCLEUS, NUCLEOLUS = "GO:0005575", "GO:0005622", "GO:0005634", "GO:0005730"

_T0 = date(2017, 1, 1)


def small_graph() -> GoGraph:
    """Three roots; kinase under catalysis, phosphorylation under cellular process, nucleolus part of nucleus."""
    members = {
        Aspect.MOLECULAR_FUNCTION: (FUNCTION, BINDING, CATALYSIS, KINASE),
        Aspect.BIOLOGICAL_PROCESS: (PROCESS, CELLULAR_PROCESS, PHOSPHORYLATION),
        Aspect.CELLULAR_COMPONENT: (COMPONENT, WITHIN_CELL, NUCLEUS, NUCLEOLUS),
    }
    edges = [
        Relation(BINDING, FUNCTION, "is_a"),
        Relation(CATALYSIS, FUNCTION, "is_a"),
        Relation(KINASE, CATALYSIS, "is_a"),
        Relation(CELLULAR_PROCESS, PROCESS, "is_a"),
        Relation(PHOSPHORYLATION, CELLULAR_PROCESS, "is_a"),
        Relation(WITHIN_CELL, COMPONENT, "is_a"),
        Relation(NUCLEUS, WITHIN_CELL, "is_a"),
        Relation(NUCLEOLUS, NUCLEUS, "part_of"),
    ]
    return GoGraph.build([(go_id, aspect) for aspect, go_ids in members.items() for go_id in go_ids], edges)


def table(*rows: tuple[str, str] | tuple[str, str, str] | tuple[str, str, str, str | None]) -> AnnotationTable:
    """Rows of accession and term, and where it matters evidence code (else IDA) and qualifier (else none)."""
    return AnnotationTable.from_rows((*row, *("IDA", None)[len(row) - 2 :]) for row in rows)


@cache
def go_graph() -> GoGraph:
    document = parse_obo(read_lines(DEMO_DATA / "go_2019-01-27.obo.gz"))
    return GoGraph.build(document.live_terms(), document.relations)


def fly_rows(*, until_t0: bool) -> Iterable[GafRow]:
    """Annotations of the fly as of 2019, or those of them dated before 2017."""
    return read_gaf(read_lines(DEMO_DATA / "fly_annotations.gaf.gz"), annotated_before=_T0 if until_t0 else None)


@cache
def fly_delta() -> Delta:
    releases = [
        AnnotationTable.from_rows((row.accession, row.go_id, row.evidence_code, row.qualifier) for row in rows)
        for rows in (fly_rows(until_t0=True), fly_rows(until_t0=False))
    ]
    return split_by_knowledge(releases[0], releases[1], go_graph())
