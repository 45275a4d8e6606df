"""The temporal protocol: learn from the past, select on what came next, and leave the test window alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from protea_common.errors import PermanentError

__all__ = [
    "SnapshotDates",
    "TemporalProtocolError",
    "UnknownDatesError",
    "Window",
    "WindowRole",
    "check_protocol",
    "require_known_before",
    "require_learnable",
    "require_order",
    "require_selectable",
]


class TemporalProtocolError(PermanentError):
    """A window is used for what it must not be used for: figures that come of it would be too good."""

    slug: ClassVar[str] = "temporal-protocol"
    status: ClassVar[int] = 409


class UnknownDatesError(TemporalProtocolError):
    """It cannot be told whether the temporal protocol is kept, since a role or a date is not known."""

    slug: ClassVar[str] = "temporal-protocol-unknown"


class WindowRole(StrEnum):
    """What the window of an evaluation set is for."""

    VALID = "valid"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class SnapshotDates:
    """What is known about the time of an annotation set.

    Attributes
    ----------
    name
        Of the release, for people.
    annotated_before
        Annotations of this day and later were left out; ``None`` where none were.
    published_on
        Day on which the provider published the release.
    newest_annotation
        Latest date of an annotation; ``None`` if one has no date.
    """

    name: str
    annotated_before: date | None
    published_on: date | None
    newest_annotation: date | None

    @property
    def known_until(self) -> date | None:
        """First day of which the set can know nothing; ``None`` where that cannot be told."""
        days = [
            self.annotated_before,
            _next_day(self.published_on) if self.annotated_before is None else None,
            _next_day(self.newest_annotation),
        ]
        return max((day for day in days if day is not None), default=None)

    @property
    def begins(self) -> date | None:
        """First day of what is learnt after the set, as declared; dates of annotations do not tell when it was cut."""
        return self.annotated_before or _next_day(self.published_on)


@dataclass(frozen=True, slots=True)
class Window:
    """An evaluation set with its time.

    Attributes
    ----------
    old, new
        The annotation sets at t0 and t1.
    role
        ``None`` where nobody said.
    """

    evaluation_set_id: UUID
    role: WindowRole | None
    old: SnapshotDates
    new: SnapshotDates

    @property
    def name(self) -> str:
        """``v220-v221``."""
        return f"v{self.old.name}-v{self.new.name}"


def require_selectable(window: Window, *, waiver: str | None) -> None:
    """Refuse to select on a window that is not for it.

    Raises
    ------
    TemporalProtocolError
        If it is a test window; no waiver helps.
    UnknownDatesError
        If its role is unknown, without a waiver.
    """
    match window.role:
        case WindowRole.VALID:
            return
        case WindowRole.TEST:
            raise TemporalProtocolError(
                f"Evaluation set {window.evaluation_set_id} ({window.name}) is a test window: nothing may be selected "
                "on it. Give an evaluation set of the role valid."
            )
        case None:
            if waiver is None:
                raise UnknownDatesError(
                    f"Evaluation set {window.evaluation_set_id} ({window.name}) has no role, so it may be a test "
                    "window; give it the role valid when it is made, or say in temporal_waiver why this is right."
                )


def require_learnable(window: Window) -> None:
    """Refuse to learn from a test window.

    Raises
    ------
    TemporalProtocolError
        If it is one.
    """
    if window.role is WindowRole.TEST:
        raise TemporalProtocolError(
            f"Evaluation set {window.evaluation_set_id} ({window.name}) is a test window: nothing may learn from it. "
            "Leave it out."
        )


def check_protocol(training: Sequence[Window], selection: Window, *, waiver: str | None) -> None:
    """Refuse training data that reaches into the selection window.

    Parameters
    ----------
    training
        Windows that are learnt from.
    selection
        Window that training is stopped by, or any other choice is made on.
    waiver
        Why unknown roles and dates are no matter; known ones are not waived.

    Raises
    ------
    TemporalProtocolError
        If a training window is a test window, or ends after the selection window begins; if the selection window is a
        test window.
    UnknownDatesError
        If a role or a date is unknown, without a waiver.
    """
    require_selectable(selection, waiver=waiver)
    for window in training:
        require_learnable(window)
        _require_before(window, selection, waiver=waiver)


def _require_before(window: Window, selection: Window, *, waiver: str | None) -> None:
    end, start = window.new.known_until, selection.old.begins
    if end is None or start is None:
        if waiver is None:
            which = f"{window.new.name} ends" if end is None else f"the selection window {selection.name} begins"
            raise UnknownDatesError(
                f"It is not known when {which}. Load the annotations with annotated_before or a release date, or say "
                "in temporal_waiver why this is right."
            )
        return
    if end > start:
        raise TemporalProtocolError(
            f"The training window {window.name} reaches to {end - timedelta(days=1)}, and the selection window "
            f"{selection.name} begins on {start}: what is selected on would have been learnt. Train on earlier windows."
        )


def require_known_before(windows: Sequence[Window], *, what: str, released_on: date | None, waiver: str | None) -> None:
    """Refuse what features are read from, unless it was there before each window began.

    Parameters
    ----------
    what
        Its name, for people.
    released_on
        Day on which it was published; ``None`` where nobody knows.
    waiver
        Why unknown dates are no matter; known ones are not waived.

    Raises
    ------
    TemporalProtocolError
        If it is of a day in or after a window: it may tell what was learnt in it.
    UnknownDatesError
        If its day is unknown, or the day that a window begins on, without a waiver.
    """
    for window in windows:
        begins = window.old.begins
        if released_on is None or begins is None:
            if waiver is None:
                missing = what if released_on is None else window.old.name
                raise UnknownDatesError(
                    f"It is not known of when {missing} is, so {what} may tell what was learnt in the window "
                    f"{window.name}. Load it with its release date, or say in temporal_waiver why this is right."
                )
        elif released_on >= begins:
            raise TemporalProtocolError(
                f"The window {window.name} begins on {begins}, and {what} is of {released_on}: it may tell what was "
                "learnt in the window. Take an earlier release."
            )


def require_order(window: Window, others: Sequence[Window], *, waiver: str | None) -> None:
    """Refuse a window with a role that cannot have it: choices are made before the time that is reported on.

    Parameters
    ----------
    window
        The new window; without a role it may lie anywhere.
    others
        All windows that have a role already.
    waiver
        Why unknown dates are no matter; known ones are not waived.

    Raises
    ------
    TemporalProtocolError
        If the window ends before it begins, or a window to select on ends after a test window begins.
    UnknownDatesError
        If the date of one of its two annotation sets is unknown, without a waiver.
    """
    if window.role is None:
        return
    begins, ends = window.old.begins, window.new.known_until
    if begins is None or ends is None:
        if waiver is None:
            missing = window.old.name if begins is None else window.new.name
            raise UnknownDatesError(
                f"It is not known of when {missing} is, so the window {window.name} cannot be {window.role}. Load the "
                "annotations with annotated_before or a release date, or say in holdout_waiver why this is right."
            )
        return
    if begins >= ends:
        raise TemporalProtocolError(
            f"The window {window.name} begins on {begins} and ends on {ends - timedelta(days=1)}: give the older "
            "annotation set as old_annotation_set_id."
        )
    for other in others:
        _require_apart(window, other)


def _require_apart(window: Window, other: Window) -> None:
    """Let a test window begin only after a window to select on has ended, where both times are known."""
    roles = {window.role: window, other.role: other}
    if window.role is other.role or None in roles:
        return
    ends, begins = roles[WindowRole.VALID].new.known_until, roles[WindowRole.TEST].old.begins
    if ends is not None and begins is not None and ends > begins:
        raise TemporalProtocolError(
            f"The window {window.name} cannot be {window.role} beside the {other.role} window {other.name} "
            f"({other.evaluation_set_id}): what is selected on would reach to {ends - timedelta(days=1)}, and what is "
            f"reported on begins on {begins}. Choose a window that ends before."
        )


def _next_day(day: date | None) -> date | None:
    return None if day is None else day + timedelta(days=1)
