"""What references gained lately and what links them with queries, each against a computation without matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_predictor.domain.carried_terms import CarriedTerms, Matrix
from protea_predictor.domain.features.gains import TermGains
from protea_predictor.domain.features.links import Interactions, LinkedPairs, Publications, vote_by_links
from protea_predictor.domain.reference_annotations import build_reference_annotations, propagate_annotations
from protea_predictor.domain.reference_bank import ReferenceProteins
from support.annotated_references import annotation_rows, random_graph, random_rows
from support.transferred import random_transfer

N_REFERENCES, N_TERMS = 60, 25
TAXA = (7, 10, 4000)


def carried(seed: int) -> tuple[CarriedTerms, np.ndarray]:
    """Random references, and their terms by experiment as 0 and 1."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, N_TERMS)
    rows = random_rows(rng, n_rows=200, n_references=N_REFERENCES, n_terms=N_TERMS)
    direct = build_reference_annotations(annotation_rows(rows), n_references=N_REFERENCES, n_terms=N_TERMS)
    terms = CarriedTerms.build(propagate_annotations(direct, graph), graph)
    return terms, terms.experimental.toarray() > 0


def references() -> ReferenceProteins:
    numbers = np.arange(N_REFERENCES)
    names = np.array([f"R{number:02d}".encode() for number in numbers])
    return ReferenceProteins(names, numbers, numbers.astype(np.int32) + 50, np.zeros(N_REFERENCES, dtype=np.int32))


def pairs_of(pairs: list[tuple[str, str]]) -> LinkedPairs:
    ones, others = (np.array([pair[end].encode() for pair in pairs], dtype=np.bytes_) for end in (0, 1))
    return LinkedPairs(ones, others)


def category_of(known: np.ndarray, aspects: np.ndarray, aspect: int) -> int:
    """0 where nothing is known, 1 where only other aspects are, 2 where this one is."""
    return 2 if (known & (aspects == aspect)).any() else int(known.any())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_gains_are_shares_of_those_that_gained(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms, after = carried(seed)
    before = after & (rng.random((N_REFERENCES, 1)) < 0.5) & (rng.random(after.shape) < 0.7)
    taxa = rng.choice(TAXA, N_REFERENCES)
    kept = Matrix(before.astype(np.float32))
    gains = TermGains.build(before=kept, after=terms.experimental, aspects=terms.aspects, taxa=taxa)
    candidates = random_transfer(seed).candidates
    query_taxa = rng.choice([*TAXA, 9606], 6)
    categories = rng.integers(0, 3, (6, 3)).astype(np.int8)

    found = gains.features(candidates, query_taxa, categories)["term_gains_species"]

    for query, term, value in zip(candidates.query_row, candidates.term_row, found, strict=True):
        aspect = terms.aspects[term]
        alike = np.array([category_of(row, terms.aspects, aspect) for row in before]) == categories[query, aspect]
        gained = after & ~before & alike[:, None]
        has_gained = gained[:, terms.aspects == aspect].any(axis=1)
        everyone = gained[:, term].sum() / has_gained.sum() if has_gained.any() else 0.0
        mine = taxa == query_taxa[query]
        expected = (gained[mine, term].sum() + 20 * everyone) / (has_gained[mine].sum() + 20)
        assert value == pytest.approx(expected)


def test_gains_of_an_unknown_time_are_absent() -> None:
    candidates = random_transfer(1).candidates
    found = TermGains(()).features(candidates, np.zeros(6, dtype=np.int64), np.zeros((6, 3), dtype=np.int8))
    assert np.isnan(found["term_gains_species"]).all()


def shares_one_by_one(weights: np.ndarray, has: np.ndarray, aspects: np.ndarray) -> np.ndarray:
    """Votes of a query's references, term by term; NaN where none has a term of the aspect."""
    shares = np.full(len(aspects), np.nan)
    for term, aspect in enumerate(aspects):
        total = sum(weight for row, weight in enumerate(weights) if has[row, aspects == aspect].any())
        if total > 0:
            shares[term] = sum(weight for row, weight in enumerate(weights) if has[row, term]) / (total + 1)
    return shares


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_interacting_references_vote_by_their_number_of_partners(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms, has = carried(seed)
    names = [f"R{number:02d}" for number in range(N_REFERENCES)] + ["Q1", "Q2", "X1"]
    pairs = [(str(one), str(other)) for one, other in rng.choice(names, (70, 2))]
    partners = {name: {a if b == name else b for a, b in pairs if name in (a, b) and a != b} for name in names}
    queries = ["R05", "Q1", "Q2", "STRANGER"]

    votes = vote_by_links(Interactions.build(pairs_of(pairs), references()).of(queries), terms)

    for row, query in enumerate(queries):
        weights = np.zeros(N_REFERENCES)
        for name in partners.get(query, set()) & set(names[:N_REFERENCES]):
            weights[int(name[1:])] = 1 / np.sqrt(len(partners[name]))
        found = votes.at(np.full(N_TERMS, row), np.arange(N_TERMS))
        np.testing.assert_allclose(found, shares_one_by_one(weights, has, terms.aspects), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_references_that_share_papers_vote_by_how_few_a_paper_is_about(seed: int) -> None:
    rng = np.random.default_rng(seed)
    terms, has = carried(seed)
    names = [f"R{number:02d}" for number in range(N_REFERENCES)] + ["Q1", "Q2"]
    crowd = [f"Z{number}" for number in range(101)]
    pairs = [(str(name), f"paper {rng.integers(0, 30)}") for name in rng.choice(names, 150)]
    pairs += [(name, "survey") for name in [*crowd, "Q1", "R01"]]
    about = {paper: {name for name, of in pairs if of == paper} for _, paper in pairs}
    queries = ["R05", "Q1", "Q2", "STRANGER"]

    links = Publications.build(pairs_of(pairs), references()).of(queries, references().rows_of(queries))

    for row, query in enumerate(queries):
        weights = np.zeros(N_REFERENCES)
        for members in about.values():
            for name in members - {query} if query in members and len(members) <= 100 else ():
                if name.startswith("R"):
                    weights[int(name[1:])] += 1 / (len(members) - 1)
        found = vote_by_links(links, terms).at(np.full(N_TERMS, row), np.arange(N_TERMS))
        np.testing.assert_allclose(found, shares_one_by_one(weights, has, terms.aspects), atol=1e-5)


def test_nothing_stated_is_no_link() -> None:
    terms, _ = carried(1)
    nothing = pairs_of([])
    linked = Interactions.build(nothing, references()).of(["R01"])
    papers = Publications.build(nothing, references()).of(["R01"], np.array([1]))
    for links in (linked, papers):
        assert np.isnan(vote_by_links(links, terms).at(np.zeros(N_TERMS, dtype=np.int64), np.arange(N_TERMS))).all()
