"""The preset `alignment_vote` is the evaluator's baseline by alignment: two codes, one number."""

from __future__ import annotations

import numpy as np
import pytest

from protea_common.domain.ontology import Aspect, GoGraph, Relation
from protea_evaluator.domain.baselines import LEAST_SCORE, Hit, transfer_by_alignment
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_predictor.domain.features.votes import ChannelVotes, cells_of, weighted_vote

N_TERMS, N_DONORS, N_QUERIES = 40, 25, 6


def random_graph(rng: np.random.Generator) -> GoGraph:
    """A forest in two aspects: each term below an earlier one of its aspect."""
    names = [f"GO:{number:07d}" for number in range(N_TERMS)]
    aspects = [Aspect.MOLECULAR_FUNCTION if n % 2 else Aspect.BIOLOGICAL_PROCESS for n in range(N_TERMS)]
    edges = [Relation(names[n], names[n - 2 * int(rng.integers(1, n // 2 + 1))], "is_a") for n in range(2, N_TERMS)]
    return GoGraph.build(list(zip(names, aspects, strict=True)), edges)


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_bits_is_the_same_in_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng)
    proteins, terms = rng.integers(N_DONORS, size=50), rng.integers(N_TERMS, size=50)
    keys = np.unique(pair_keys(proteins.astype(np.int32), terms.astype(np.int32), graph))
    known = propagate_terms(ProteinTerms.from_keys(keys, graph), graph)
    bits = {(query, donor): float(rng.uniform(30, 900)) for query in range(N_QUERIES) for donor in range(N_DONORS)}
    donors, queries = [f"D{n:02d}" for n in range(N_DONORS)], [f"Q{n}" for n in range(N_QUERIES)]
    hits = [Hit(queries[query], donors[donor], value) for (query, donor), value in bits.items()]

    baseline = transfer_by_alignment(hits, donors, known, queries, graph)

    preset = {pair: score for pair, score in alignment_votes(bits, known, graph).items() if score >= LEAST_SCORE}
    found = zip(baseline.pairs.proteins.tolist(), baseline.pairs.terms.tolist(), baseline.scores.tolist(), strict=True)
    assert {(query, term): score for query, term, score in found} == pytest.approx(preset, abs=1e-12)


def alignment_votes(
    bits: dict[tuple[int, int], float], known: ProteinTerms, graph: GoGraph
) -> dict[tuple[int, int], float]:
    """Score each query's candidates as the predictor does."""
    terms_of = {donor: known.terms[known.proteins == donor].tolist() for donor in set(known.proteins.tolist())}
    candidates = sorted({(query, term) for query in range(N_QUERIES) for terms in terms_of.values() for term in terms})
    votes = [
        (owner, donor, bits[query, donor])
        for owner, (query, term) in enumerate(candidates)
        for donor, terms in terms_of.items()
        if term in terms
    ]
    owners, voters, weights = (np.array(column) for column in zip(*votes, strict=True))
    query_row, term_row = (np.array(column, dtype=np.int64) for column in zip(*candidates, strict=True))
    shares = weighted_vote(
        ChannelVotes(
            owners=owners,
            ranks=voters + 1,
            weights=weights,
            evidence=np.zeros(len(votes), dtype=np.int16),
            cells=cells_of(query_row, graph.aspects[term_row]),
        )
    )
    return dict(zip(candidates, shares.tolist(), strict=True))
