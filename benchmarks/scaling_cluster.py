"""What the scaling benchmark runs on: PostgreSQL and RabbitMQ of its own, and embedder processes on both."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scaling_worker import DEVICE_SECONDS_VARIABLE
from servers import Servers, open_servers, platform_on

from protea_common.messaging.topology import WorkQueue
from protea_common.runtime import Platform
from protea_standalone.edition import free_port

__all__ = ["Cluster", "open_cluster"]

WORKER: Final = Path(__file__).with_name("scaling_worker.py")
COORDINATOR: Final = ("-m", "protea_embedder", "--role", "coordinator")

READY_SECONDS: Final = 120.0
"""Patience for processes that start; on a busy machine one needs some seconds."""

STOP_SECONDS: Final = 30.0
"""Patience for processes that drain; they are killed after it."""

POLL_SECONDS: Final = 0.1


@dataclass(slots=True)
class Cluster:
    """Starts embedder processes.

    Attributes
    ----------
    platform
        Database and broker, for the benchmark itself.
    folder
        Where logs and artifacts lie.
    environment
        Variables of the processes.
    """

    platform: Platform
    folder: Path
    environment: dict[str, str]
    _started: int = field(default=0, init=False)

    @asynccontextmanager
    async def workers(self, count: int) -> AsyncIterator[None]:
        """Run so many workers during the block, which begins when all of them are subscribed."""
        async with self._processes(count, (str(WORKER),), queue=WorkQueue.EMBEDDINGS_BATCH):
            yield

    @asynccontextmanager
    async def coordinator(self) -> AsyncIterator[None]:
        """Run the process that cuts jobs into batches."""
        async with self._processes(1, COORDINATOR, queue=WorkQueue.EMBEDDINGS):
            yield

    @asynccontextmanager
    async def _processes(self, count: int, command: tuple[str, ...], *, queue: str) -> AsyncIterator[None]:
        processes = [self._start(command) for _ in range(count)]
        try:
            await self._until_consumers(queue, count, processes)
            yield
        finally:
            await asyncio.to_thread(_stop, processes)
        await self._until_consumers(queue, 0, [])

    def _start(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        self._started += 1
        with (self.folder / f"process-{self._started}.log").open("ab") as log:
            environment = {**self.environment, "PROTEA_HTTP__PORT": str(free_port())}
            return subprocess.Popen(
                [sys.executable, *command], cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    async def _until_consumers(self, queue: str, count: int, processes: list[subprocess.Popen[bytes]]) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while (await self.platform.bus.queue_state(queue)).consumers != count:
                if any(process.poll() is not None for process in processes):
                    raise RuntimeError(f"A process ended while it started; its log is in {self.folder}.")
                await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def open_cluster(folder: Path, *, device_seconds: float) -> AsyncIterator[Cluster]:
    """Start the servers in a folder, with the newest schema; stop them when the block ends."""
    with open_servers(folder) as servers:
        async with platform_on(servers) as platform:
            yield Cluster(platform, folder, _environment(servers, device_seconds=device_seconds))


def _environment(servers: Servers, *, device_seconds: float) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PROTEA_")}
    return {
        **inherited,
        "PROTEA_DB_URL": servers.db_url,
        "PROTEA_AMQP_URL": servers.amqp_url,
        "PROTEA_ARTIFACTS_DIR": str(servers.folder / "artifacts"),
        "PROTEA_TUNING__WORKER__DB_POOL_SIZE": "5",
        "OMP_NUM_THREADS": "1",
        DEVICE_SECONDS_VARIABLE: str(device_seconds),
    }


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
