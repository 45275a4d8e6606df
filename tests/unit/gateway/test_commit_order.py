"""Reading a timeline in the order of ids while transactions commit in any order."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from protea_gateway.domain.commit_order import CommitOrder, Snapshot


def quiet(number: int) -> Snapshot:
    """Nothing runs; the next transaction is ``number``."""
    return Snapshot(oldest_running=number, next_number=number)


def test_ids_without_a_gap_are_settled_at_once() -> None:
    order = CommitOrder(0)

    order.advance([1, 2, 3], Snapshot(oldest_running=7, next_number=20))

    assert order.settled == 3


def test_an_id_after_a_gap_waits_until_the_gap_is_filled() -> None:
    order = CommitOrder(0)
    running = Snapshot(oldest_running=10, next_number=12)

    order.advance([1, 3], running)
    assert order.settled == 1
    order.advance([2, 3], running)
    assert order.settled == 3


def test_a_gap_is_given_up_once_every_transaction_that_could_fill_it_has_ended() -> None:
    order = CommitOrder(0)

    order.advance([1, 3], Snapshot(oldest_running=10, next_number=12))
    order.advance([3], Snapshot(oldest_running=11, next_number=15))
    assert order.settled == 1
    order.advance([3], Snapshot(oldest_running=12, next_number=15))
    assert order.settled == 3


def test_what_was_committed_after_the_gap_was_seen_does_not_prolong_it() -> None:
    order = CommitOrder(0)

    order.advance([2], Snapshot(oldest_running=10, next_number=12))
    order.advance([2, 3, 5], Snapshot(oldest_running=12, next_number=30))

    assert order.settled == 3


@dataclass
class Timeline:
    """A database whose transactions take a number, then an event's id, and end whenever and however they like."""

    next_number: int = 1
    next_id: int = 1
    running: dict[int, int] = field(default_factory=dict)
    visible: list[int] = field(default_factory=list)

    def begin(self) -> None:
        self.running[self.next_number] = self.next_id
        self.next_number += 1
        self.next_id += 1

    def end(self, *, index: int, commits: bool) -> None:
        if self.running:
            event_id = self.running.pop(sorted(self.running)[index % len(self.running)])
            if commits:
                self.visible.append(event_id)

    def look(self, after: int) -> tuple[list[int], Snapshot]:
        oldest = min(self.running, default=self.next_number)
        return sorted(event for event in self.visible if event > after), Snapshot(oldest, self.next_number)


STEPS = st.lists(
    st.one_of(
        st.just(("begin", 0, True)),
        st.tuples(st.just("end"), st.integers(0, 9), st.booleans()),
        st.just(("look", 0, True)),
    ),
    max_size=60,
)


@given(steps=STEPS)
def test_whatever_the_order_of_commits_every_event_is_shown_once_and_in_order(
    steps: list[tuple[str, int, bool]],
) -> None:
    timeline, order, shown = Timeline(), CommitOrder(0), list[int]()

    def look() -> None:
        before = order.settled
        order.advance(*timeline.look(before))
        shown.extend(sorted(event for event in timeline.visible if before < event <= order.settled))

    for action, index, commits in steps:
        match action:
            case "begin":
                timeline.begin()
            case "end":
                timeline.end(index=index, commits=commits)
            case _:
                look()
    while timeline.running:
        timeline.end(index=0, commits=True)
    look()
    look()

    assert shown == sorted(timeline.visible)


def test_a_quiet_database_settles_a_gap_at_the_second_look() -> None:
    order = CommitOrder(0)

    order.advance([40], quiet(100))
    order.advance([40], quiet(100))

    assert order.settled == 40
