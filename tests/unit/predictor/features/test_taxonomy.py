from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from protea_predictor.domain.features.taxonomy import InvalidTaxonomyError, Taxonomy
from protea_predictor.domain.features.taxonomy_features import (
    Taxa,
    taxonomy_pair_features,
    taxonomy_voter_features,
)
from protea_predictor.domain.features.written import RELATIONS
from support.transferred import random_transfer

HUMAN, CHIMP, MOUSE, FLY, BACILLUS, PHAGE, METAZOA = 9606, 9598, 10090, 7227, 1423, 10665, 33208

LINEAGES = [
    (1, 131567, 2759, 33154, METAZOA, 6072, 33213, 33511, 7711, 7742, 40674, 9347, 314146, 9443, 9604, 9605, HUMAN),
    (9604, 9596, CHIMP),
    (314146, 314147, 9989, 10066, 10088, MOUSE),
    (33213, 33317, 50557, 7214, 7215, FLY),
    (131567, 2, 1239, 1386, BACILLUS),
    (1, 10239, 10662, PHAGE),
]
"""A part of the NCBI taxonomy, shortened; each line goes down from a taxon of an earlier one."""


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    nodes = ["1\t|\t1\t|\tno rank\t|\n"]
    for lineage in LINEAGES:
        nodes += [f"{child}\t|\t{parent}\t|\tno rank\t|\n" for parent, child in pairwise(lineage)]
    return Taxonomy.from_dump(nodes, ["63221\t|\t9606\t|\n"])


@pytest.mark.parametrize(
    ("first", "second", "lca", "distance", "common", "relation"),
    [
        (HUMAN, HUMAN, HUMAN, 0, 1, "same"),
        (63221, HUMAN, HUMAN, 0, 1, "same"),
        (HUMAN, METAZOA, METAZOA, 12, 5, "descendant"),
        (METAZOA, HUMAN, METAZOA, 12, 5, "ancestor"),
        (HUMAN, CHIMP, 9604, 4, 15, "intermediate"),
        (HUMAN, MOUSE, 314146, 9, 13, "intermediate"),
        (FLY, HUMAN, 33213, 15, 7, "intermediate"),
        (HUMAN, BACILLUS, 131567, 19, 2, "distant"),
        (HUMAN, PHAGE, 1, 19, 1, "root-only"),
        (HUMAN, 0, np.nan, np.nan, 0, "unrelated"),
        (424242, HUMAN, np.nan, np.nan, 0, "unrelated"),
        (424242, 424242, np.nan, np.nan, 0, "unrelated"),
    ],
)
def test_how_two_taxa_lie(
    taxonomy: Taxonomy, *, first: int, second: int, lca: float, distance: float, common: int, relation: str
) -> None:
    pairs = taxonomy.compare(np.array([first]), np.array([second]))
    np.testing.assert_array_equal(pairs.lca, [lca])
    np.testing.assert_array_equal(pairs.distance, [distance])
    assert pairs.common_ancestors.tolist() == [common]
    assert RELATIONS[pairs.relation[0]] == relation


def test_more_than_fifteen_taxa_in_common_are_close() -> None:
    chain = [f"{child}\t|\t{max(child - 1, 1)}\t|\n" for child in range(1, 18)]
    taxonomy = Taxonomy.from_dump([*chain, "100\t|\t16\t|\n", "200\t|\t15\t|\n"])
    pairs = taxonomy.compare(np.array([17, 17]), np.array([100, 200]))
    assert pairs.common_ancestors.tolist() == [16, 15]
    assert [RELATIONS[code] for code in pairs.relation] == ["close", "intermediate"]


def test_a_dump_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidTaxonomyError, match="no line of an NCBI"):
        Taxonomy.from_dump(["taxid,parent\n"])
    with pytest.raises(InvalidTaxonomyError, match="Taxon 7 is a parent"):
        Taxonomy.from_dump(["1\t|\t1\t|\n", "5\t|\t7\t|\n"])
    with pytest.raises(InvalidTaxonomyError, match="own ancestors"):
        Taxonomy.from_dump(["1\t|\t1\t|\n", "5\t|\t7\t|\n", "7\t|\t5\t|\n"]).compare(np.array([5]), np.array([1]))


def test_an_empty_dump_knows_nobody() -> None:
    pairs = Taxonomy.from_dump([]).compare(np.array([9606]), np.array([1]))
    assert np.isnan(pairs.lca).all()
    assert pairs.common_ancestors.tolist() == [0]


def test_features_of_the_nearest_donor_and_of_all_voters(taxonomy: Taxonomy) -> None:
    made = random_transfer(2)
    rng = np.random.default_rng(0)
    references = rng.choice([HUMAN, CHIMP, MOUSE, FLY, PHAGE, 0], 30)
    queries = np.array([HUMAN, METAZOA, MOUSE, FLY, 0, HUMAN])
    taxa = Taxa(taxonomy, queries, references)
    pair, voters = taxonomy_pair_features(made.candidates, taxa), taxonomy_voter_features(made.candidates, taxa)
    donors = made.candidates.donors
    for row, query in enumerate(queries[made.candidates.query_row].tolist()):
        votes = references[donors.reference_rows[donors.indptr[row] : donors.indptr[row + 1]]]
        alone = taxonomy.compare(np.full(len(votes), query), votes)
        nearest = references[made.candidates.reference_row[row]]
        np.testing.assert_array_equal(pair["query_taxonomy_id"][row], query or np.nan)
        np.testing.assert_array_equal(pair["ref_taxonomy_id"][row], nearest or np.nan)
        assert pair["taxonomic_relation"][row] == taxonomy.compare(np.array([query]), np.array([nearest])).relation[0]
        names = [RELATIONS[code] for code in alone.relation]
        close = np.mean([name in {"same", "ancestor", "descendant", "close"} for name in names])
        expected = [votes.tolist().count(query) / len(votes), close, alone.common_ancestors.mean()]
        found = [voters[f"tax_voters_{name}"][row] for name in ("same_frac", "close_frac", "mean_common_ancestors")]
        np.testing.assert_allclose(found, expected if query else [np.nan] * 3)
