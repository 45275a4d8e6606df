"""Features of a batch of candidates: all at once, against the loop over candidates of the earlier kind.

    .venv/bin/python benchmarks/features.py [--json] [--queries N] [--rounds N]

Proteins of the fly with the annotations and the ontology of the demo; vectors are dipeptide counts. Both sides start
from the same neighbours, find the candidates with their donors, and compute every family that these data have: votes,
distances, lengths, frequencies, evidence, lineage, association, the query's own annotations, information accretion and
principal components. Every value is compared. Alignments, taxa, vectors of terms and InterPro entries are left out: the
demo has nothing of them. One thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from features_peer import CURATED, ELECTRONIC, EXPERIMENTAL, Annotated, PlainFeatures, PlainInputs, Row
from numpy.typing import NDArray

from protea_cli.demo.data import DEFAULT_DATA, DemoData, read_lines, read_proteins
from protea_common.domain.distance import DistanceMetric
from protea_common.domain.evidence import is_experimental
from protea_common.domain.ontology import GoGraph
from protea_ingest.domain.gaf import read_gaf
from protea_ingest.domain.obo import parse_obo
from protea_predictor.domain.annotation_rows import AnnotationRows, Vocabulary
from protea_predictor.domain.donors import SequenceIds
from protea_predictor.domain.features.compute import FeatureContext, FeatureSources, compute_features
from protea_predictor.domain.features.frame import FeatureFrame
from protea_predictor.domain.features.own_annotations import OwnAnnotations
from protea_predictor.domain.features.pca import Projection, fit_projection
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.features.votes import evidence_kinds
from protea_predictor.domain.features.written import EVIDENCE_VOCABULARY, QUALIFIER_VOCABULARY
from protea_predictor.domain.pools import PoolNeighbours, build_pools, search_pools
from protea_predictor.domain.reference_annotations import (
    ReferenceAnnotations,
    build_reference_annotations,
    propagate_annotations,
)
from protea_predictor.domain.reranking.term_weights import term_weights
from protea_predictor.domain.transfer import transfer_annotations

T = TypeVar("T")

K = 5
"""Neighbours in each pool: the default of ``predict_go_terms``."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
RELATIVE, ABSOLUTE = 1e-5, 1e-6
"""Features are float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Queries, references and the neighbours that were found.

    Attributes
    ----------
    queries
        Rows of the queries among the references.
    lengths, sequences, vectors
        By reference.
    """

    graph: GoGraph
    queries: NDArray[np.int64]
    lengths: NDArray[np.int64]
    sequences: tuple[str, ...]
    vectors: NDArray[np.float16]
    annotations: ReferenceAnnotations
    own: OwnAnnotations
    accretion: NDArray[np.float64]
    projection: Projection
    found: tuple[PoolNeighbours, ...]


def read_case(n_queries: int) -> Case:
    """Read the demo's data; draw the queries."""
    data = DemoData.find(DEFAULT_DATA)
    document = parse_obo(read_lines(data.ontology))
    graph = GoGraph.build(document.live_terms(), document.relations)
    proteins = read_proteins(data.proteins)
    rows = _annotation_rows(data, list(proteins), graph)
    direct = build_reference_annotations(rows, n_references=len(proteins), n_terms=len(graph.go_ids))
    annotations = propagate_annotations(direct, graph)
    sequences = tuple(record.sequence for record in proteins.values())
    vectors = np.stack([_dipeptides(sequence) for sequence in sequences]).astype(np.float16)
    annotated = np.flatnonzero(direct.density)
    queries = np.sort(np.random.default_rng(0).choice(annotated, n_queries, replace=False))
    return Case(
        graph=graph,
        queries=queries,
        lengths=np.array([len(sequence) for sequence in sequences]),
        sequences=sequences,
        vectors=vectors,
        annotations=annotations,
        own=_own_annotations(direct, queries, graph),
        accretion=term_weights(annotations.owners * len(graph.go_ids) + annotations.term_rows, graph),
        projection=fit_projection(vectors),
        found=search_pools(
            vectors[queries],
            vectors,
            build_pools(annotations, graph, is_aspect_separated=True),
            k=K,
            excluded=queries.reshape(-1, 1),
        ),
    )


