from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from protea_predictor.domain.datasets.temporal import (
    SnapshotDates,
    TemporalProtocolError,
    UnknownDatesError,
    Window,
    WindowRole,
    check_protocol,
    require_selectable,
)


def snapshot(year: int | None = None, *, published: date | None = None, newest: date | None = None) -> SnapshotDates:
    before = None if year is None else date(year, 1, 1)
    return SnapshotDates(str(year), annotated_before=before, published_on=published, newest_annotation=newest)


def window(old: SnapshotDates, new: SnapshotDates, role: WindowRole | None = WindowRole.VALID) -> Window:
    return Window(uuid4(), role, old, new)


SELECTION = window(snapshot(2017), snapshot(2018))


@pytest.mark.parametrize("role", [None, WindowRole.VALID])
def test_learning_from_windows_that_end_before_the_selection_begins_is_allowed(role: WindowRole | None) -> None:
    check_protocol(
        [window(snapshot(2015), snapshot(2016), role), window(snapshot(2016), snapshot(2017), role)],
        SELECTION,
        waiver=None,
    )


@pytest.mark.parametrize("waiver", [None, "a reason"])
def test_learning_from_what_is_selected_on_is_refused_whatever_the_reason(waiver: str | None) -> None:
    with pytest.raises(TemporalProtocolError, match=r"reaches to 2017-12-31.*begins on 2017-01-01"):
        check_protocol([window(snapshot(2016), snapshot(2018))], SELECTION, waiver=waiver)


def test_an_annotation_later_than_declared_counts() -> None:
    late = snapshot(2017, newest=date(2017, 3, 1))

    with pytest.raises(TemporalProtocolError, match="2017-03-01"):
        check_protocol([window(snapshot(2016), late)], SELECTION, waiver=None)


def test_a_release_ends_on_the_day_it_is_published() -> None:
    release = snapshot(published=date(2016, 12, 5))

    check_protocol([window(snapshot(2015), release)], window(release, snapshot(2018)), waiver=None)
    with pytest.raises(TemporalProtocolError):
        check_protocol(
            [window(snapshot(2015), snapshot(published=date(2016, 12, 6)))],
            window(release, snapshot(2018)),
            waiver=None,
        )


@pytest.mark.parametrize("waiver", [None, "a reason"])
def test_a_test_window_is_never_selected_on_nor_learnt_from(waiver: str | None) -> None:
    tested = window(snapshot(2018), snapshot(2019), WindowRole.TEST)

    with pytest.raises(TemporalProtocolError, match="test window"):
        require_selectable(tested, waiver=waiver)
    with pytest.raises(TemporalProtocolError, match="test window"):
        check_protocol([window(snapshot(2015), snapshot(2016), WindowRole.TEST)], SELECTION, waiver=waiver)


@pytest.mark.parametrize(
    ("training", "selection"),
    [
        (window(snapshot(2015), snapshot()), SELECTION),
        (window(snapshot(2015), snapshot(2016)), window(snapshot(newest=date(2016, 12, 31)), snapshot(2018))),
        (window(snapshot(2015), snapshot(2016)), window(snapshot(2017), snapshot(2018), None)),
    ],
    ids=["end of training", "begin of selection", "role"],
)
def test_what_is_unknown_fails_closed_unless_there_is_a_reason(training: Window, selection: Window) -> None:
    with pytest.raises(UnknownDatesError, match="temporal_waiver"):
        check_protocol([training], selection, waiver=None)
    check_protocol([training], selection, waiver="the provider confirmed the dates")


def test_dates_of_annotations_tell_when_training_ends() -> None:
    check_protocol([window(snapshot(2015), snapshot(newest=date(2016, 12, 31)))], SELECTION, waiver=None)
