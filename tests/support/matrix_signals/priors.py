"""How often terms are annotated, and how often they were gained in the year before, in all and in each species."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray

from protea_evaluator.domain.knowledge import Category
from support.matrix_signals.corpus import Corpus, Evidence, Matrix, aspect_columns

__all__ = ["gains_by_species", "prior_by_species"]

_SMOOTHING = 20.0
"""Proteins of all species that are added to those of one: rare species lean on the others."""


def prior_by_species(corpus: Corpus, known: Matrix) -> NDArray[np.float64]:
    """Share of the proteins with a term in its aspect that have the term.

    Returns
    -------
    shares
        In [0, 1]; row 0 for all species, then one row for each, ascending by taxon, shape ``(n_species + 1, n_terms)``.
    """
    rows = known.tocoo()
    return _shares(corpus, rows.row, rows.col)


def gains_by_species(corpus: Corpus, start: date) -> Mapping[Category, NDArray[np.float64]]:
    """Share of the proteins that gained a term of the aspect in the year before the window that gained the term.

    By how much was known of the protein a year before, as the category of the window's targets. Rows as in
    `prior_by_species`.
    """
    before = corpus.annotated_before(start.replace(year=start.year - 1), Evidence.EXPERIMENTAL)
    after = corpus.annotated_before(start, Evidence.EXPERIMENTAL)
    gained = Matrix(after - after.multiply(before))
    gained.eliminate_zeros()
    has_aspect = np.stack([np.diff(before[:, columns].indptr) > 0 for columns in aspect_columns(corpus.graph)], axis=1)
    rows = gained.tocoo()
    knows_aspect = has_aspect[rows.row, corpus.graph.aspects[rows.col]]
    knows_any = np.any(has_aspect, axis=1)[rows.row].astype(np.bool_)
    masks = {
        Category.NO_KNOWLEDGE: ~knows_any,
        Category.LIMITED_KNOWLEDGE: knows_any & ~knows_aspect,
        Category.PARTIAL_KNOWLEDGE: knows_aspect,
    }
    return {category: _shares(corpus, rows.row[mask], rows.col[mask]) for category, mask in masks.items()}


def _shares(corpus: Corpus, proteins: NDArray[np.int32], terms: NDArray[np.int32]) -> NDArray[np.float64]:
    species = np.unique(corpus.taxa)
    shares = np.zeros((len(species) + 1, corpus.shape[1]))
    for number, columns in enumerate(aspect_columns(corpus.graph)):
        of_aspect = corpus.graph.aspects[terms] == number
        pairs = proteins[of_aspect], terms[of_aspect]
        everyone = _counted(pairs, columns, corpus.shape[1])
        shares[0, columns] = everyone[0] / max(1, everyone[1])
        for row, taxon in enumerate(species, start=1):
            own = corpus.taxa[pairs[0]] == taxon
            counts, n_proteins = _counted((pairs[0][own], pairs[1][own]), columns, corpus.shape[1])
            shares[row, columns] = (counts + _SMOOTHING * shares[0, columns]) / (n_proteins + _SMOOTHING)
    return shares


def _counted(
    pairs: tuple[NDArray[np.int32], NDArray[np.int32]], columns: NDArray[np.int64], n_terms: int
) -> tuple[NDArray[np.int64], int]:
    """Proteins of each term, and in all."""
    return np.bincount(pairs[1], minlength=n_terms)[columns], len(np.unique(pairs[0]))
