"""Definitions of the newer features, which frames and Parquet files hold and ``go_prediction_features`` does not."""

from __future__ import annotations

from typing import Final

from protea_predictor.domain.features.definition import Direction, FeatureDefinition, Status

__all__ = ["FURTHER", "INTERPRO_DATABASES"]

INTERPRO_DATABASES: Final = ("pfam", "panther", "superfamily", "smart", "cdd", "prosite")
"""Member databases whose support is a feature of its own; their names are part of the features' names."""

_UP = Direction.HIGHER
_BOTH = "neighbours by embedding and by alignment"
_ALIGNED = "donors by alignment"
_HITS = "all hits of the alignment"
_NEIGHBOURS = "neighbours by embedding"
_KNOWN = "the query's experimental terms known at t0, given with the request"
_OWN = "the query's own annotations in the set, dated before its cut-off"
_PAIRS = "pairs of terms on the references of the bank"
_SHOWN_PAIRS = "pairs of terms that experiments showed, on the references of the bank"
_INTERPRO = "InterPro hits of the query and the InterPro2GO mapping"


def _fraction(name: str, family: str, meaning: str, source: str) -> FeatureDefinition:
    return FeatureDefinition(name=name, family=family, meaning=meaning, source=source, low=0.0, high=1.0, direction=_UP)


def _amount(name: str, family: str, meaning: str, source: str, *, unit: str = "1") -> FeatureDefinition:
    return FeatureDefinition(
        name=name, family=family, meaning=meaning, source=source, unit=unit, low=0.0, direction=_UP
    )


def _absent(name: str, family: str, source: str) -> FeatureDefinition:
    meaning = "Not computed; the name is kept for models that were trained elsewhere."
    return FeatureDefinition(name=name, family=family, meaning=meaning, source=source, status=Status.DECLARED_ABSENT)


def _votes_by_evidence(channel: str, family: str, weight: str, source: str) -> tuple[FeatureDefinition, ...]:
    """Votes of a channel by three kinds of evidence, which add up to its weighted vote."""
    of = f"share of the {weight} of the query's {source}"
    return (
        _fraction(f"{channel}_vote_experimental", family, f"Donors with experimental evidence: their {of}.", source),
        _fraction(f"{channel}_vote_curated", family, f"Donors with other evidence than these two: their {of}.", source),
        _fraction(f"{channel}_vote_electronic", family, f"Donors with electronic evidence (IEA): their {of}.", source),
    )


def _votes_by_aspect(channel: str, family: str, weight: str, source: str) -> tuple[FeatureDefinition, ...]:
    """Votes of those alone that have a term, not the root, in the aspect."""
    of = f"share of the {weight} that have a term of the aspect, the root left out"
    return (
        _fraction(f"{channel}_aspect_vote", family, f"Donors' {of}.", source),
        _fraction(
            f"{channel}_aspect_vote_experimental",
            family,
            f"Donors' {of}, both by experimental evidence.",
            source,
        ),
    )


_KNN_VOTERS = (
    _fraction("knn_weighted_vote", "knn_voters", "Donors' share of the neighbours' similarities.", _NEIGHBOURS),
    _fraction("knn_rank_vote", "knn_voters", "Donors' share of the neighbours' 1/rank.", _NEIGHBOURS),
    _fraction("knn_sequence_vote", "knn_voters", "Distinct sequences among donors / among neighbours.", _NEIGHBOURS),
    *_votes_by_evidence("knn", "knn_voters", "similarities", _NEIGHBOURS),
    *_votes_by_aspect("knn", "knn_voters", "squared cosines of the 30 nearest neighbours", _NEIGHBOURS),
)

_ALIGNMENT_VOTERS = (
    _fraction("alignment_vote_fraction", "alignment_voters", "Distinct donors / the query's hits.", _ALIGNED),
    _fraction("alignment_weighted_vote", "alignment_voters", "Donors' share of the hits' bit scores.", _ALIGNED),
    _fraction("alignment_rank_vote", "alignment_voters", "Donors' share of the hits' 1/rank.", _ALIGNED),
    _fraction("alignment_max_identity", "alignment_voters", "Greatest identity of a donor.", _ALIGNED),
    _fraction("alignment_mean_identity", "alignment_voters", "Mean identity of the donors.", _ALIGNED),
    _amount("alignment_max_bitscore", "alignment_voters", "Greatest bit score of a donor.", _ALIGNED, unit="bits"),
    _fraction(
        "alignment_best_bitscore_fraction",
        "alignment_voters",
        "Greatest bit score of a donor / greatest of the query's hits.",
        _ALIGNED,
    ),
    *_votes_by_evidence("alignment", "alignment_voters", "bit scores", _ALIGNED),
    *_votes_by_aspect("alignment", "alignment_voters", "bit scores of the 50 best hits", _HITS),
    _fraction(
        "alignment_self_bitscore_fraction",
        "alignment_voters",
        "Greatest bit score of a donor / that of the query with itself by BLOSUM62, 1 at most.",
        _ALIGNED,
    ),
)

_CHANNELS = (
    _fraction("knn_present", "channels", "Whether a neighbour by embedding is a donor.", _BOTH),
    _fraction("alignment_present", "channels", "Whether an aligned reference is a donor.", _BOTH),
    _fraction("channel_agreement", "channels", "Donors found by both channels / distinct donors.", _BOTH),
)

