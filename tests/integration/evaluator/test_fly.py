"""Real data: what the fly's proteins gained from 2017 to 2019, and how well plain term frequency finds it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import product
from uuid import UUID

from protea_common.domain.evidence import is_experimental, is_negated
from protea_common.domain.ontology import ASPECTS
from protea_common.orm import JobStatus
from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.protein_terms import ProteinTerms
from support.evaluation import fly_delta, fly_rows, go_graph
from support.evaluator import EvaluatorBench

LEAST_SHARE = 0.05


def term_frequencies() -> dict[int, float]:
    """Share of the proteins known at t0 that have a term, of the commoner terms."""
    graph, terms_of = go_graph(), defaultdict[str, set[int]](set)
    for row in fly_rows(until_t0=True):
        if is_experimental(row.evidence_code) and not is_negated(row.qualifier):
            terms_of[row.accession] |= with_ancestors(graph.row_of[row.go_id])
    counts = Counter(term for terms in terms_of.values() for term in terms)
    shares = {term: round(count / len(terms_of), 4) for term, count in counts.items()}
    return {term: share for term, share in shares.items() if share >= LEAST_SHARE}


@cache
def with_ancestors(term: int) -> frozenset[int]:
    """A term and all above it but the root, which is not measured."""
    graph = go_graph()
    return frozenset(row for row in [term, *graph.ancestors(term).tolist()] if len(graph.parents(row)))


async def insert_release(bench: EvaluatorBench, snapshot_id: UUID, *, until_t0: bool) -> UUID:
    rows = fly_rows(until_t0=until_t0)
    return await bench.insert_annotations(
        snapshot_id, ((row.accession, row.go_id, row.evidence_code, row.qualifier) for row in rows)
    )


def fmax(truth: Mapping[int, set[int]], known: Mapping[int, set[int]], scores: Mapping[int, float]) -> float:
    """Fmax (Jiang et al. 2016) when all proteins are predicted the same terms, less those known of each."""
    best = 0.0
    for step in range(1, 100):
        predicted = {term for term, score in scores.items() if score >= step / 100}
        told = {protein: predicted - known.get(protein, set()) for protein in truth}
        hits = {protein: len(told[protein] & terms) for protein, terms in truth.items()}
        precisions = [hits[protein] / len(told[protein]) for protein in truth if told[protein]]
        recall = sum(hits[protein] / len(terms) for protein, terms in truth.items()) / len(truth)
        if recall > 0:
            precision = sum(precisions) / len(precisions)
            best = max(best, 2 * precision * recall / (precision + recall))
    return round(best, 3)


def counted_fmax(category: Category) -> dict[str, float]:
    """Fmax of term frequency in each aspect, counted with sets and without the evaluator."""
    delta, frequencies = fly_delta(), term_frequencies()
    known = closed_terms(delta.known) if category is Category.PARTIAL_KNOWLEDGE else {}
    found = {}
    for number, aspect in enumerate(ASPECTS):
        pairs = delta.truth[category]
        gained = closed_terms(pairs.where(pairs.aspects == number))
        novel = {protein: terms - known.get(protein, set()) for protein, terms in gained.items()}
        scores = {term: share for term, share in frequencies.items() if go_graph().aspects[term] == number}
        found[aspect.cafa] = fmax({protein: terms for protein, terms in novel.items() if terms}, known, scores)
    return found


def closed_terms(pairs: ProteinTerms) -> dict[int, set[int]]:
    """Terms of each protein with their ancestors, without roots."""
    terms_of = defaultdict[int, set[int]](set)
    for protein, term in zip(pairs.proteins.tolist(), pairs.terms.tolist(), strict=True):
        terms_of[protein] |= with_ancestors(term)
    return terms_of


async def test_term_frequency_on_the_fly_scores_as_counted_without_an_evaluator(bench: EvaluatorBench) -> None:
    graph, delta = go_graph(), fly_delta()
    snapshot_id = await bench.insert_graph(graph)
    old = await insert_release(bench, snapshot_id, until_t0=True)
    new = await insert_release(bench, snapshot_id, until_t0=False)
    frequencies = term_frequencies()
    rows = [(name, graph.go_ids[term], share) for name in delta.accessions for term, share in frequencies.items()]
    prediction_set = await bench.insert_predictions(old, rows)

    generated = await bench.finished(await bench.generate(old, new))
    (evaluation_set,) = await bench.evaluation_sets()
    measured = await bench.finished(await bench.run(evaluation_set.id, prediction_set))
    await bench.finished(await bench.run(evaluation_set.id, prediction_set, engine="cafaeval"))

    assert generated.status is JobStatus.SUCCEEDED
    assert measured.status is JobStatus.SUCCEEDED
    assert evaluation_set.stats == delta.stats | {"unmapped_annotations": 0}
    assert [evaluation_set.stats[f"{name}_proteins"] for name in ("nk", "lk", "pk")] == [50, 174, 760]
    results = await bench.results()
    assert sorted(stored.evaluator["engine"] for stored in results) == ["cafaeval", "protea"]
    for stored, category in product(results, Category):
        measured_fmax = {name: round(cell["fmax"], 3) for name, cell in stored.results[category].items()}
        assert measured_fmax == counted_fmax(category)
