"""Small ontologies and annotations for the tests of the predictor's domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, Aspect, GoGraph, Relation
from protea_predictor.domain.annotation_rows import AnnotationRows, Vocabulary
from protea_predictor.domain.pools import build_pools
from protea_predictor.domain.reference_annotations import build_reference_annotations
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceProteins
from protea_predictor.usecases.bank_statistics import BankStatistics
from protea_predictor.usecases.references import OpenBank

__all__ = ["annotation_rows", "diamond_graph", "open_bank", "random_graph", "random_rows"]


def diamond_graph() -> GoGraph:
    """Six terms: in the process aspect GO:1 above GO:2 and GO:3, both above GO:4; GO:5 above GO:6 is function.

    The row of ``GO:n`` is ``n - 1``.
    """
    process, function = Aspect.BIOLOGICAL_PROCESS, Aspect.MOLECULAR_FUNCTION
    terms = [(f"GO:{n}", process if n < 5 else function) for n in range(1, 7)]
    edges = [("2", "1", "is_a"), ("3", "1", "is_a"), ("4", "2", "is_a"), ("4", "3", "part_of"), ("6", "5", "is_a")]
    return GoGraph.build(terms, [Relation(f"GO:{child}", f"GO:{parent}", kind) for child, parent, kind in edges])


def random_graph(rng: np.random.Generator, n_terms: int) -> GoGraph:
    """Build an acyclic graph over three aspects; each term has up to two parents among the terms before it."""
    go_ids = [f"GO:{n:07d}" for n in range(n_terms)]
    terms = [(go_id, ASPECTS[n % 3]) for n, go_id in enumerate(go_ids)]
    relations = [
        Relation(go_ids[child], go_ids[int(parent)], "is_a")
        for child in range(1, n_terms)
        for parent in rng.integers(0, child, size=2)
    ]
    return GoGraph.build(terms, relations)


def annotation_rows(rows: Sequence[tuple[int, int, str, str | None]]) -> AnnotationRows:
    """Turn (reference row, term row, evidence code, qualifier) into arrays."""
    references, terms, codes, qualifiers = zip(*rows, strict=True) if rows else ((), (), (), ())
    evidence, qualifier = Vocabulary(), Vocabulary()
    return AnnotationRows(
        reference_row=np.array(references, dtype=np.int64),
        term_row=np.array(terms, dtype=np.int64),
        evidence=evidence.encode(codes),
        qualifier=qualifier.encode(qualifiers),
        evidence_codes=evidence.texts,
        qualifiers=qualifier.texts,
    )


def random_rows(
    rng: np.random.Generator, *, n_rows: int, n_references: int, n_terms: int
) -> list[tuple[int, int, str, str | None]]:
    """Draw annotations, some of them negated, some for the same reference and term."""
    codes, qualifiers = ("IEA", "IDA", "ISS", "ND", "EXP", "XYZ", ""), (None, "NOT", "enables", "NOT|part_of")
    return [
        (
            int(rng.integers(n_references)),
            int(rng.integers(n_terms)),
            codes[rng.integers(len(codes))],
            qualifiers[rng.choice(len(qualifiers), p=(0.5, 0.1, 0.3, 0.1))],
        )
        for _ in range(n_rows)
    ]


def open_bank(vectors: NDArray[np.float16]) -> OpenBank:
    """Open a bank of at least three references, of which the first three have a term of the diamond each."""
    count, graph = len(vectors), diamond_graph()
    proteins = ReferenceProteins(
        accessions=np.array([f"P{n:05d}".encode() for n in range(count)]),
        sequence_ids=np.arange(count),
        lengths=np.ones(count, dtype=np.int32),
        taxon_ids=np.zeros(count, dtype=np.int32),
    )
    rows = annotation_rows([(n, n, "IDA", None) for n in range(3)])
    bank = ReferenceBank(proteins, vectors, build_reference_annotations(rows, n_references=count, n_terms=6))
    return OpenBank(
        bank=bank,
        aspect_pools=build_pools(bank.annotations, graph, is_aspect_separated=True),
        shared_pool=build_pools(bank.annotations, graph, is_aspect_separated=False),
        statistics=BankStatistics(bank, graph),
    )
