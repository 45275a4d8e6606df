"""The simulated pool: waits as queueing theory has them, decisions as Kubernetes documents them, nothing lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from autoscaling_chart import draw
from autoscaling_model import Pool, simulate
from autoscaling_policy import Autoscaler, Load, Policy
from autoscaling_sim import requests_of_a_day

ONE_POD = Policy(minimum=1, maximum=1)
IDLE = Load(0, 0, 0.0)


def test_one_pod_waits_as_long_as_pollaczek_and_khinchine_say() -> None:
    load, service = 0.7, 60.0
    rng = np.random.default_rng(3)
    arrivals = np.cumsum(rng.exponential(service / load, size=40_000)).tolist()

    outcome = simulate(arrivals, pool=Pool(batch_seconds=service, start_seconds=0.0), policy=ONE_POD)

    expected = load * service / (2 * (1 - load))  # M/D/1
    assert np.mean(outcome.waits) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("grace", [120.0, 10.0])
def test_every_batch_is_done_once_however_short_the_grace(grace: float) -> None:
    requests = requests_of_a_day(1_000_000)
    policy = Policy(stabilisation_seconds=0.0, shrink_share=1.0)

    outcome = simulate(requests, pool=Pool(grace_seconds=grace), policy=policy)

    assert len(outcome.waits) == len(requests)
    assert min(outcome.waits) >= 0


def test_a_pod_that_may_finish_repeats_nothing() -> None:
    policy = Policy(stabilisation_seconds=0.0, shrink_share=1.0)

    patient = simulate(requests_of_a_day(1_000_000), pool=Pool(grace_seconds=120.0), policy=policy)
    hasty = simulate(requests_of_a_day(1_000_000), pool=Pool(grace_seconds=10.0), policy=policy)

    assert patient.ended_busy > 0
    assert patient.repeated == 0
    assert hasty.repeated > 0


def test_pods_are_as_many_as_there_are_shares_of_messages() -> None:
    autoscaler = Autoscaler(Policy(maximum=100, pods_per_minute=100))

    assert autoscaler.decide(Load(30, 10, 0.0), pods=1, now=0.0) == 10


def test_growing_is_limited_by_the_minute() -> None:
    autoscaler = Autoscaler(Policy())

    assert autoscaler.decide(Load(1_000, 0, 0.0), pods=1, now=0.0) == 5
    assert autoscaler.decide(Load(1_000, 0, 0.0), pods=5, now=15.0) == 5
    assert autoscaler.decide(Load(1_000, 0, 0.0), pods=5, now=61.0) == 8


def test_shrinking_waits_for_the_window_and_takes_a_quarter() -> None:
    autoscaler = Autoscaler(Policy())
    autoscaler.decide(Load(32, 0, 0.0), pods=8, now=0.0)

    assert autoscaler.decide(Load(1, 0, 0.0), pods=8, now=299.0) == 8
    assert autoscaler.decide(Load(1, 0, 0.0), pods=8, now=301.0) == 6


def test_the_last_pod_goes_after_the_cooldown_and_the_first_comes_with_work() -> None:
    autoscaler = Autoscaler(Policy())
    autoscaler.decide(Load(1, 0, 0.0), pods=1, now=0.0)

    assert autoscaler.decide(IDLE, pods=1, now=299.0) == 1
    assert autoscaler.decide(IDLE, pods=1, now=300.0) == 0
    assert autoscaler.decide(IDLE, pods=0, now=315.0) == 0
    assert autoscaler.decide(Load(1, 0, 0.0), pods=0, now=330.0) == 1


def test_a_busy_pod_is_idle_to_a_trigger_that_counts_ready_messages_only() -> None:
    busy = Load(0, 1, 20.0)
    blind = Autoscaler(replace(Policy(), counts_unacknowledged=False, age_seconds_per_pod=0.0))

    assert Autoscaler(Policy()).decide(busy, pods=1, now=1_000.0) == 1
    assert blind.decide(busy, pods=1, now=1_000.0) == 0


def test_the_age_of_the_last_batch_asks_for_no_more_pods_than_batches() -> None:
    assert Autoscaler(Policy()).decide(Load(0, 1, 9_000.0), pods=1, now=0.0) == 1


def test_a_chart_has_a_line_for_each_policy_and_panel() -> None:
    samples = simulate([0.0, 30.0], pool=Pool(), policy=Policy()).samples

    assert draw({"a": samples, "b": samples}, title="A day").count("<polyline") == 4
