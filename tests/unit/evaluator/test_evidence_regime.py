from __future__ import annotations

from typing import get_args

import pytest

from protea_common.domain.evidence import EVIDENCE_CODE_GROUPS, EXPERIMENTAL_CODES
from protea_common.operations import ComputeInformationAccretion
from protea_evaluator.domain.evidence_regime import EvidenceRegime

# Of GO's guide to evidence codes: six experimental ones, five of high throughput, and two statements of people.
EXPERIMENTS = {"EXP", "IDA", "IPI", "IMP", "IGI", "IEP"}
HIGH_THROUGHPUT = {"HTP", "HDA", "HMP", "HGI", "HEP"}


@pytest.mark.parametrize(
    ("regime", "codes"),
    [
        ("experimental", EXPERIMENTS | HIGH_THROUGHPUT | {"IC", "TAS"}),
        ("lafa", EXPERIMENTS | HIGH_THROUGHPUT | {"IC", "TAS"}),
        ("cafa", EXPERIMENTS | {"IC", "TAS"}),
        ("direct", EXPERIMENTS),
    ],
)
def test_a_regime_is_a_list_of_codes(regime: str, codes: set[str]) -> None:
    assert EvidenceRegime(regime).codes == codes


def test_curated_adds_what_curators_inferred_and_nothing_electronic() -> None:
    added = EvidenceRegime.CURATED.codes - EXPERIMENTAL_CODES

    assert added == set(EVIDENCE_CODE_GROUPS["Computational / Phylogenetic"])
    assert "IEA" not in EvidenceRegime.CURATED.codes


def test_each_regime_can_be_asked_for() -> None:
    asked = get_args(ComputeInformationAccretion.model_fields["regime"].annotation)

    assert set(asked) == {regime.value for regime in EvidenceRegime}
