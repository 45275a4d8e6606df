"""The features hold what sparse matrices over all proteins at once give, on the fly's own annotations."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from accuracy import DEMO
from accuracy_windows import SELECTION, Files

from protea_evaluator.domain.knowledge import Category
from protea_predictor.domain.annotation_rows import AnnotationRows
from protea_predictor.domain.carried_terms import CarriedTerms, is_root
from protea_predictor.domain.features.aspect_votes import AspectVotes, RankedDonors, vote_by_aspect
from protea_predictor.domain.features.association import Associations, associate
from protea_predictor.domain.features.gains import TermGains
from protea_predictor.domain.features.profile import ReferenceProfiles, vote_by_profile
from protea_predictor.domain.features.species import SpeciesPriors
from protea_predictor.domain.features.term_lists import TermLists
from protea_predictor.domain.reference_annotations import build_reference_annotations, propagate_annotations
from support.matrix_signals.corpus import Corpus, Evidence, Matrix, Window, cut_window, read_corpus
from support.matrix_signals.hits import Hits
from support.matrix_signals.priors import gains_by_species
from support.matrix_signals.signals import Signals, compute_signals

CODES = ("IDA", "ISS", "ND")
"""Stand for the kinds of evidence, in the order of `Evidence`."""


class World(NamedTuple):
    corpus: Corpus
    window: Window
    hits: Hits
    theirs: Signals
    carried: CarriedTerms


@cache
def make_world() -> World:
    """All proteins are references; what a NOT takes out is no annotation on either side."""
    corpus = without_denied(read_fly())
    window = cut_window(corpus, SELECTION.start, SELECTION.end)
    hits = random_hits(corpus, window)
    theirs = compute_signals(corpus, window, aligned=hits, by_kmers=hits)
    return World(corpus, window, hits, theirs, carried_before(corpus, window.start))


def read_fly() -> Corpus:
    files = Files.of(None, demo=DEMO)
    return read_corpus(ontology=files.ontology, proteins=files.proteins, annotations=files.annotations)


def without_denied(corpus: Corpus) -> Corpus:
    denied = {protein for protein, is_not in zip(corpus.proteins, corpus.negated, strict=True) if is_not}
    kept = ~np.isin(corpus.proteins, list(denied))
    columns = {name: getattr(corpus, name)[kept] for name in ("proteins", "terms", "kinds", "days", "negated")}
    return Corpus(corpus.accessions, corpus.sequences, corpus.taxa, corpus.graph, **columns)


def random_hits(corpus: Corpus, window: Window) -> Hits:
    """Seventy strangers of each target, so that more than 50 have a term in an aspect and less than 50 another."""
    rng = np.random.default_rng(1)
    owners = np.repeat(window.targets, 70)
    strangers = rng.integers(0, len(corpus.accessions), len(owners))
    pairs = np.unique(np.stack([owners, strangers], axis=1)[owners != strangers], axis=0)
    weights = rng.uniform(20, 400, len(pairs)).astype(np.float32)
    order = np.lexsort((-weights, pairs[:, 0]))
    return Hits(pairs[order, 0], pairs[order, 1], weights[order], (weights[order] / 400).astype(np.float32))


def carried_before(corpus: Corpus, day: date) -> CarriedTerms:
    chosen = np.flatnonzero(corpus.days < int(day.isoformat().replace("-", "")))
    rows = AnnotationRows(
        reference_row=corpus.proteins[chosen],
        term_row=corpus.terms[chosen],
        evidence=corpus.kinds[chosen].astype(np.int16),
        qualifier=np.zeros(len(chosen), dtype=np.int16),
        evidence_codes=CODES,
        qualifiers=("",),
    )
    n_references, n_terms = corpus.shape
    direct = build_reference_annotations(rows, n_references=n_references, n_terms=n_terms)
    return CarriedTerms.build(propagate_annotations(direct, corpus.graph), corpus.graph)


def inner(world: World, matrix: Matrix) -> np.ndarray:
    """Values of all targets and terms, roots left out."""
    values = np.asarray(matrix.toarray(), dtype=np.float64)
    values[:, is_root(world.corpus.graph)] = 0
    return values


def dense(world: World, votes: AspectVotes) -> np.ndarray:
    """The platform's, with 0 for absent."""
    n_targets, n_terms = len(world.window.targets), world.corpus.shape[1]
    rows = [votes.at(np.full(n_terms, row), np.arange(n_terms)) for row in range(n_targets)]
    return np.nan_to_num(np.stack(rows))


