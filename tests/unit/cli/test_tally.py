"""Counting a table that comes in pieces."""

from __future__ import annotations

import pytest

from protea_cli.tally import TableTally

TABLE = b"protein_accession\tgo_id\nP04637\tGO:0003677\nP04637\tGO:0005634\nQ9VB68\tGO:0003677\n"


@pytest.mark.parametrize("size", [1, 7, 30, 1_000])
def test_rows_and_proteins_are_counted_wherever_the_pieces_are_cut(size: int) -> None:
    tally = TableTally(has_header=True)

    for start in range(0, len(TABLE), size):
        tally.feed(TABLE[start : start + size])

    assert tally.rows == 3
    assert tally.keys == {b"P04637", b"Q9VB68"}


def test_without_a_header_the_first_line_counts() -> None:
    tally = TableTally(has_header=False)

    tally.feed(b"P04637\tGO:0003677\t0.91\n")

    assert tally.rows == 1


def test_a_table_of_only_a_header_is_empty() -> None:
    tally = TableTally(has_header=True)

    tally.feed(b"protein_accession\tgo_id\n")

    assert tally.rows == 0
