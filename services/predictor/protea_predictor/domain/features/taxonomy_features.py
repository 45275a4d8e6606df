"""How the taxa of donors lie to the query's: of the nearest donor, and of all who vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.features.taxonomy import UNKNOWN_TAXON, Taxonomy, TaxonPairs
from protea_predictor.domain.features.votes import vote_owners
from protea_predictor.domain.features.written import RELATIONS

__all__ = ["Taxa", "taxonomy_pair_features", "taxonomy_voter_features"]

_CLOSE = np.isin(RELATIONS, ("same", "ancestor", "descendant", "child", "parent", "close"))


@dataclass(frozen=True, slots=True, eq=False)
class Taxa:
    """The taxonomy and who is of which taxon.

    Attributes
    ----------
    taxonomy
        The operator's dump.
    queries, references
        NCBI ids by row, `UNKNOWN_TAXON` where nobody gave one.
    """

    taxonomy: Taxonomy
    queries: NDArray[np.integer]
    references: NDArray[np.integer]


def taxonomy_pair_features(candidates: Candidates, taxa: Taxa) -> dict[str, NDArray[Any]]:
    """Family ``taxonomy_pair``: the query and its nearest donor; the relation is what the query is to the donor."""
    query = taxa.queries[candidates.query_row]
    reference = np.where(candidates.has_reference, taxa.references[candidates.reference_row], UNKNOWN_TAXON)
    pairs = _compare(taxa.taxonomy, query, reference)
    return {
        "query_taxonomy_id": np.where(query == UNKNOWN_TAXON, np.nan, query),
        "ref_taxonomy_id": np.where(reference == UNKNOWN_TAXON, np.nan, reference),
        "taxonomic_lca": pairs.lca,
        "taxonomic_distance": pairs.distance,
        "taxonomic_common_ancestors": pairs.common_ancestors,
        "taxonomic_relation": pairs.relation,
    }


def taxonomy_voter_features(candidates: Candidates, taxa: Taxa) -> dict[str, NDArray[Any]]:
    """Family ``taxonomy_voters``: all donors; NaN for a query whose taxon is unknown."""
    owners = vote_owners(candidates.donors.indptr)
    query = taxa.queries[candidates.query_row[owners]]
    pairs = _compare(taxa.taxonomy, query, taxa.references[candidates.donors.reference_rows])
    counts = np.diff(candidates.donors.indptr)
    is_known = taxa.queries[candidates.query_row] != UNKNOWN_TAXON

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        return ratio(np.bincount(owners, values, minlength=len(candidates)), np.where(is_known, counts, 0))

    return {
        "tax_voters_same_frac": mean(pairs.relation == RELATIONS.index("same")),
        "tax_voters_close_frac": mean(_CLOSE[pairs.relation]),
        "tax_voters_mean_common_ancestors": mean(pairs.common_ancestors),
    }


def _compare(taxonomy: Taxonomy, first: NDArray[np.integer], second: NDArray[np.integer]) -> TaxonPairs:
    """Compare each distinct pair once: proteins are many, their taxa few."""
    keys = first.astype(np.int64) << np.int64(32) | second.astype(np.int64)
    distinct, places = np.unique(keys, return_inverse=True)
    pairs = taxonomy.compare(distinct >> np.int64(32), distinct & np.int64(0xFFFFFFFF))
    return TaxonPairs(
        lca=pairs.lca[places],
        distance=pairs.distance[places],
        common_ancestors=pairs.common_ancestors[places],
        relation=pairs.relation[places],
    )
