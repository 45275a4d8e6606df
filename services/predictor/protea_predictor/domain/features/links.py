"""Votes of references that are linked with a query: they interact with it, or a paper is about both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array

from protea_common.domain.ontology import ASPECTS
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.carried_terms import CarriedTerms, Matrix, pick_entries
from protea_predictor.domain.features.aspect_votes import AspectShares
from protea_predictor.domain.features.term_values import TermValues
from protea_predictor.domain.reference_bank import ReferenceProteins

__all__ = ["Interactions", "LinkVotes", "LinkedPairs", "Publications", "StatedLinks", "vote_by_links"]

_PROTEINS_OF_A_PAPER = 100
"""A paper about more proteins says little of any two of them."""

_DOUBT = 1.0
"""Weight of a voter without terms that is added to the others: one weak link alone is no certainty."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkedPairs:
    """Pairs of a protein and what it is linked with, as often as they come; shape ``(n,)`` each.

    Attributes
    ----------
    accessions
        UTF-8.
    partners
        UTF-8: accessions of other proteins, or names of papers.
    """

    accessions: NDArray[np.bytes_]
    partners: NDArray[np.bytes_]


@dataclass(frozen=True, slots=True, eq=False)
class StatedLinks:
    """Links that an annotation set states: pairs of proteins, and of proteins and papers."""

    interactions: LinkedPairs
    publications: LinkedPairs


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """Proteins that interact physically.

    Attributes
    ----------
    accessions
        Those that interact with any, ascending and distinct, shape ``(n,)``.
    weights
        Of each with each reference: 1 / sqrt of the partners that the reference has; shape ``(n, n_references)``.
    """

    accessions: NDArray[np.bytes_]
    weights: Matrix

    @classmethod
    def build(cls, pairs: LinkedPairs, proteins: ReferenceProteins) -> Interactions:
        """Link the proteins of each pair both ways; nothing is linked with itself."""
        accessions, ends = np.unique(np.concatenate([pairs.accessions, pairs.partners]), return_inverse=True)
        one, other = np.split(ends, 2)
        one, other = one[one != other], other[one != other]
        rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
        shape = (len(accessions), len(accessions))
        linked = Matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
        linked.data[:] = 1  # a pair that came twice was added up
        scale = 1 / np.sqrt(np.maximum(np.asarray(linked.sum(axis=0)).ravel(), 1))
        return cls(accessions, Matrix(linked @ diags_array(scale.astype(np.float32)) @ _columns(accessions, proteins)))

    def of(self, accessions: Sequence[str]) -> Matrix:
        """Weights of queries with references, shape ``(n_queries, n_references)``."""
        return Matrix(_rows(accessions, self.accessions) @ self.weights)


@dataclass(frozen=True, slots=True, eq=False)
class Publications:
    """Proteins that papers are about.

    Attributes
    ----------
    accessions
        Ascending and distinct, shape ``(n,)``.
    papers
        Of each with each paper, 1 / (proteins of the paper - 1), shape ``(n, n_papers)``.
    of_references
        1 where a paper is about a reference, shape ``(n_papers, n_references)``.
    """

    accessions: NDArray[np.bytes_]
    papers: Matrix
    of_references: Matrix

    @classmethod
    def build(cls, pairs: LinkedPairs, proteins: ReferenceProteins) -> Publications:
        """Keep the papers about 2 to 100 proteins."""
        accessions, rows = np.unique(pairs.accessions, return_inverse=True)
        names, columns = np.unique(pairs.partners, return_inverse=True)
        shape = (len(accessions), len(names))
        about = Matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
        about.data[:] = 1
        sizes = np.asarray(about.sum(axis=0)).ravel()
        about = pick_entries(about, ((sizes > 1) & (sizes <= _PROTEINS_OF_A_PAPER))[about.indices])
        weighted = Matrix(about @ diags_array((1 / np.maximum(sizes - 1, 1)).astype(np.float32)))
        return cls(accessions, weighted, Matrix(about.T @ _columns(accessions, proteins)))

    def of(self, accessions: Sequence[str], own_rows: NDArray[np.int64]) -> Matrix:
        """Weights of queries with references, which add up over papers, shape ``(n_queries, n_references)``.

        ``own_rows`` are the rows of the queries among the references, -1 for none: nothing is linked with itself.
        """
        linked = Matrix(_rows(accessions, self.accessions) @ self.papers @ self.of_references)
        owners = np.repeat(np.arange(linked.shape[0]), np.diff(linked.indptr))
        return pick_entries(linked, linked.indices != own_rows[owners])


@dataclass(frozen=True, slots=True, eq=False)
class LinkVotes:
    """What the references linked with each query say."""

    interactions: AspectShares
    publications: AspectShares

    def features(self, candidates: Candidates) -> dict[str, NDArray[Any]]:
        """Family ``links``; NaN where a query is linked with no reference that has a term in the aspect."""
        return {
            "interaction_vote": self.interactions.at(candidates.query_row, candidates.term_row),
            "publication_vote": self.publications.at(candidates.query_row, candidates.term_row),
        }


def vote_by_links(links: Matrix, carried: CarriedTerms) -> AspectShares:
    """Let linked references vote for the experimental terms that they have, in each aspect apart.

    Parameters
    ----------
    links
        Weights of queries with references, shape ``(n_queries, n_references)``.
    """
    has_voters = np.zeros((links.shape[0], len(ASPECTS)), dtype=np.bool_)
    shares = Matrix((links.shape[0], carried.experimental.shape[1]), dtype=np.float64)
    for aspect in range(len(ASPECTS)):
        known = carried.experimental
        of_aspect = pick_entries(known, carried.aspects[known.indices] == aspect).astype(np.float64)
        voters = pick_entries(links, (np.diff(of_aspect.indptr) > 0)[links.indices]).astype(np.float64)
        totals = np.asarray(voters.sum(axis=1)).ravel()
        has_voters[:, aspect] = totals > 0
        shares = Matrix(shares + diags_array(1 / (totals + _DOUBT)) @ (voters @ of_aspect))
    return AspectShares(TermValues.of(shares), has_voters, carried.aspects)


def _rows(wanted: Sequence[str], accessions: NDArray[np.bytes_]) -> Matrix:
    """Pick the rows of some accessions, as a matrix to multiply with; rows of others are empty."""
    names = np.array([accession.encode() for accession in wanted], dtype=np.bytes_)
    return _matches(names, accessions)


def _columns(accessions: NDArray[np.bytes_], proteins: ReferenceProteins) -> Matrix:
    """Bring columns in the order of accessions into the order of references."""
    return Matrix(_matches(proteins.accessions, accessions).T)


def _matches(names: NDArray[np.bytes_], accessions: NDArray[np.bytes_]) -> Matrix:
    """1 where a name is an accession, shape ``(n_names, n_accessions)``; ``accessions`` ascend."""
    if len(accessions) == 0:
        return Matrix((len(names), 0), dtype=np.float32)
    places = np.minimum(np.searchsorted(accessions, names), len(accessions) - 1)
    found = np.flatnonzero(accessions[places] == names)
    ones = np.ones(len(found), dtype=np.float32)
    return Matrix((ones, (found, places[found])), shape=(len(names), len(accessions)))
