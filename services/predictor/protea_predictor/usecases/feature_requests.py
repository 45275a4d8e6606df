"""Which families of features a request asks for, and what must be there for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from protea_common.errors import PermanentError
from protea_common.operations import PredictGoTerms

__all__ = ["FAMILY_CHOICES", "FeatureSourceMissingError", "requested_families", "require_sources"]


class FeatureSourceMissingError(PermanentError):
    """A family of features was asked for whose file the operator has not given."""

    slug: ClassVar[str] = "feature-source-missing"


FAMILY_CHOICES: Mapping[str, str] = MappingProxyType(
    {
        "alignment_nw": "compute_alignments",
        "alignment_sw": "compute_alignments",
        "alignment_voters": "alignment",
        "channels": "alignment",
        "taxonomy_pair": "compute_taxonomy",
        "taxonomy_voters": "compute_taxonomy",
        "anc2vec_neighbor": "compute_term_vectors",
        "anc2vec_query": "compute_term_vectors",
        "emb_pca": "compute_embedding_pca",
        "interpro": "interpro_mapping",
        "lineage": "compute_lineage",
        "self_prior": "compute_self_prior",
        "association": "compute_association",
        "profile": "compute_profile",
        "species": "compute_species_prior",
        "gains": "compute_term_gains",
        "links": "compute_links",
        "information": "compute_information",
    }
)
"""Choice of a request that computes each family that not every prediction has."""


def requested_families(request: PredictGoTerms, *, is_aligned: bool, has_figures: bool) -> tuple[str, ...]:
    """Name the families that a request adds to those of every prediction."""
    settled = {"alignment": is_aligned, "compute_alignments": has_figures}
    return tuple(
        family for family, choice in FAMILY_CHOICES.items() if settled.get(choice, bool(getattr(request, choice)))
    )


def require_sources(request: PredictGoTerms, *, taxonomy_dir: Path | None, term_vectors_file: Path | None) -> None:
    """Refuse a request for features whose file is not given, before anything is predicted.

    Raises
    ------
    FeatureSourceMissingError
        Naming the setting.
    """
    if request.compute_taxonomy and taxonomy_dir is None:
        raise FeatureSourceMissingError(
            "compute_taxonomy needs an NCBI taxonomy dump; unpack one and set PROTEA_PREDICTOR__TAXONOMY_DIR to its "
            "folder, or leave compute_taxonomy out."
        )
    if request.compute_term_vectors and term_vectors_file is None:
        raise FeatureSourceMissingError(
            "compute_term_vectors needs vectors of GO terms; set PROTEA_PREDICTOR__TERM_VECTORS_FILE to an .npz file "
            "with go_ids and vectors, or leave compute_term_vectors out."
        )
