"""Definitions of the 54 features that are written beside a prediction, in the order of `FEATURE_JSONB_KEYS`."""

from __future__ import annotations

from typing import Final

from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS
from protea_predictor.domain.features.definition import Direction, FeatureDefinition

__all__ = ["ABSENT_CODE", "EVIDENCE_VOCABULARY", "PCA_COMPONENTS", "QUALIFIER_VOCABULARY", "RELATIONS", "WRITTEN"]

ABSENT_CODE: Final = -1
"""Code of a category that is absent, or of a text its vocabulary does not have."""

PCA_COMPONENTS: Final = 16
"""Components of the query's vector; their number is part of 16 names, so that it cannot be tuned."""

EVIDENCE_VOCABULARY = ("", *(code for codes in EVIDENCE_CODE_GROUPS.values() for code in codes))
"""All evidence codes; the empty text stands for an annotation without one. Order gives the codes: only ever append."""

QUALIFIER_VOCABULARY = (
    "",
    "enables",
    "contributes_to",
    "involved_in",
    "acts_upstream_of",
    "acts_upstream_of_positive_effect",
    "acts_upstream_of_negative_effect",
    "acts_upstream_of_or_within",
    "acts_upstream_of_or_within_positive_effect",
    "acts_upstream_of_or_within_negative_effect",
    "part_of",
    "colocalizes_with",
    "located_in",
    "is_active_in",
)
"""Relations of GAF 2.2 (http://geneontology.org/docs/go-annotation-file-gaf-format-2.2/), without NOT; only append."""

RELATIONS = (
    "same",
    "ancestor",
    "descendant",
    "child",
    "parent",
    "close",
    "intermediate",
    "distant",
    "root-only",
    "unrelated",
)
"""What the query's taxon is to a donor's: ``ancestor`` where the donor's lies below it; only append."""

_DONOR = "annotation of the nearest donor"
_NEIGHBOURS = "neighbours by embedding"
_POOL = "annotations of all references"
_TAXONOMY = "NCBI taxonomy dump of the operator"
_ANC2VEC = "Anc2Vec vectors of terms (Edera et al. 2022), given as a file"


def _number(
    name: str,
    family: str,
    meaning: str,
    source: str,
    *,
    unit: str = "1",
    low: float | None = 0.0,
    high: float | None = None,
    direction: Direction = Direction.NONE,
) -> FeatureDefinition:
    return FeatureDefinition(
        name=name, family=family, meaning=meaning, source=source, unit=unit, low=low, high=high, direction=direction
    )


def _category(name: str, family: str, meaning: str, source: str, vocabulary: tuple[str, ...]) -> FeatureDefinition:
    return FeatureDefinition(
        name=name, family=family, meaning=meaning, source=source, unit="code", vocabulary=vocabulary
    )


def _alignment(kind: str, family: str, what: str) -> tuple[FeatureDefinition, ...]:
    source = f"{what} alignment of query and nearest donor, BLOSUM62, gap open 10, extend 1"
    up, down = Direction.HIGHER, Direction.LOWER
    return (
        _number(f"identity_{kind}", family, "Identical columns / columns.", source, high=1.0, direction=up),
        _number(f"similarity_{kind}", family, "Columns that score above 0 / columns.", source, high=1.0, direction=up),
        _number(f"alignment_score_{kind}", family, "Raw score.", source, unit="score", low=None, direction=up),
        _number(f"gaps_pct_{kind}", family, "Columns with a gap / columns.", source, high=1.0, direction=down),
        _number(f"alignment_length_{kind}", family, "Columns.", source, unit="residues"),
    )


_KNN = (
    _number(
        "distance",
        "knn",
        "Distance from the query to the nearest donor.",
        _NEIGHBOURS,
        unit="distance",
        direction=Direction.LOWER,
    ),
    _category("qualifier", "annotation_meta", "Qualifier of the annotation.", _DONOR, QUALIFIER_VOCABULARY),
    _category("evidence_code", "annotation_meta", "Evidence code of the annotation.", _DONOR, EVIDENCE_VOCABULARY),
)

