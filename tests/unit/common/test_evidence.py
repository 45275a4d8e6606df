from __future__ import annotations

from itertools import chain

import pytest

from protea_common.domain.evidence import (
    DEFAULT_EVIDENCE_WEIGHT_FALLBACK,
    DEFAULT_EVIDENCE_WEIGHTS,
    ECO_TO_EVIDENCE,
    EVIDENCE_CODE_GROUPS,
    EXPERIMENTAL_CODES,
    is_experimental,
    is_negated,
    normalise_evidence_code,
)
from support.data_files import DEMO_DATA, read_lines


def test_experimental_codes_are_the_thirteen() -> None:
    assert {
        "EXP",
        "IDA",
        "IPI",
        "IMP",
        "IGI",
        "IEP",
        "HTP",
        "HDA",
        "HMP",
        "HGI",
        "HEP",
        "IC",
        "TAS",
    } == EXPERIMENTAL_CODES


def test_each_of_the_26_codes_is_in_one_group_and_has_a_weight() -> None:
    codes = list(chain.from_iterable(EVIDENCE_CODE_GROUPS.values()))

    assert len(codes) == len(set(codes)) == 26
    assert set(codes) == set(DEFAULT_EVIDENCE_WEIGHTS)


@pytest.mark.parametrize(
    ("code", "weight"),
    [("IDA", 1.0), ("TAS", 1.0), ("IBA", 0.7), ("ISS", 0.7), ("NAS", 0.5), ("IEA", 0.8), ("ND", 0.1)],
)
def test_default_weights(code: str, weight: float) -> None:
    assert DEFAULT_EVIDENCE_WEIGHTS[code] == weight


def test_fallback_weight_is_one_half() -> None:
    assert DEFAULT_EVIDENCE_WEIGHT_FALLBACK == 0.5


def test_eco_identifiers_stand_for_every_go_code() -> None:
    assert set(ECO_TO_EVIDENCE.values()) == set(DEFAULT_EVIDENCE_WEIGHTS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ECO:0000314", "IDA"),
        ("0000314", "IDA"),
        ("eco:0000314", "IDA"),
        ("ECO:0000256", "IEA"),
        ("0007826", "IEA"),
        ("IDA", "IDA"),
        ("ECO:9999999", "ECO:9999999"),
        ("", ""),
    ],
)
def test_eco_forms_become_go_codes_and_others_pass(text: str, code: str) -> None:
    assert normalise_evidence_code(text) == code


@pytest.mark.parametrize(
    ("code", "expected"), [("IDA", True), ("ECO:0000314", True), ("0007005", True), ("IEA", False), ("", False)]
)
def test_experimental_in_either_spelling(code: str, expected: bool) -> None:
    assert is_experimental(code) is expected


@pytest.mark.parametrize(
    ("qualifier", "expected"),
    [
        (None, False),
        ("", False),
        ("NOT", True),
        ("not", True),
        ("NOT|contributes_to", True),
        ("contributes_to|NOT", True),
        ("NOT | involved_in", True),
        ("colocalizes_with", False),
        ("NOTHING|involved_in", False),
    ],
)
def test_negation_is_the_part_not(qualifier: str | None, expected: bool) -> None:
    assert is_negated(qualifier) is expected


def test_negations_and_experimental_proteins_of_the_fly_file() -> None:
    """Counted from the file with awk: 269 rows with NOT, 2,405 proteins with one of the 13 codes and no NOT."""
    rows = [line.split("\t") for line in read_lines(DEMO_DATA / "fly_annotations.gaf.gz") if not line.startswith("!")]

    negated = [row for row in rows if is_negated(row[3])]
    experimental = {row[1] for row in rows if is_experimental(row[6]) and not is_negated(row[3])}

    assert len(negated) == 269
    assert len(experimental) == 2_405