def _annotation_rows(data: DemoData, accessions: list[str], graph: GoGraph) -> AnnotationRows:
    row_of = {accession: row for row, accession in enumerate(accessions)}
    rows = [
        row for row in read_gaf(read_lines(data.annotations)) if row.accession in row_of and row.go_id in graph.row_of
    ]
    codes, qualifiers = Vocabulary(), Vocabulary()
    evidence, qualifier = codes.encode(row.evidence_code for row in rows), qualifiers.encode(r.qualifier for r in rows)
    return AnnotationRows(
        np.array([row_of[row.accession] for row in rows]),
        np.array([graph.row_of[row.go_id] for row in rows]),
        evidence,
        qualifier,
        codes.texts,
        qualifiers.texts,
    )


def _dipeptides(sequence: str) -> NDArray[np.float64]:
    """Count neighbouring pairs of residues; a unit vector."""
    place = {residue: number for number, residue in enumerate(RESIDUES)}
    pairs = [place[a] * len(RESIDUES) + place[b] for a, b in pairwise(sequence) if a in place and b in place]
    counts = np.bincount(pairs or [0], minlength=len(RESIDUES) ** 2).astype(np.float64)
    unit: NDArray[np.float64] = counts / np.linalg.norm(counts)
    return unit


def _own_annotations(direct: ReferenceAnnotations, queries: NDArray[np.int64], graph: GoGraph) -> OwnAnnotations:
    """Read what is stated of the queries themselves."""
    mine = np.flatnonzero(np.isin(direct.owners, queries))
    return OwnAnnotations(
        query_row=np.searchsorted(queries, direct.owners[mine]),
        term_row=direct.term_rows[mine].astype(np.int64),
        kinds=evidence_kinds(direct.evidence_codes)[direct.evidence[mine]],
        n_terms=len(graph.go_ids),
    )


def compute_ours(case: Case) -> FeatureFrame:
    """Find candidates and features with arrays."""
    numbers = {sequence: number for number, sequence in enumerate(dict.fromkeys(case.sequences))}
    ids = np.array([numbers[sequence] for sequence in case.sequences])
    sequences = SequenceIds(ids[case.queries], ids)
    candidates = transfer_annotations(case.found, case.annotations, case.graph, sequences=sequences)
    context = FeatureContext(
        graph=case.graph,
        annotations=case.annotations,
        metric=DistanceMetric.COSINE,
        query_lengths=case.lengths[case.queries],
        reference_lengths=case.lengths,
    )
    sources = FeatureSources(
        known=case.own.known,
        own=case.own.not_experimental(case.graph),
        information_accretion=case.accretion,
        projection=case.projection,
        query_vectors=case.vectors[case.queries],
    )
    return compute_features(candidates, context, sources)


def plain_inputs(case: Case) -> PlainInputs:
    """Turn the arrays into what a loop in Python reads; not timed."""
    graph, own, n_queries = case.graph, case.own.not_experimental(case.graph), len(case.queries)
    terms = range(len(graph.go_ids))
    return PlainInputs(
        k=K,
        aspects=graph.aspects.tolist(),
        ancestors=[frozenset(graph.ancestors(term).tolist()) - {term} for term in terms],
        accretion=case.accretion.tolist(),
        annotations=_plain_annotations(case.annotations),
        densities=case.annotations.density.tolist(),
        reference_lengths=case.lengths.tolist(),
        reference_sequences=list(case.sequences),
        known=_plain_terms(case.own.known, n_queries),
        curated=_plain_terms(own.curated, n_queries),
        electronic=_plain_terms(own.electronic, n_queries),
        query_lengths=case.lengths[case.queries].tolist(),
        query_vectors=case.vectors[case.queries].astype(np.float64),
        mean=case.projection.mean,
        components=case.projection.components,
    )


def _plain_annotations(annotations: ReferenceAnnotations) -> list[list[Annotated]]:
    kinds = [
        EXPERIMENTAL if is_experimental(code) else ELECTRONIC if code == "IEA" else CURATED
        for code in annotations.evidence_codes
    ]
    codes = [EVIDENCE_VOCABULARY.index(code) for code in annotations.evidence_codes]
    places = {text: code for code, text in enumerate(QUALIFIER_VOCABULARY)}
    qualifiers = [places.get(text.lower(), -1) for text in annotations.qualifiers]
    entries = [
        Annotated(term, kinds[evidence], codes[evidence], qualifiers[qualifier])
        for term, evidence, qualifier in zip(
            annotations.term_rows.tolist(), annotations.evidence.tolist(), annotations.qualifier.tolist(), strict=True
        )
    ]
    return [entries[start:end] for start, end in pairwise(annotations.indptr.tolist())]


