"""The fault suite's own arithmetic and plan."""

from __future__ import annotations

import pytest

from support.faults.plan import make_plan
from support.faults.recovery import undisturbed_seconds


@pytest.mark.parametrize(
    ("disturbances", "seconds"),
    [
        ([], 10.0),
        ([(2.0, 5.0)], 7.0),
        ([(-3.0, 4.0), (3.0, 6.0)], 4.0),
        ([(1.0, 9.0), (2.0, 3.0)], 2.0),
        ([(8.0, 20.0)], 8.0),
        ([(-5.0, 30.0)], 0.0),
        ([(-5.0, -1.0), (11.0, 12.0)], 10.0),
    ],
)
def test_the_clock_of_a_recovery_rests_while_another_fault_lasts(
    disturbances: list[tuple[float, float]], seconds: float
) -> None:
    assert undisturbed_seconds(0.0, 10.0, disturbances) == seconds


def test_a_seed_gives_the_same_plan_and_a_longer_one_begins_with_it() -> None:
    assert make_plan(7, 60)[:25] == make_plan(7, 25)
    assert make_plan(7, 25) != make_plan(8, 25)


def test_every_round_kills_and_terminates_every_service_and_ends_both_servers_twice() -> None:
    happened = {(str(fault.kind), fault.service or fault.server) for fault in make_plan(3, 25)}

    services = ("gateway", "ingest", "embedder", "predictor", "evaluator")
    assert {(kind, name) for kind in ("kill", "terminate") for name in services} <= happened
    assert {(kind, name) for kind in ("stop", "crash") for name in ("database", "broker")} <= happened
