"""Releases for the rule about proteins that gained protein binding alone."""

from __future__ import annotations

from protea_common.domain.ontology import Aspect, GoGraph, Relation
from support.evaluation import BINDING, CATALYSIS, FUNCTION, KINASE, NUCLEUS, PHOSPHORYLATION, PROCESS, WITHIN_CELL

__all__ = ["IDENTICAL_BINDING", "IONS", "PROTEINS", "binding_graph"]

PROTEINS, IDENTICAL_BINDING, IONS = "GO:0005515", "GO:0042802", "GO:0043167"


def binding_graph() -> GoGraph:
    """Identical protein binding under protein binding, that and ion binding under binding; kinase under catalysis."""
    members = {
        Aspect.MOLECULAR_FUNCTION: (FUNCTION, BINDING, PROTEINS, IDENTICAL_BINDING, IONS, CATALYSIS, KINASE),
        Aspect.BIOLOGICAL_PROCESS: (PROCESS, PHOSPHORYLATION),
        Aspect.CELLULAR_COMPONENT: (WITHIN_CELL, NUCLEUS),
    }
    edges = [
        Relation(BINDING, FUNCTION, "is_a"),
        Relation(PROTEINS, BINDING, "is_a"),
        Relation(IDENTICAL_BINDING, PROTEINS, "is_a"),
        Relation(IONS, BINDING, "is_a"),
        Relation(CATALYSIS, FUNCTION, "is_a"),
        Relation(KINASE, CATALYSIS, "is_a"),
        Relation(PHOSPHORYLATION, PROCESS, "is_a"),
        Relation(NUCLEUS, WITHIN_CELL, "is_a"),
    ]
    return GoGraph.build([(go_id, aspect) for aspect, go_ids in members.items() for go_id in go_ids], edges)
