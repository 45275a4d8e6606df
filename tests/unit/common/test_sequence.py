from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protea_common.domain.sequence import (
    LEGAL_RESIDUES,
    compute_sequence_hash,
    illegal_residues,
    normalise_sequence,
    parse_isoform,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mkv", "MKV"),
        (" MK V\t\r\nLL\n", "MKVLL"),
        ("MKV\u00a0LL", "MKVLL"),
        ("MKV*", "MKV"),
        ("MKV* \n", "MKV"),
        ("MKV**", "MKV*"),
        ("M*KV", "M*KV"),
        ("", ""),
    ],
)
def test_normal_form_is_upper_case_without_white_space_and_trailing_stop(text: str, expected: str) -> None:
    assert normalise_sequence(text) == expected


@pytest.mark.parametrize("letter", ["\u00df", "\u017f", "\u0131", "\ufb01"])
def test_foreign_letters_do_not_become_residues(letter: str) -> None:
    assert letter.upper().isascii()

    assert illegal_residues(normalise_sequence(f"MK{letter}V")) == [(3, letter)]


@given(st.text(alphabet=string.ascii_letters + " \n"))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_sequence(text)

    assert normalise_sequence(once) == once


@pytest.mark.parametrize(
    ("sequence", "expected"),
    # RFC 1321, appendix A.5; these test strings happen to be what a sequence could look like.
    [("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72")],
)
def test_sequence_hash_is_md5_in_hex(sequence: str, expected: str) -> None:
    assert compute_sequence_hash(sequence) == expected


def test_legal_residues_are_the_iupac_letters_with_selenocysteine_and_pyrrolysine() -> None:
    assert frozenset(string.ascii_uppercase) == LEGAL_RESIDUES


def test_illegal_residues_are_listed_with_1_based_positions_up_to_the_limit() -> None:
    assert illegal_residues("-MK1V.*", limit=3) == [(1, "-"), (4, "1"), (6, ".")]
    assert illegal_residues("-MK1V.*", limit=1) == [(1, "-")]


def test_lower_case_is_illegal_in_a_normalised_sequence() -> None:
    assert illegal_residues("MkV") == [(2, "k")]


def test_legal_sequence_has_no_illegal_residues() -> None:
    assert illegal_residues("ACDEFGHIKLMNPQRSTVWYBJOUXZ") == []


@pytest.mark.parametrize(
    ("accession", "expected"),
    [
        ("P12345", ("P12345", True, None)),
        ("P12345-2", ("P12345", False, 2)),
        ("A-B-2", ("A-B", False, 2)),
        ("A-B", ("A-B", True, None)),
        ("P12345-", ("P12345-", True, None)),
        ("-2", ("-2", True, None)),
        ("P12345-²", ("P12345-²", True, None)),
        ("P12345-2.1", ("P12345-2.1", True, None)),
        ("", ("", True, None)),
    ],
)
def test_isoform_is_what_ends_in_a_hyphen_and_digits(accession: str, expected: tuple[str, bool, int | None]) -> None:
    assert parse_isoform(accession) == expected


@given(st.from_regex(r"[A-Z][A-Z0-9-]{0,9}", fullmatch=True), st.integers(min_value=0, max_value=10**6))
def test_isoform_accession_round_trips(canonical: str, index: int) -> None:
    assert parse_isoform(f"{canonical}-{index}") == (canonical, False, index)
