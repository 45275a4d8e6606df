from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_predictor.domain.features.association import association_features
from protea_predictor.domain.features.go_context import go_context_features
from protea_predictor.domain.features.interpro import InterProHits, interpro_features
from protea_predictor.domain.features.lineage import lineage_features
from protea_predictor.domain.features.self_prior import OwnTerms, self_prior_features
from protea_predictor.domain.features.term_lists import TermLists
from support.transferred import Transferred, random_transfer

N_TERMS = 25


def lists(*pairs: tuple[int, int]) -> TermLists:
    queries, terms = zip(*pairs, strict=True) if pairs else ((), ())
    return TermLists.of_pairs(np.array(queries, np.int64), np.array(terms, np.int64), n_terms=N_TERMS)


def known_terms(seed: int) -> TermLists:
    rng = np.random.default_rng(seed + 1)
    return TermLists.of_pairs(rng.integers(0, 4, 12), rng.integers(0, N_TERMS, 12), n_terms=N_TERMS)


def above(made: Transferred, term: int) -> set[int]:
    return set(made.graph.ancestors(term).tolist())


def known_of(known: TermLists, query: int) -> list[int]:
    terms: list[int] = known.term_row[known.query_row == query].tolist()
    return terms


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_lineage_counts_known_terms_above_and_below(seed: int) -> None:
    made, known = random_transfer(seed), known_terms(seed)
    found = lineage_features(made.candidates, known, made.graph)
    rows = zip(made.candidates.query_row.tolist(), made.candidates.term_row.tolist(), strict=True)
    for row, (query, term) in enumerate(rows):
        mine = known_of(known, query)
        ancestor_of = sum(term in above(made, other) for other in mine)
        descendant_of = sum(other in above(made, term) for other in mine)
        assert found["lineage_ancestor_of_count"][row] == ancestor_of
        assert found["lineage_descendant_of_count"][row] == descendant_of
        assert found["lineage_is_ancestor_of_known"][row] == (ancestor_of > 0)
        assert found["lineage_is_descendant_of_known"][row] == (descendant_of > 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_association_adds_up_what_known_terms_imply(seed: int) -> None:
    made, known = random_transfer(seed), known_terms(seed)
    found = association_features(made.candidates, known, made.annotations, made.graph)
    carriers: list[set[int]] = [set() for _ in range(N_TERMS)]
    for reference, term in zip(made.annotations.owners.tolist(), made.annotations.term_rows.tolist(), strict=True):
        carriers[term].add(reference)
    rows = zip(made.candidates.query_row.tolist(), made.candidates.term_row.tolist(), strict=True)
    for row, (query, term) in enumerate(rows):
        parts = {k: len(carriers[k] & carriers[term]) / len(carriers[k]) for k in known_of(known, query) if carriers[k]}
        other = [value for k, value in parts.items() if made.graph.aspects[k] != made.graph.aspects[term]]
        assert found["association_total"][row] == pytest.approx(sum(parts.values()), abs=1e-12)
        assert found["association_cross"][row] == pytest.approx(sum(other), abs=1e-12)
        assert found["association_present"][row] == (sum(parts.values()) > 0)


def test_the_prior_is_the_share_of_the_references_of_the_aspect() -> None:
    made = random_transfer(3)
    found = go_context_features(made.candidates, made.annotations, made.graph)
    aspects = made.graph.aspects
    for row, term in enumerate(made.candidates.term_row.tolist()):
        of_aspect = aspects[made.annotations.term_rows] == aspects[term]
        members = len(set(made.annotations.owners[of_aspect].tolist()))
        assert found["term_prior"][row] == pytest.approx(made.annotations.term_frequency[term] / members)


def test_own_annotations_hold_for_the_terms_above_them() -> None:
    made = random_transfer(4)
    term = int(made.candidates.term_row[made.candidates.query_row == 0].max())
    own = OwnTerms(curated=lists((0, term)).propagated(made.graph), electronic=lists((1, term)))
    found = self_prior_features(made.candidates, own)
    mine = made.candidates.query_row == 0
    implied = np.isin(made.candidates.term_row, [term, *above(made, term)])
    np.testing.assert_array_equal(found["self_prior_curated"], mine & implied)
    electronic = (made.candidates.query_row == 1) & (made.candidates.term_row == term)
    np.testing.assert_array_equal(found["self_prior_electronic"], electronic)
    np.testing.assert_array_equal(found["self_prior_score"], electronic | (mine & implied))


def test_a_worked_example_of_interpro() -> None:
    # Query 0 has entry 0 (by Pfam and by SMART), entry 1 (by PANTHER) and entry 2, which implies nothing.
    made = random_transfer(6)
    mine = made.candidates.term_row[made.candidates.query_row == 0]
    deep, other = int(mine.max()), int(mine.min())
    hits = InterProHits(
        query_row=np.array([0, 0, 0, 0]),
        entry_row=np.array([0, 0, 1, 2]),
        database=np.array([0, 3, 1, -1]),
        implied=TermLists.of_pairs(np.array([0, 1, 1]), np.array([deep, deep, other]), n_terms=N_TERMS),
    )
    found = interpro_features(made.candidates, hits, made.graph)
    row = int(np.flatnonzero((made.candidates.query_row == 0) & (made.candidates.term_row == deep))[0])
    assert found["interpro_hit"][row] == 1
    assert found["interpro_n_signatures"][row] == 2
    assert found["interpro_score"][row] == 1
    assert [found[f"interpro_db_{name}"][row] for name in ("pfam", "panther", "smart", "cdd")] == [1, 1, 1, 0]
    nobody = made.candidates.query_row != 0
    assert np.isnan(found["interpro_hit"][nobody]).all()
    np.testing.assert_array_equal(found["interpro_present"], ~nobody)