def known(world: World, *kinds: int) -> TermLists:
    rows = world.corpus.annotated_before(world.window.start, *kinds)[world.window.targets].tocoo()
    return TermLists.of_pairs(rows.row, rows.col, n_terms=world.corpus.shape[1])


@pytest.mark.parametrize("kind", ["experimental", "all"])
def test_votes_of_each_aspect(kind: str) -> None:
    world = make_world()
    row_of = np.full(world.corpus.shape[0], -1)
    row_of[world.window.targets] = np.arange(len(world.window.targets))
    hits = world.hits
    donors = RankedDonors(
        row_of[hits.targets], hits.references, hits.weights.astype(np.float64), len(world.window.targets)
    )
    order = np.argsort(donors.query_row, kind="stable")
    donors = RankedDonors(donors.query_row[order], donors.reference_row[order], donors.weights[order], donors.n_queries)
    matrix = world.carried.experimental if kind == "experimental" else world.carried.every
    ours = dense(world, vote_by_aspect(donors, matrix, world.carried.aspects, depth=50))
    theirs = inner(world, world.theirs.by_term[f"alignment_{kind}"])
    assert theirs.max() > 0.5
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_profile_votes() -> None:
    """Equal cosines are cut differently, so a few values differ where many references are alike."""
    world = make_world()
    votes = vote_by_profile(
        ReferenceProfiles.build(world.carried, world.window.accretion),
        every=known(world, Evidence.EXPERIMENTAL, Evidence.OTHER),
        experimental=known(world, Evidence.EXPERIMENTAL),
        own_rows=world.window.targets,
    )
    for ours, name in ((votes.experimental, "profile_experimental"), (votes.every, "profile_all")):
        theirs = inner(world, world.theirs.by_term[name])
        gaps = np.abs(dense(world, ours) - theirs)
        said = theirs > 0
        assert said.sum() > 1000
        assert np.mean(gaps[said] < 1e-4) > 0.9, name
        assert gaps.mean() < 1e-4, name


def test_associations() -> None:
    world = make_world()
    found = associate(
        Associations.build(world.carried.experimental),
        known(world, Evidence.EXPERIMENTAL),
        world.window.accretion,
        n_queries=len(world.window.targets),
    )
    terms = np.arange(world.corpus.shape[1])
    for values, name in ((found.greatest, "association_max"), (found.mean, "association_mean")):
        theirs = inner(world, world.theirs.by_term[name])
        ours = np.stack([values.at(np.full(len(terms), row), terms) for row in range(len(theirs))])
        assert theirs.max() > 0.5
        np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=name)


def test_gains() -> None:
    """Of the year before the window, by how much was known before it."""
    world = make_world()
    corpus, day = world.corpus, world.window.start
    before = carried_before(corpus, day.replace(year=day.year - 1)).experimental
    after, taxa = world.carried.experimental, corpus.taxa
    gains = TermGains.build(before=before, after=after, aspects=world.carried.aspects, taxa=taxa)
    terms = np.flatnonzero(~is_root(corpus.graph))
    tables = gains_by_species(corpus, day)
    for ours, category in zip(gains.by_category, Category, strict=True):
        for row, taxon in enumerate(np.unique(taxa), start=1):
            theirs = tables[category][row, terms]
            assert theirs.max() > 0.05
            np.testing.assert_allclose(ours.shares(np.full(len(terms), taxon), terms), theirs, atol=1e-12)


def test_species() -> None:
    world = make_world()
    taxa = world.corpus.taxa
    priors = SpeciesPriors.build(world.carried, taxa)
    terms = np.flatnonzero(~is_root(world.corpus.graph))
    (table,) = {id(each): each for each in world.theirs.priors["prior"].values()}.values()
    for row, taxon in enumerate(np.unique(taxa), start=1):
        ours = priors.shares(np.full(len(terms), taxon), terms)
        np.testing.assert_allclose(ours, table[row, terms], atol=1e-12)
