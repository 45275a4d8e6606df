"""Information accretion: how much a term says about a protein of which its parents are known; weights of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.ragged import indptr_of

__all__ = ["term_weights"]


def term_weights(keys: NDArray[np.int64], graph: GoGraph) -> NDArray[np.float64]:
    """Compute the information accretion of each term from what proteins have.

    For a term with ``n`` proteins, of ``m`` that have all its parents, it is ``-log2((n + 1) / (m + 1))``, as the
    evaluator has it.

    Parameters
    ----------
    keys
        Propagated pairs, ascending, as `propagated_keys` numbers them.
    graph
        The graph of the terms.

    Returns
    -------
    weights
        In bits, at least 0, shape ``(n_terms,)``; 0 for roots.

    References
    ----------
    Clark and Radivojac 2013, Bioinformatics 29:i53, equation 4.
    """
    n_terms = len(graph.go_ids)
    proteins, terms = np.divmod(keys, max(1, n_terms))
    order = np.argsort(terms, kind="stable")
    members, indptr = proteins[order], indptr_of(terms, n_terms)
    weights = np.zeros(n_terms)
    for term in range(n_terms):
        parents = graph.parents(term)
        if len(parents):
            lists = sorted((members[indptr[row] : indptr[row + 1]] for row in parents), key=len)
            common = lists[0]
            for other in lists[1:]:
                common = np.intersect1d(common, other, assume_unique=True)
            weights[term] = np.log2((len(common) + 1) / (indptr[term + 1] - indptr[term] + 1))
    return weights
