from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_common.domain.evidence import DEFAULT_EVIDENCE_WEIGHTS
from protea_predictor.domain.annotation_rows import Vocabulary
from protea_predictor.domain.errors import ShapeMismatchError
from protea_predictor.domain.reference_annotations import (
    ReferenceAnnotations,
    build_reference_annotations,
    propagate_annotations,
)
from support.annotated_references import annotation_rows, diamond_graph, random_graph, random_rows

Entry = tuple[int, int, str, str]


def entries(annotations: ReferenceAnnotations) -> list[Entry]:
    return [
        (int(reference), int(term), annotations.evidence_codes[evidence], annotations.qualifiers[qualifier])
        for reference, term, evidence, qualifier in zip(
            annotations.owners, annotations.term_rows, annotations.evidence, annotations.qualifier, strict=True
        )
    ]


def weight(code: str) -> float:
    return DEFAULT_EVIDENCE_WEIGHTS.get(code, 0.5)


def test_texts_are_numbered_as_they_come_by() -> None:
    vocabulary = Vocabulary()

    first = vocabulary.encode(["IDA", None, "IEA", "IDA"])
    second = vocabulary.encode(["", "IEA", "ISS"])

    assert first.tolist() == [0, 1, 2, 0]
    assert second.tolist() == [1, 2, 3]
    assert vocabulary.texts == ("IDA", "", "IEA", "ISS")


def test_negated_annotations_are_in_no_reference() -> None:
    rows = annotation_rows(
        [(0, 1, "IDA", "NOT"), (0, 2, "IDA", "NOT|part_of"), (0, 3, "IEA", None), (2, 1, "IDA", None)]
    )

    built = build_reference_annotations(rows, n_references=4, n_terms=6)

    assert entries(built) == [(0, 3, "IEA", ""), (2, 1, "IDA", "")]
    assert built.indptr.tolist() == [0, 1, 1, 2, 2]
    assert built.density.tolist() == [1, 0, 1, 0]
    assert built.term_frequency.tolist() == [0, 1, 0, 1, 0, 0]


def test_several_codes_for_a_term_are_one_entry_with_the_best_of_them() -> None:
    rows = annotation_rows(
        [(0, 1, "IEA", "b"), (0, 1, "ISS", "a"), (0, 1, "IMP", "b"), (0, 1, "IDA", "b"), (0, 1, "IDA", "a")]
    )

    built = build_reference_annotations(rows, n_references=1, n_terms=2)

    # IDA and IMP both weigh 1; the alphabet decides between them and between the qualifiers.
    assert entries(built) == [(0, 1, "IDA", "a")]
    assert built.density.tolist() == [1]


def test_ancestors_inherit_the_best_evidence_below_them() -> None:
    graph = diamond_graph()
    rows = annotation_rows([(0, 3, "IEA", "low"), (0, 1, "IDA", "high"), (1, 5, "ND", None)])
    direct = build_reference_annotations(rows, n_references=3, n_terms=6)

    propagated = propagate_annotations(direct, graph)

    # GO:4 (row 3) keeps its IEA and gives it to GO:3; GO:2 has its own IDA and gives it to GO:1.
    assert entries(propagated) == [
        (0, 0, "IDA", "high"),
        (0, 1, "IDA", "high"),
        (0, 2, "IEA", "low"),
        (0, 3, "IEA", "low"),
        (1, 4, "ND", ""),
        (1, 5, "ND", ""),
    ]
    assert propagated.density.tolist() == [2, 1, 0]
    assert propagated.term_frequency.tolist() == [1, 1, 1, 1, 1, 1]


def test_a_terms_own_annotation_goes_before_an_equally_good_inherited_one() -> None:
    rows = annotation_rows([(0, 3, "EXP", "child"), (0, 1, "IMP", "own")])
    direct = build_reference_annotations(rows, n_references=1, n_terms=6)

    propagated = propagate_annotations(direct, diamond_graph())

    # EXP and IMP weigh the same; alone, the alphabet would prefer EXP, as it does for GO:1, which inherits both.
    assert entries(propagated) == [
        (0, 0, "EXP", "child"),
        (0, 1, "IMP", "own"),
        (0, 2, "EXP", "child"),
        (0, 3, "EXP", "child"),
    ]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_rows=st.integers(1, 80))
def test_building_and_propagating_agree_with_plain_loops(seed: int, n_rows: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 20)
    rows = random_rows(rng, n_rows=n_rows, n_references=7, n_terms=20)
    direct_truth: dict[tuple[int, int], tuple[float, str, str]] = {}
    for reference, term, code, qualifier in rows:
        if "NOT" not in (qualifier or ""):
            key = (-weight(code), code, qualifier or "")
            direct_truth[reference, term] = min(direct_truth.get((reference, term), key), key)
    truth: dict[tuple[int, int], tuple[float, bool, str, str]] = {}
    for (reference, term), (cost, code, qualifier) in direct_truth.items():
        for ancestor in (term, *graph.ancestors(term).tolist()):
            inherited = (cost, ancestor != term, code, qualifier)
            truth[reference, ancestor] = min(truth.get((reference, ancestor), inherited), inherited)

    direct = build_reference_annotations(annotation_rows(rows), n_references=7, n_terms=20)
    propagated = propagate_annotations(direct, graph)

    assert entries(direct) == [(*pair, *chosen[1:]) for pair, chosen in sorted(direct_truth.items())]
    assert entries(propagated) == [(*pair, *chosen[2:]) for pair, chosen in sorted(truth.items())]
    assert propagated.term_frequency.tolist() == [sum(term == t for _, term in truth) for t in range(20)]
    assert propagated.density.tolist() == [sum(reference == r for reference, _ in direct_truth) for r in range(7)]


def test_more_references_than_fit_one_chunk_are_propagated_alike() -> None:
    n_references = 20_000
    rows = annotation_rows([(reference, 3, "IDA", None) for reference in range(n_references)])
    direct = build_reference_annotations(rows, n_references=n_references, n_terms=6)

    propagated = propagate_annotations(direct, diamond_graph())

    assert propagated.term_rows.reshape(n_references, 4).tolist() == [[0, 1, 2, 3]] * n_references
    assert propagated.term_frequency.tolist() == [n_references] * 4 + [0, 0]


def test_no_rows_give_references_without_terms() -> None:
    empty = build_reference_annotations(annotation_rows([]), n_references=2, n_terms=6)

    for built in (empty, propagate_annotations(empty, diamond_graph())):
        assert built.indptr.tolist() == [0, 0, 0]
        assert len(built.term_rows) == 0
        assert built.term_frequency.tolist() == [0] * 6


def test_columns_of_different_length_are_refused() -> None:
    whole = annotation_rows([(0, 1, "IDA", None), (0, 2, "IDA", None)])
    rows = replace(whole, evidence=whole.evidence[:1])

    with pytest.raises(ShapeMismatchError, match=r"\[1, 2\]"):
        build_reference_annotations(rows, n_references=1, n_terms=6)