_LINEAGE = (
    _fraction("lineage_is_ancestor_of_known", "lineage", "Whether the term is above a known one.", _KNOWN),
    _fraction("lineage_is_descendant_of_known", "lineage", "Whether the term is below a known one.", _KNOWN),
    _amount("lineage_ancestor_of_count", "lineage", "Known terms that it is above.", _KNOWN, unit="terms"),
    _amount("lineage_descendant_of_count", "lineage", "Known terms that it is below.", _KNOWN, unit="terms"),
)

_SELF_PRIOR = (
    _fraction("self_prior_score", "self_prior", "Whether the query itself has it, by evidence not experimental.", _OWN),
    _fraction("self_prior_curated", "self_prior", "The same by evidence neither experimental nor electronic.", _OWN),
    _fraction("self_prior_electronic", "self_prior", "The same by electronic evidence (IEA).", _OWN),
)

_ASSOCIATION = (
    _amount("association_total", "association", "Sum over known terms k of P(term given k); may exceed 1.", _PAIRS),
    _amount("association_cross", "association", "The same over known terms of the other aspects.", _PAIRS),
    _fraction("association_present", "association", "Whether association_total is above 0.", _PAIRS),
    _fraction(
        "association_max",
        "association",
        "Greatest share, over known terms k, of the references with k that have the term too, 5 added to those with "
        "k; k has 3 carriers at least, and shares below .02 count as 0.",
        _SHOWN_PAIRS,
    ),
    _fraction(
        "association_mean",
        "association",
        "Mean of the same shares over the known terms, weighted by their information accretion.",
        _SHOWN_PAIRS,
    ),
)

_PROFILE = (
    _fraction(
        "profile_vote",
        "profile",
        "Donors' share of the squared cosines of the 50 references annotated most like the query, those with a term of "
        "the aspect; terms weigh their information accretion, 10 bits at most.",
        "what is known of the query and of the references by any evidence",
    ),
    _fraction(
        "profile_vote_experimental",
        "profile",
        "The same by experimental evidence of the query and of the references.",
        "what experiments showed of the query and of the references",
    ),
)

_SPECIES = (
    _fraction(
        "term_prior_species",
        "species",
        "References of the query's taxon that carry the term / those with a term of the aspect, both by experiment, "
        "with 20 references of all taxa added.",
        "experimental annotations of all references, and their taxa",
    ),
)

_GAINS = (
    _fraction(
        "term_gains_species",
        "gains",
        "References of the query's taxon that gained the term in the year before t0 / those that gained one of the "
        "aspect, both by experiment and being known as much before as the query is now (NK, LK, PK), with 20 of all "
        "taxa added.",
        "dates of the experimental annotations of all references, and their taxa",
    ),
)

_LINKS = (
    _fraction(
        "interaction_vote",
        "links",
        "Weights of the references with the term that interact with the query / those of all with one of the aspect, "
        "by experiment; a reference weighs 1 / sqrt of its partners, and 1 is added to the weights of all.",
        "physical interactions that the annotation set states (IPI)",
    ),
    _fraction(
        "publication_vote",
        "links",
        "The same of the references that papers are about beside the query: a paper about n proteins, 2 to 100, weighs "
        "1 / (n - 1).",
        "papers that the annotations of the set cite",
    ),
)

_INTERPRO_FEATURES = (
    _fraction("interpro_hit", "interpro", "Whether an InterPro entry of the query implies the term.", _INTERPRO),
    _fraction(
        "interpro_score",
        "interpro",
        "Entries of the query that imply the term / entries that imply any.",
        _INTERPRO,
    ),
    _amount("interpro_n_signatures", "interpro", "Entries that imply the term.", _INTERPRO, unit="entries"),
    *(
        _fraction(f"interpro_db_{database}", "interpro", f"Whether a hit of {database} implies the term.", _INTERPRO)
        for database in INTERPRO_DATABASES
    ),
    _fraction("interpro_present", "interpro", "Whether the query has any InterPro hit.", _INTERPRO),
)

_TERM = (
    _fraction(
        "term_prior",
        "term",
        "References that carry the term / references annotated in its aspect: the naive score.",
        "annotations of all references",
    ),
    FeatureDefinition(
        name="ia",
        family="information",
        meaning="Information accretion of the term.",
        source="experimental annotations of the annotation set, with all terms above",
        unit="bits",
        low=0.0,
    ),
)

_DECLARED_ABSENT = (
    _absent("classifier_score", "classifier", "a classifier over the whole vocabulary"),
    _absent("classifier_present", "classifier", "a classifier over the whole vocabulary"),
    _absent("protst_text_score", "protst_text", "descriptions of proteins"),
    _absent("protst_text_vote_fraction", "protst_text", "descriptions of proteins"),
    _absent("protst_text_present", "protst_text", "descriptions of proteins"),
    _absent("plm_id", "plm_context", "the recipe of the vectors"),
    _absent("k_context", "k_neighborhood", "the request"),
)

FURTHER: tuple[FeatureDefinition, ...] = (
    *_KNN_VOTERS,
    *_ALIGNMENT_VOTERS,
    *_CHANNELS,
    *_LINEAGE,
    *_SELF_PRIOR,
    *_ASSOCIATION,
    *_PROFILE,
    *_INTERPRO_FEATURES,
    *_TERM,
    *_SPECIES,
    *_GAINS,
    *_LINKS,
    *_DECLARED_ABSENT,
)
"""In the order in which frames hold them, behind the written ones."""
