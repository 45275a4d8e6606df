"""How common a term is among the references, how much the donor carries, how specific the term is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["go_context_features", "term_priors"]


def go_context_features(
    candidates: Candidates, annotations: ReferenceAnnotations, graph: GoGraph
) -> dict[str, NDArray[Any]]:
    """Families ``go_context`` and ``term``; both count over the whole bank, never over a batch."""
    return {
        "go_term_frequency": candidates.go_term_frequency,
        "ref_annotation_density": np.where(candidates.has_reference, candidates.ref_annotation_density, np.nan),
        "term_prior": term_priors(annotations, graph)[candidates.term_row],
    }


def term_priors(annotations: ReferenceAnnotations, graph: GoGraph) -> NDArray[np.float64]:
    """Share of the references annotated in a term's aspect that carry the term, in [0, 1], shape ``(n_terms,)``."""
    owners, aspects = annotations.owners, graph.aspects[annotations.term_rows]
    has_aspect = np.zeros((len(annotations.density), len(ASPECTS)), dtype=np.bool_)
    has_aspect[owners, aspects] = True
    sizes = has_aspect.sum(axis=0)[graph.aspects]
    return ratio(annotations.term_frequency, sizes, otherwise=0.0)