_COUNTS = (
    _number("length_query", "length", "Length of the query.", "query", unit="residues", low=1.0),
    _number("length_ref", "length", "Length of the nearest donor.", "nearest donor", unit="residues", low=1.0),
    _number(
        "vote_count",
        "knn_vote",
        "Distinct neighbours that carry the term.",
        _NEIGHBOURS,
        unit="donors",
        direction=Direction.HIGHER,
    ),
    _number(
        "k_position",
        "knn",
        "Rank of the nearest donor among the neighbours of its pool, from 1.",
        _NEIGHBOURS,
        unit="rank",
        low=1.0,
        direction=Direction.LOWER,
    ),
    _number(
        "go_term_frequency",
        "go_context",
        "References of the whole bank that carry the term.",
        _POOL,
        unit="references",
        direction=Direction.HIGHER,
    ),
    _number("ref_annotation_density", "go_context", "Terms the nearest donor is annotated with.", _DONOR, unit="terms"),
    _number(
        "neighbor_distance_std",
        "knn_distance",
        "Population standard deviation of the distances of all the query's neighbours.",
        _NEIGHBOURS,
        unit="distance",
    ),
    _number(
        "neighbor_vote_fraction",
        "knn_vote",
        "Distinct neighbours that carry the term / K.",
        _NEIGHBOURS,
        high=1.0,
        direction=Direction.HIGHER,
    ),
    _number(
        "neighbor_min_distance",
        "knn_distance",
        "Smallest distance of the donors.",
        _NEIGHBOURS,
        unit="distance",
        direction=Direction.LOWER,
    ),
    _number(
        "neighbor_mean_distance",
        "knn_distance",
        "Mean distance of the donors.",
        _NEIGHBOURS,
        unit="distance",
        direction=Direction.LOWER,
    ),
)

_TAXONOMY_PAIR = (
    _number("query_taxonomy_id", "taxonomy_pair", "Taxon of the query.", "query", unit="taxon", low=1.0),
    _number("ref_taxonomy_id", "taxonomy_pair", "Taxon of the nearest donor.", "nearest donor", unit="taxon", low=1.0),
    _number("taxonomic_lca", "taxonomy_pair", "Lowest common ancestor of both.", _TAXONOMY, unit="taxon", low=1.0),
    _number(
        "taxonomic_distance",
        "taxonomy_pair",
        "Steps from both up to the common ancestor, added.",
        _TAXONOMY,
        unit="steps",
        direction=Direction.LOWER,
    ),
    _number(
        "taxonomic_common_ancestors",
        "taxonomy_pair",
        "Taxa on both lineages; 1 for the same taxon, 0 where one is unknown.",
        _TAXONOMY,
        unit="taxa",
    ),
    _category(
        "taxonomic_relation",
        "taxonomy_pair",
        "What the query's taxon is to the donor's; unrelated where one is unknown.",
        _TAXONOMY,
        RELATIONS,
    ),
)

_ANC2VEC_FEATURES = (
    _number(
        "anc2vec_neighbor_cos",
        "anc2vec_neighbor",
        "Cosine of the term to the mean direction of the neighbours' distinct terms of its aspect.",
        _ANC2VEC,
        low=-1.0,
        high=1.0,
        direction=Direction.HIGHER,
    ),
    _number(
        "anc2vec_neighbor_maxcos",
        "anc2vec_neighbor",
        "Greatest cosine of the term to one of them other than itself.",
        _ANC2VEC,
        low=-1.0,
        high=1.0,
        direction=Direction.HIGHER,
    ),
    _number("anc2vec_has_emb", "anc2vec_neighbor", "Whether the term has a vector.", _ANC2VEC, high=1.0),
    _number(
        "anc2vec_query_known_cos",
        "anc2vec_query",
        "Cosine of the term to the mean direction of what is known of the query in its aspect.",
        _ANC2VEC,
        low=-1.0,
        high=1.0,
        direction=Direction.HIGHER,
    ),
    _number(
        "anc2vec_query_known_maxcos",
        "anc2vec_query",
        "Greatest cosine of the term to a known one.",
        _ANC2VEC,
        low=-1.0,
        high=1.0,
        direction=Direction.HIGHER,
    ),
    _number("anc2vec_query_known_count", "anc2vec_query", "Known terms with a vector.", _ANC2VEC, unit="terms"),
)

_TAXONOMY_VOTERS = (
    _number(
        "tax_voters_same_frac",
        "taxonomy_voters",
        "Donors of the query's taxon / donors.",
        _TAXONOMY,
        high=1.0,
        direction=Direction.HIGHER,
    ),
    _number(
        "tax_voters_close_frac",
        "taxonomy_voters",
        "Donors of the same taxon, one above or below it, or a close one / donors.",
        _TAXONOMY,
        high=1.0,
        direction=Direction.HIGHER,
    ),
    _number(
        "tax_voters_mean_common_ancestors",
        "taxonomy_voters",
        "Mean number of taxa on the lineages of query and donor.",
        _TAXONOMY,
        unit="taxa",
    ),
)

_PCA = tuple(
    _number(
        f"emb_pca_query_{component}",
        "emb_pca",
        f"Component {component} of the query's vector.",
        "principal components of the recipe's reference vectors",
        low=None,
    )
    for component in range(PCA_COMPONENTS)
)

WRITTEN: tuple[FeatureDefinition, ...] = (
    *_KNN,
    *_alignment("nw", "alignment_nw", "Global"),
    *_alignment("sw", "alignment_sw", "Local"),
    *_COUNTS,
    *_TAXONOMY_PAIR,
    *_ANC2VEC_FEATURES,
    *_TAXONOMY_VOTERS,
    *_PCA,
)
"""In the order of `FEATURE_JSONB_KEYS`."""
