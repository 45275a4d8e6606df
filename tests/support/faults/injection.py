"""Making a plan's faults happen, and ending each."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.cluster import SERVICES, Cluster
from support.faults.copies import publish_copies
from support.faults.observer import Observer
from support.faults.plan import Fault, Kind
from support.faults.proxy import TcpProxy
from support.faults.servers import Servers

__all__ = ["Injector", "Outcome"]

_LOOK_SECONDS = 0.2
_START_SECONDS = 180.0

_ENDED_WELL = (0, -signal.SIGTERM)
"""A drained service ends with 0; one that is told to end while Python still starts knows no better than -15."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fault that is over, and when it began and ended (monotonic seconds).

    As a server's fault lasts until it accepts connections again, a service's lasts until its process has started.
    """

    fault: Fault
    begun_at: float
    ended_at: float

    @property
    def concerned(self) -> Sequence[str]:
        """The services whose progress shows that it is overcome."""
        return SERVICES if self.fault.service is None else (self.fault.service,)


class Injector:
    """Does to services, servers and connections what a plan says; the same thing never twice at once.

    Parameters
    ----------
    proxies
        The connection of each service to each server.
    disk_is_full
        File whose existence makes the artifact store refuse writes.
    """

    def __init__(
        self,
        cluster: Cluster,
        servers: Servers,
        proxies: Mapping[tuple[str, str], TcpProxy],
        observer: Observer,
        *,
        disk_is_full: Path,
    ) -> None:
        self._cluster = cluster
        self._servers = servers
        self._proxies = proxies
        self._observer = observer
        self._disk_is_full = disk_is_full
        self._turns: defaultdict[tuple[str | None, str | None], asyncio.Lock] = defaultdict(asyncio.Lock)
        self.crashes: list[str] = []
        """Services that ended although nobody had told them to, or not as they should."""
        self.outcomes: list[Outcome] = []

    async def run(self, plan: Sequence[Fault]) -> None:
        """Let every fault begin at its time; return when all are over."""
        async with asyncio.TaskGroup() as under_way:
            for number, fault in enumerate(plan, start=1):
                await asyncio.sleep(fault.gap_seconds)
                under_way.create_task(self._apply(number, fault))

    async def restart_what_ends(self) -> None:
        """Start services again that ended by themselves, as Kubernetes would, until cancelled."""
        while True:
            for service in SERVICES:
                turn = self._turns[service, None]
                if not turn.locked() and (code := self._cluster.exit_code(service)) is not None:
                    self._note_crash(f"{service} ended by itself with {code}")
                    self._cluster.start(service)
            await asyncio.sleep(_LOOK_SECONDS)

    def _note_crash(self, what: str) -> None:
        self.crashes.append(what)
        print(f"   ! {what}", flush=True)

    async def _apply(self, number: int, fault: Fault) -> None:
        async with self._turns[fault.service, fault.server]:
            print(f"{number:4} {fault}", flush=True)
            begun_at = time.monotonic()
            match fault.kind:
                case Kind.KILL | Kind.TERMINATE:
                    await self._end_service(fault)
                case Kind.CUT | Kind.STALL | Kind.DELAY:
                    await self._disturb_connection(fault)
                case Kind.STOP | Kind.CRASH:
                    await self._end_server(fault)
                case Kind.COPY | Kind.LATE_COPY:
                    url = self._servers.rabbitmq.amqp_url
                    await publish_copies(url, self._observer, late=fault.kind is Kind.LATE_COPY, seed=fault.seed)
                case Kind.FULL_DISK:
                    self._disk_is_full.touch()
                    await asyncio.sleep(fault.seconds)
                    self._disk_is_full.unlink()
        if fault.kind in {Kind.KILL, Kind.TERMINATE}:
            await self._until_started(fault.service)
        self.outcomes.append(Outcome(fault, begun_at, time.monotonic()))

    async def _end_service(self, fault: Fault) -> None:
        assert fault.service is not None
        if fault.kind is Kind.TERMINATE:
            try:
                code = await asyncio.to_thread(self._cluster.stop, fault.service)
            except subprocess.TimeoutExpired:
                self._note_crash(f"{fault.service} did not end on SIGTERM")
            else:
                if code not in _ENDED_WELL:
                    self._note_crash(f"{fault.service} ended on SIGTERM with {code}")
        await asyncio.to_thread(self._cluster.kill, fault.service)
        self._cluster.start(fault.service)

    async def _until_started(self, service: str | None) -> None:
        """Wait for a process that is starting; it may be killed again meanwhile."""
        assert service is not None
        async with asyncio.timeout(_START_SECONDS):
            while not await asyncio.to_thread(self._cluster.answers, service):
                await asyncio.sleep(_LOOK_SECONDS)

    async def _disturb_connection(self, fault: Fault) -> None:
        assert fault.service is not None
        assert fault.server is not None
        proxy = self._proxies[fault.service, fault.server]
        match fault.kind:
            case Kind.CUT:
                proxy.cut()
            case Kind.STALL:
                proxy.stall()
            case _:
                proxy.slow_down(fault.seconds / 20)
        await asyncio.sleep(fault.seconds)
        proxy.mend()
        proxy.flow()
        proxy.slow_down(0)

    async def _end_server(self, fault: Fault) -> None:
        assert fault.server is not None
        end = self._servers.stop if fault.kind is Kind.STOP else self._servers.crash
        await asyncio.to_thread(end, fault.server)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self._servers.start, fault.server)
