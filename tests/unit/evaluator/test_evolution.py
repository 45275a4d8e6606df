"""How changes and dates of annotations are told."""

from __future__ import annotations

import pytest

from protea_evaluator.domain.evolution import (
    AnnotationChange,
    ChangedRows,
    GainedRows,
    SourceDates,
    count_changes,
    dates_of_sources,
)


def test_changes_are_added_up_by_aspect_and_group_of_codes_in_the_order_of_display() -> None:
    rows = [
        ChangedRows("C", "IEA", False, kept=5, gained=1, lost=2),
        ChangedRows("F", "XYZ", False, kept=0, gained=1, lost=0),
        ChangedRows("F", "IDA", False, kept=3, gained=4, lost=1),
        ChangedRows("F", "ECO:0000315", True, kept=1, gained=2, lost=0),
    ]
    assert count_changes(rows) == [
        AnnotationChange("F", "Experimental", kept=4, gained=6, lost=1, denials=2),
        AnnotationChange("F", "Unknown", kept=0, gained=1, lost=0, denials=0),
        AnnotationChange("C", "Electronic", kept=5, gained=1, lost=2, denials=0),
    ]


def test_dates_are_told_of_each_source_and_group_that_of_most_annotations_first() -> None:
    rows = [
        GainedRows("MGI", "IDA", "20180301", 2),
        GainedRows("MGI", "IMP", "20180105", 3),
        GainedRows("MGI", "IMP", "", 1),
        GainedRows("MGI", "IEA", "20190112", 9),
    ]
    assert dates_of_sources(rows) == [
        SourceDates("MGI", "Electronic", 9, 0, 1, "20190112", "20190112", "20190112", 9),
        SourceDates("MGI", "Experimental", 6, 1, 2, "20180105", "20180301", "20180105", 3),
    ]


def test_a_source_without_dates_has_none() -> None:
    (found,) = dates_of_sources([GainedRows("", "IDA", "", 4_000)])
    assert (found.days, found.first_day, found.commonest_day, found.on_commonest_day) == (0, "", "", 0)
    assert not found.is_doubtful


@pytest.mark.parametrize(
    ("on_one_day", "on_others", "is_doubtful"),
    [(1_000, 0, True), (999, 0, False), (600, 600, False), (601, 599, True), (1_000, 1_001, False)],
)
def test_dates_are_doubtful_where_most_of_a_thousand_are_one(
    on_one_day: int, on_others: int, *, is_doubtful: bool
) -> None:
    rows = [GainedRows("IntAct", "IPI", "20190113", on_one_day)]
    rows += [GainedRows("IntAct", "IPI", f"2017{number:04}", 1) for number in range(on_others)]
    (found,) = dates_of_sources(rows)
    assert found.is_doubtful is is_doubtful