def _plain_terms(lists: TermLists, n_queries: int) -> list[frozenset[int]]:
    members: list[set[int]] = [set() for _ in range(n_queries)]
    for query, term in zip(lists.query_row.tolist(), lists.term_row.tolist(), strict=True):
        members[query].add(term)
    return [frozenset(each) for each in members]


def plain_neighbours(case: Case) -> list[list[list[tuple[int, float]]]]:
    """Neighbours by query and aspect; not timed."""
    tables = [(pool.neighbours.rows.tolist(), pool.neighbours.distances.tolist()) for pool in case.found]
    return [
        [
            [pair for pair in zip(rows[query], distances[query], strict=True) if pair[0] >= 0]
            for rows, distances in tables
        ]
        for query in range(len(case.queries))
    ]


def compute_theirs(inputs: PlainInputs, neighbours: list[list[list[tuple[int, float]]]]) -> dict[tuple[int, int], Row]:
    """Find candidates and features one by one."""
    features = PlainFeatures(inputs)
    return {
        (query, term): row for query, found in enumerate(neighbours) for term, row in features.of_query(query, found)
    }


def largest_difference(frame: FeatureFrame, rows: Mapping[tuple[int, int], Row]) -> float:
    """Compare every value of both.

    Raises
    ------
    SystemExit
        If candidates or features are not the same, or a value differs by more than float32 does.
    """
    keys = list(zip(frame.query_row.tolist(), frame.term_row.tolist(), strict=True))
    names = list(next(iter(rows.values())))
    computed = {name for name, column in frame.columns.items() if column.strides != (0,)}
    if keys != list(rows) or set(names) != computed:
        raise SystemExit(f"candidates or features differ: {sorted(set(names) ^ computed)}")
    worst = 0.0
    for name in names:
        theirs = np.array([row[name] for row in rows.values()], dtype=np.float64)
        if not np.allclose(frame[name], theirs, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True):
            raise SystemExit(f"{name} differs by up to {np.nanmax(np.abs(frame[name] - theirs)):.1e}")
        worst = max(worst, float(np.nanmax(np.abs(frame[name] - theirs) / np.maximum(np.abs(theirs), 1.0))))
    return worst


def timed(compute: Callable[[], T]) -> tuple[float, T]:
    """Seconds and what came of it."""
    start = time.perf_counter()
    result = compute()
    return time.perf_counter() - start, result


def compare(case: Case, *, rounds: int) -> dict[str, float]:
    """Alternate the two; print each round; give the medians."""
    inputs, neighbours = plain_inputs(case), plain_neighbours(case)
    ratios, ours, theirs = [], [], []
    for _ in range(rounds):
        our_seconds, frame = timed(lambda: compute_ours(case))
        their_seconds, rows = timed(lambda: compute_theirs(inputs, neighbours))
        worst = largest_difference(frame, rows)
        n_features = len(next(iter(rows.values())))
        values = len(rows) * n_features
        ratios.append(their_seconds / our_seconds)
        ours.append(values / our_seconds)
        theirs.append(values / their_seconds)
        print(
            f"{len(rows):,} candidates x {n_features} features: loop {their_seconds:6.2f} s ({theirs[-1]:,.0f}/s)   "
            f"PROTEA {our_seconds:6.3f} s ({ours[-1]:,.0f}/s)   {ratios[-1]:5.1f} times faster   "
            f"values differ by {worst:.1e} at most"
        )
    return {
        "features_ratio": statistics.median(ratios),
        "features_per_second": statistics.median(ours),
        "loop_features_per_second": statistics.median(theirs),
    }


def main() -> None:
    """Measure, print a line a round and, with ``--json``, the medians as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--queries", type=int, default=256, help="proteins of the batch")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side")
    arguments = parser.parse_args()
    figures = compare(read_case(arguments.queries), rounds=arguments.rounds)
    print(f"median {figures['features_ratio']:.1f} times the loop's features per second")
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


if __name__ == "__main__":
    if ONE_THREAD.items() <= os.environ.items():
        main()
    else:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})  # noqa: S606 - itself
