"""What the promises cost: outbox, relay and job protocol against raw aio-pika, in one run on the same servers.

    .venv/bin/python benchmarks/messaging.py [--json] [--rounds N]

- relay: events per second from committed outbox rows to confirmations, against pipelined confirmed publishing;
- latency: from the commit of an event to the next service's callback, against raw publish-to-callback;
- dispatch: queued jobs claimed and in the hands of their use case per second, against consuming, committing one row and
  acknowledging;
- job: the same until they are finished, with their timeline, events and progress.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from folders import traversable_folder
from messaging_ours import ROUTING_KEY, OurSide, sample_message
from messaging_raw import RawPeer
from servers import open_servers, platform_on

from protea_common.messaging.topology import WorkQueue

__all__ = ["Comparison", "main"]

RELAYED: Final = 5_000
LATENCIES: Final = 200
JOBS: Final = 1_000
PREFETCH: Final = 32
"""Messages that a consumer holds, on both sides."""


@dataclass(slots=True)
class Comparison:
    """Both sides' figures of each round.

    Attributes
    ----------
    name
        Of the ratio in the JSON line.
    unit
        Of the figures.
    ours, raw
        A figure a round.
    """

    name: str
    unit: str
    ours: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median of our figure over the raw one, round by round."""
        return statistics.median(our / their for our, their in zip(self.ours, self.raw, strict=True))

    async def round(self, ours: Callable[[], Awaitable[float]], raw: Callable[[], Awaitable[float]]) -> None:
        """Measure both, ours first in every other round."""
        if len(self.ours) % 2 == 0:
            self.ours.append(await ours())
            self.raw.append(await raw())
        else:
            self.raw.append(await raw())
            self.ours.append(await ours())
        print(f"{self.name:<15} ours {self.ours[-1]:>10,.1f}  raw {self.raw[-1]:>10,.1f} {self.unit}", flush=True)


async def compare(ours: OurSide, raw: RawPeer, *, rounds: int) -> list[Comparison]:
    """Run all comparisons in turn."""
    relay = Comparison("relay_ratio", "events/s")
    latency = Comparison("latency_ratio", "ms, median")
    dispatch = Comparison("dispatch_ratio", "jobs/s")
    job = Comparison("job_ratio", "jobs/s")
    for _ in range(rounds):
        await relay.round(lambda: _relayed(ours, raw), lambda: _published(raw))
        await latency.round(lambda: _our_latency(ours), lambda: _raw_latency(raw))
        await dispatch.round(lambda: _per_second(ours.dispatch, ours, raw), lambda: _consumed(raw))
        await job.round(lambda: _per_second(ours.complete, ours, raw), lambda: _consumed(raw))
    return [relay, latency, dispatch, job]


async def _relayed(ours: OurSide, raw: RawPeer) -> float:
    seconds = await ours.relay_all(RELAYED)
    await raw.purge(WorkQueue.PING)
    return RELAYED / seconds


async def _published(raw: RawPeer) -> float:
    body, headers = sample_message()
    seconds = await raw.publish_all(ROUTING_KEY, body=body, headers=headers, count=RELAYED)
    await raw.purge(WorkQueue.PING)
    return RELAYED / seconds


async def _our_latency(ours: OurSide) -> float:
    return 1_000 * statistics.median(await ours.latencies(LATENCIES))


async def _raw_latency(raw: RawPeer) -> float:
    body, _ = sample_message()
    return 1_000 * statistics.median(await raw.latencies(WorkQueue.PING, ROUTING_KEY, body=body, count=LATENCIES))


async def _per_second(measure: Callable[..., Awaitable[float]], ours: OurSide, raw: RawPeer) -> float:
    seconds = await measure(JOBS, prefetch=PREFETCH)
    await ours.relay_due()
    await raw.purge(WorkQueue.PING)
    return JOBS / seconds


async def _consumed(raw: RawPeer) -> float:
    body, headers = sample_message()
    await raw.publish_all(ROUTING_KEY, body=body, headers=headers, count=JOBS)
    return JOBS / await raw.consume_and_commit(WorkQueue.PING, count=JOBS, prefetch=PREFETCH)


async def _run(rounds: int) -> list[Comparison]:
    with traversable_folder("protea-messaging-") as folder, open_servers(folder) as servers:
        async with platform_on(servers) as platform:
            return await compare(OurSide(platform), RawPeer(servers), rounds=rounds)


def main() -> None:
    """Print a line a measurement, the medians of the ratios and, with ``--json``, the same as the last line."""
    parser = argparse.ArgumentParser(description="Outbox, relay and job protocol against raw aio-pika.")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each side (default: 5)")
    arguments = parser.parse_args()
    comparisons = asyncio.run(_run(arguments.rounds))
    print()
    for comparison in comparisons:
        print(f"{comparison.name:<15} {comparison.ratio:.3f}")
    if arguments.json:
        print(json.dumps({comparison.name: round(comparison.ratio, 3) for comparison in comparisons}))


if __name__ == "__main__":
    main()
