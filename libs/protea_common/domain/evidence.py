"""GO evidence: the codes, their ECO spellings, which of them are experimental, what negates an annotation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "DEFAULT_EVIDENCE_WEIGHTS",
    "DEFAULT_EVIDENCE_WEIGHT_FALLBACK",
    "ECO_TO_EVIDENCE",
    "EVIDENCE_CODE_GROUPS",
    "EXPERIMENTAL_CODES",
    "is_experimental",
    "is_negated",
    "normalise_evidence_code",
]

_EXPERIMENTAL = ("EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP", "IC", "TAS")
_COMPUTATIONAL = ("ISS", "ISO", "ISA", "ISM", "IGC", "IBA", "IBD", "IKR", "IRD", "RCA")

EXPERIMENTAL_CODES = frozenset(_EXPERIMENTAL)
"""The 13 codes that count as experimental everywhere in PROTEA.

Another choice of codes changes every training label and every ground truth, so figures before and after a change
cannot be compared.
"""

EVIDENCE_CODE_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Experimental": _EXPERIMENTAL,
        "Computational / Phylogenetic": _COMPUTATIONAL,
        "Electronic": ("NAS", "IEA"),
        "No data": ("ND",),
    }
)
"""All 26 codes in the order in which they are displayed."""

DEFAULT_EVIDENCE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    dict.fromkeys(_EXPERIMENTAL, 1.0) | dict.fromkeys(_COMPUTATIONAL, 0.7) | {"NAS": 0.5, "IEA": 0.8, "ND": 0.1}
)
"""How much a donor's evidence counts, in [0, 1], unless a scoring config says otherwise.

Raising IEA towards 1 lets electronic annotation decide like an experiment; lowering it costs coverage.
"""

DEFAULT_EVIDENCE_WEIGHT_FALLBACK = 0.5
"""Weight of a code that no table knows: at 1 a misspelt code would count as an experiment, at 0 it would vanish."""

ECO_TO_EVIDENCE: Mapping[str, str] = MappingProxyType(
    {
        "ECO:0000269": "EXP",
        "ECO:0007005": "HDA",
        "ECO:0007007": "HEP",
        "ECO:0007003": "HGI",
        "ECO:0007001": "HMP",
        "ECO:0006056": "HTP",
        "ECO:0000318": "IBA",
        "ECO:0000319": "IBD",
        "ECO:0000305": "IC",
        "ECO:0000314": "IDA",
        "ECO:0000501": "IEA",
        "ECO:0000270": "IEP",
        "ECO:0000317": "IGC",
        "ECO:0000316": "IGI",
        "ECO:0000320": "IKR",
        "ECO:0000315": "IMP",
        "ECO:0000353": "IPI",
        "ECO:0000321": "IRD",
        "ECO:0000247": "ISA",
        "ECO:0000255": "ISM",
        "ECO:0000266": "ISO",
        "ECO:0000250": "ISS",
        "ECO:0000303": "NAS",
        "ECO:0000307": "ND",
        "ECO:0000245": "RCA",
        "ECO:0000304": "TAS",
        # UniProt writes these narrower terms where a GAF says IEA.
        "ECO:0000256": "IEA",
        "ECO:0000366": "IEA",
        "ECO:0007322": "IEA",
        "ECO:0007826": "IEA",
    }
)
"""ECO identifiers and the GO evidence code each stands for (Evidence and Conclusion Ontology, gaf-eco-mapping)."""


def normalise_evidence_code(text: str) -> str:
    """Turn an ECO identifier, with or without its ``ECO:``, into the GO evidence code; others pass unchanged."""
    identifier = text.strip().upper().removeprefix("ECO:")
    return ECO_TO_EVIDENCE.get(f"ECO:{identifier}", text)


def is_experimental(evidence_code: str) -> bool:
    """Tell whether a code, in its GO or its ECO spelling, is one of the 13 experimental ones."""
    return normalise_evidence_code(evidence_code) in EXPERIMENTAL_CODES


def is_negated(qualifier: str | None) -> bool:
    """Tell whether a GAF qualifier holds ``NOT`` among its pipe-separated parts, in any case.

    A negated annotation says that the protein does *not* have the function: it is never a donor and never truth.
    """
    return qualifier is not None and "NOT" in qualifier.upper().replace(" ", "").split("|")
