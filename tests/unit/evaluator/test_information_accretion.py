from __future__ import annotations

import numpy as np
import pytest

from protea_common.domain.ontology import Aspect, GoGraph, Relation
from protea_evaluator.domain.information_accretion import DegenerateAccretionError, information_accretion
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys

ROOT, LEFT, RIGHT, BOTH = range(4)
GRAPH = GoGraph.build(
    [(f"GO:{term:07d}", Aspect.MOLECULAR_FUNCTION) for term in (ROOT, LEFT, RIGHT, BOTH)],
    [
        Relation(f"GO:{child:07d}", f"GO:{parent:07d}", "is_a")
        for child, parent in ((LEFT, ROOT), (RIGHT, ROOT), (BOTH, LEFT), (BOTH, RIGHT))
    ],
)


def annotated(*pairs: tuple[int, int]) -> ProteinTerms:
    proteins, terms = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    return propagate_terms(ProteinTerms.from_keys(pair_keys(proteins, terms, GRAPH), GRAPH), GRAPH)


def test_accretion_is_the_surprise_of_a_term_given_all_its_parents() -> None:
    # Of 4 proteins 3 have LEFT and 2 have RIGHT; 2 have both, and of these 1 has BOTH.
    known = annotated((0, LEFT), (1, LEFT), (1, RIGHT), (2, BOTH), (3, ROOT))

    accretion = information_accretion(known, GRAPH)

    np.testing.assert_allclose(accretion[[LEFT, RIGHT]], [np.log2(5 / 4), np.log2(5 / 3)])
    assert accretion[BOTH] == pytest.approx(np.log2(3 / 2))


def test_a_root_and_a_term_that_follows_from_its_parents_say_nothing() -> None:
    accretion = information_accretion(annotated((0, BOTH), (1, LEFT)), GRAPH)

    assert accretion[ROOT] == 0
    assert accretion[LEFT] == 0


def test_annotations_with_nothing_but_roots_are_refused() -> None:
    with pytest.raises(DegenerateAccretionError, match="annotation set"):
        information_accretion(annotated((0, ROOT)), GRAPH)
