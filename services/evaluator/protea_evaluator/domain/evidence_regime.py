"""Named choices of the evidence that counts; figures of different choices cannot be compared."""

from __future__ import annotations

from enum import StrEnum

from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS, EXPERIMENTAL_CODES

__all__ = ["EvidenceRegime"]


class EvidenceRegime(StrEnum):
    """Which evidence codes count."""

    EXPERIMENTAL = "experimental"
    """PROTEA's 13, high-throughput ones included."""
    LAFA = "lafa"
    """What LAFA counts (Phan et al. 2026, arXiv:2604.20782): GO's experimental group, high-throughput ones included, IC
    and TAS. They are PROTEA's 13 today; a name of its own keeps a table's meaning should either choose otherwise."""
    CAFA = "cafa"
    """The eight of the challenge (Radivojac et al. 2013, Nat Methods 10:221)."""
    DIRECT = "direct"
    """The six of single experiments."""
    CURATED = "curated"
    """The 13, and what curators inferred from sequence or phylogeny."""

    @property
    def codes(self) -> frozenset[str]:
        """Its evidence codes."""
        match self:
            case EvidenceRegime.EXPERIMENTAL:
                return EXPERIMENTAL_CODES
            case EvidenceRegime.LAFA:
                return frozenset(
                    {"EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP", "IC", "TAS"}
                )
            case EvidenceRegime.CAFA:
                return frozenset({"EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "TAS", "IC"})
            case EvidenceRegime.DIRECT:
                return frozenset({"EXP", "IDA", "IPI", "IMP", "IGI", "IEP"})
            case EvidenceRegime.CURATED:
                return EXPERIMENTAL_CODES | frozenset(EVIDENCE_CODE_GROUPS["Computational / Phylogenetic"])
