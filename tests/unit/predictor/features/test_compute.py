from __future__ import annotations

from dataclasses import replace

import numpy as np

from protea_predictor.domain.carried_terms import CarriedTerms, Matrix, pick_entries
from protea_predictor.domain.features.anc2vec import TermVectors
from protea_predictor.domain.features.association import Associations, associate
from protea_predictor.domain.features.compute import FeatureSources, compute_features
from protea_predictor.domain.features.definitions import FEATURES, PRODUCED_FAMILIES
from protea_predictor.domain.features.frame import FeatureFrame
from protea_predictor.domain.features.gains import TermGains
from protea_predictor.domain.features.links import LinkVotes, vote_by_links
from protea_predictor.domain.features.pca import fit_projection
from protea_predictor.domain.features.profile import ReferenceProfiles, vote_by_profile
from protea_predictor.domain.features.self_prior import OwnTerms
from protea_predictor.domain.features.species import SpeciesPriors
from protea_predictor.domain.features.taxonomy import Taxonomy
from protea_predictor.domain.features.taxonomy_features import Taxa
from protea_predictor.domain.features.term_lists import TermLists
from support.transferred import Transferred, random_transfer

N_QUERIES = 6


def shifted(lists: TermLists, first: int, last: int) -> TermLists:
    """The terms of some queries, numbered from 0."""
    mine = (lists.query_row >= first) & (lists.query_row < last)
    return TermLists.of_pairs(lists.query_row[mine] - first, lists.term_row[mine], n_terms=lists.n_terms)


def all_sources(made: Transferred, first: int = 0, last: int = N_QUERIES) -> FeatureSources:
    rng = np.random.default_rng(77)
    known, curated, electronic = (
        shifted(TermLists.of_pairs(rng.integers(0, N_QUERIES, 20), rng.integers(0, 25, 20), n_terms=25), first, last)
        for _ in range(3)
    )
    accretion, taxa = rng.uniform(0, 9, 25), rng.integers(0, 40, N_QUERIES)[first:last]
    carried = CarriedTerms.build(made.annotations, made.graph)
    implied, n_queries = known.propagated(made.graph), last - first
    chain = Taxonomy.from_dump([f"{child}\t|\t{max(child // 2, 1)}\t|\n" for child in range(1, 40)])
    return FeatureSources(
        known=known,
        own=OwnTerms(curated, electronic),
        associations=associate(Associations.build(carried.experimental), implied, accretion, n_queries=n_queries),
        profile=vote_by_profile(
            ReferenceProfiles.build(carried, accretion),
            every=curated.propagated(made.graph),
            experimental=implied,
            own_rows=np.arange(N_QUERIES)[first:last],
        ),
        species=SpeciesPriors.build(carried, rng.integers(0, 4, 30)),
        query_taxa=taxa,
        gains=TermGains.build(
            before=pick_entries(carried.experimental, rng.random(carried.experimental.nnz) < 0.5),
            after=carried.experimental,
            aspects=carried.aspects,
            taxa=rng.integers(0, 4, 30),
        ),
        categories=rng.integers(0, 3, (N_QUERIES, 3)).astype(np.int8)[first:last],
        links=LinkVotes(
            *(vote_by_links(Matrix(weights[first:last]), carried) for weights in rng.random((2, N_QUERIES, 30)))
        ),
        information_accretion=accretion,
        taxa=Taxa(chain, taxa, rng.integers(0, 40, 30)),
        term_vectors=TermVectors.build(made.graph.go_ids, rng.normal(size=(25, 5)), made.graph),
        projection=fit_projection(rng.normal(size=(60, 8))),
        query_vectors=made.query_vectors,
    )


def compute(first: int = 0, last: int = N_QUERIES) -> FeatureFrame:
    made = random_transfer(11, queries=slice(first, last))
    return compute_features(made.candidates, made.context, all_sources(made, first, last))


def test_the_other_queries_of_a_batch_change_no_bit() -> None:
    together = compute()
    parts = [(0, 1), (1, 4), (4, 6)]
    for first, last in parts:
        alone = compute(first, last)
        mine = (together.query_row >= first) & (together.query_row < last)
        np.testing.assert_array_equal(together.term_row[mine], alone.term_row)
        for name in FEATURES:
            assert together[name][mine].tobytes() == alone[name].tobytes(), name


def test_values_lie_in_the_ranges_of_their_definitions() -> None:
    frame = compute()
    for name in FEATURES:
        definition, values = FEATURES[name], frame[name]
        there = values[values >= 0] if definition.is_category else values[~np.isnan(values)]
        low = 0 if definition.is_category else definition.low
        high = len(definition.vocabulary) - 1 if definition.is_category else definition.high
        assert low is None or (there >= low).all(), name
        assert high is None or (there <= high).all(), name


def test_families_without_a_source_are_absent() -> None:
    made = random_transfer(11)
    frame = compute_features(made.candidates, made.context, FeatureSources())
    always = ("knn", "annotation_meta", "length", "knn_vote", "go_context", "knn_distance", "knn_voters")
    assert set(frame.families) == {*always, "term"}
    assert np.isnan(frame["self_prior_score"]).all()
    everything = compute().families
    assert set(everything) == set(PRODUCED_FAMILIES) - {
        "alignment_nw",
        "alignment_sw",
        "alignment_voters",
        "interpro",
        "channels",
    }


def test_evidence_has_the_same_code_whatever_number_a_bank_gave_it() -> None:
    made = random_transfer(11)
    codes = made.annotations.evidence_codes
    order = np.argsort(codes)
    renumbered = replace(made.annotations, evidence_codes=tuple(codes[place] for place in order))
    number = np.argsort(order).astype(np.int16)
    candidates = replace(
        made.candidates,
        evidence=number[made.candidates.evidence],
        donors=replace(made.candidates.donors, evidence=number[made.candidates.donors.evidence]),
    )
    context = replace(made.context, annotations=renumbered)
    first = compute_features(made.candidates, made.context, FeatureSources())
    second = compute_features(candidates, context, FeatureSources())
    for name in ("evidence_code", "knn_vote_experimental", "knn_vote_electronic"):
        np.testing.assert_array_equal(first[name], second[name])
    assert set(first["evidence_code"].tolist()) > {-1}
