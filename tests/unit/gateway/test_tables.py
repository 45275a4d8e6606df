"""Rows as text."""

from __future__ import annotations

from protea_gateway.domain.tables import SMALLEST_CAFA_SCORE, cafa_lines, tsv_lines


def test_a_row_is_one_line_whatever_its_cells_hold() -> None:
    assert (
        tsv_lines([("P1", None, True, False, 3, 0.123456789, "a\tb\nc\rd")])
        == b"P1\t\ttrue\tfalse\t3\t0.123457\ta b c d\n"
    )


def test_no_rows_are_no_bytes() -> None:
    assert tsv_lines([]) == b""


def test_cafa_scores_have_four_decimals() -> None:
    assert cafa_lines([("P1", "GO:0005515", 1 / 3)]) == b"P1\tGO:0005515\t0.3333\n"


def test_the_smallest_score_of_a_cafa_file_is_not_written_as_zero() -> None:
    assert cafa_lines([("P1", "GO:0005515", SMALLEST_CAFA_SCORE)]).endswith(b"\t0.0001\n")
