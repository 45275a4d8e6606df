"""A discrete-event simulation of a pool of workers: batches arrive, pods start, work, drain and end."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from autoscaling_policy import Autoscaler, Load, Policy

__all__ = ["Outcome", "Pool", "Sample", "simulate"]

POLL_SECONDS: Final = 15.0
"""KEDA asks, and the autoscaler decides, so often."""


class _Kind(IntEnum):
    """Of events at the same time, work ends before pods start, and both before the autoscaler looks."""

    ARRIVAL = 0
    BATCH_DONE = 1
    POD_READY = 2
    POLL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What the pods are like.

    Attributes
    ----------
    batch_seconds
        Time of a batch on a pod.
    start_seconds
        From the decision to the first batch: node, image, weights.
    grace_seconds
        A pod that is told to end may work so long; what is not done by then is done again elsewhere.
    """

    batch_seconds: float = 60.0
    start_seconds: float = 150.0
    grace_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The pool at one poll.

    Attributes
    ----------
    seconds
        Since the start.
    pods
        Those that are paid for: starting, working, idle, draining.
    oldest_seconds
        Age of the oldest batch that waits for a pod.
    """

    seconds: float
    pods: int
    oldest_seconds: float


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes
    ----------
    waits
        Seconds from the request of each batch to its (last) start.
    pod_seconds
        Time of all pods.
    ended_busy, repeated
        Pods that were told to end while they worked, and batches that had to be done again for it.
    samples
        One a poll.
    """

    waits: list[float] = field(default_factory=list)
    pod_seconds: float = 0.0
    ended_busy: int = 0
    repeated: int = 0
    samples: list[Sample] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Pod:
    born: float
    is_ready: bool = False
    is_draining: bool = False
    batch: float | None = None
    began: float = 0.0


def simulate(arrivals: Sequence[float], *, pool: Pool, policy: Policy) -> Outcome:
    """Run until all batches are done and, if the policy lets them, all pods are gone.

    Parameters
    ----------
    arrivals
        When each batch is requested, in seconds, ascending.
    """
    return _Simulation(arrivals, pool, policy).run()


class _Simulation:
    def __init__(self, arrivals: Sequence[float], pool: Pool, policy: Policy) -> None:
        self._pool, self._policy = pool, policy
        self._autoscaler = Autoscaler(policy)
        self._outcome = Outcome()
        self._waiting: deque[float] = deque()
        self._pods: list[_Pod] = []
        self._undone = len(arrivals)
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, int, _Pod | None]] = []
        for time in arrivals:
            self._schedule(time, _Kind.ARRIVAL)
        self._schedule(0.0, _Kind.POLL)
        self._now = 0.0

    def run(self) -> Outcome:
        for _ in range(self._policy.minimum):
            self._add_pod(0.0)
        while self._events:
            self._now, kind, _, pod = heapq.heappop(self._events)
            match _Kind(kind):
                case _Kind.ARRIVAL:
                    self._waiting.append(self._now)
                case _Kind.BATCH_DONE if pod is not None:
                    self._finish(pod)
                case _Kind.POD_READY if pod is not None:
                    pod.is_ready = True
                case _:
                    self._poll()
            self._hand_out()
        return self._outcome

    def _schedule(self, time: float, kind: _Kind, pod: _Pod | None = None) -> None:
        heapq.heappush(self._events, (time, kind, next(self._numbers), pod))

    def _add_pod(self, start_seconds: float) -> None:
        pod = _Pod(born=self._now)
        self._pods.append(pod)
        self._schedule(self._now + start_seconds, _Kind.POD_READY, pod)

    def _hand_out(self) -> None:
        idle = (pod for pod in self._pods if pod.is_ready and not pod.is_draining and pod.batch is None)
        for pod in idle:
            if not self._waiting:
                return
            pod.batch, pod.began = self._waiting.popleft(), self._now
            self._schedule(self._now + self._pool.batch_seconds, _Kind.BATCH_DONE, pod)

    def _finish(self, pod: _Pod) -> None:
        if pod.batch is None:
            return  # it was taken from the pod when the grace ended
        self._outcome.waits.append(pod.began - pod.batch)
        self._undone -= 1
        pod.batch = None
        if pod.is_draining:
            self._remove(pod, at=self._now)

    def _poll(self) -> None:
        standing = [pod for pod in self._pods if not pod.is_draining]
        working = [pod.batch for pod in self._pods if pod.batch is not None]
        oldest = min([*working, *itertools.islice(self._waiting, 1)], default=self._now)
        load = Load(len(self._waiting), len(working), self._now - oldest)
        wanted = self._autoscaler.decide(load, pods=len(standing), now=self._now)
        for _ in range(wanted - len(standing)):
            self._add_pod(self._pool.start_seconds)
        # Kubernetes ends pods that are not ready first, then the youngest; it does not ask which of them work.
        victims = sorted(standing, key=lambda pod: (pod.is_ready, -pod.born))
        for pod in victims[: max(len(standing) - wanted, 0)]:
            self._end(pod)
        waited = self._now - self._waiting[0] if self._waiting else 0.0
        self._outcome.samples.append(Sample(self._now, len(self._pods), waited))
        if self._undone or len(self._pods) > self._policy.minimum:
            self._schedule(self._now + POLL_SECONDS, _Kind.POLL)
        else:
            self._outcome.pod_seconds += sum(self._now - pod.born for pod in self._pods)

    def _end(self, pod: _Pod) -> None:
        if pod.batch is None:
            self._remove(pod, at=self._now)
            return
        self._outcome.ended_busy += 1
        pod.is_draining = True
        if pod.began + self._pool.batch_seconds > self._now + self._pool.grace_seconds:
            self._outcome.repeated += 1
            self._waiting.appendleft(pod.batch)
            pod.batch = None
            self._remove(pod, at=self._now + self._pool.grace_seconds)

    def _remove(self, pod: _Pod, *, at: float) -> None:
        self._pods.remove(pod)
        self._outcome.pod_seconds += at - pod.born
