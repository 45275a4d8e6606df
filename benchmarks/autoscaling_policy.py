"""How many pods KEDA and the horizontal pod autoscaler want, as a pure function of what they have seen.

References
----------
Kubernetes, Horizontal Pod Autoscaling: algorithm details, configurable scaling behavior. KEDA, specification of a
ScaledObject.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["Autoscaler", "Load", "Policy"]

_TOLERANCE: Final = 0.1
"""The autoscaler leaves the pods as they are while the ratio of wanted to actual is this close to 1."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the triggers see at one moment.

    Attributes
    ----------
    ready, unacknowledged
        Messages that wait, and those that pods work on.
    oldest_seconds
        Age of the oldest open batch.
    """

    ready: int
    unacknowledged: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of a ScaledObject; the defaults are those of the manifests.

    Attributes
    ----------
    messages_per_pod
        Target of the queue trigger.
    counts_unacknowledged
        Whether messages in work count, as RabbitMQ's HTTP protocol allows.
    age_seconds_per_pod
        Target of the age trigger, whose value is capped at so much a batch; 0 for no such trigger.
    minimum, maximum
        Pods.
    pods_per_minute
        Most that are added in a minute.
    shrink_share
        Most that go in a minute, as a share of the pods.
    stabilisation_seconds
        Pods go only when so long nothing more was wanted.
    cooldown_seconds
        The last pod goes when so long there was nothing at all.
    """

    messages_per_pod: float = 4.0
    counts_unacknowledged: bool = True
    age_seconds_per_pod: float = 300.0
    minimum: int = 0
    maximum: int = 8
    pods_per_minute: int = 4
    shrink_share: float = 0.25
    stabilisation_seconds: float = 300.0
    cooldown_seconds: float = 300.0


class Autoscaler:
    """Decides every poll how many pods there should be.

    Parameters
    ----------
    policy
        By which numbers.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._wanted: deque[tuple[float, int]] = deque()
        self._history: deque[tuple[float, int]] = deque()
        self._last_active = -math.inf

    def decide(self, load: Load, *, pods: int, now: float) -> int:
        """Give the number of pods, at ``now`` seconds, with so many there."""
        policy = self._policy
        metrics = self._metrics(load)
        if any(value > 0 for value, _ in metrics):
            self._last_active = now
        elif now - self._last_active >= policy.cooldown_seconds:
            return policy.minimum
        if pods == 0:
            return min(1, policy.maximum) if self._last_active == now else 0
        wanted = max(_wanted(value, target, pods) for value, target in metrics)
        stable = self._stabilised(min(max(wanted, 1, policy.minimum), policy.maximum), now)
        self._remember(self._history, pods, now, seconds=60.0)
        most_before = max(count for _, count in self._history)
        least_before = min(count for _, count in self._history)
        if stable > pods:
            return min(stable, least_before + policy.pods_per_minute)
        return max(stable, math.floor(most_before * (1 - policy.shrink_share)))

    def _metrics(self, load: Load) -> list[tuple[float, float]]:
        policy = self._policy
        batches = load.ready + load.unacknowledged
        messages = batches if policy.counts_unacknowledged else load.ready
        metrics = [(float(messages), policy.messages_per_pod)]
        if policy.age_seconds_per_pod:
            age = min(load.oldest_seconds, policy.age_seconds_per_pod * batches)
            metrics.append((math.ceil(age), policy.age_seconds_per_pod))
        return metrics

    def _stabilised(self, wanted: int, now: float) -> int:
        """Give the most that was wanted within the window: growing is at once, shrinking waits."""
        self._remember(self._wanted, wanted, now, seconds=self._policy.stabilisation_seconds)
        return max(count for _, count in self._wanted)

    @staticmethod
    def _remember(memory: deque[tuple[float, int]], value: int, now: float, *, seconds: float) -> None:
        memory.append((now, value))
        while memory[0][0] < now - seconds:
            memory.popleft()


def _wanted(value: float, target: float, pods: int) -> int:
    is_close = abs(value / (target * pods) - 1) <= _TOLERANCE
    return pods if is_close else math.ceil(value / target)
