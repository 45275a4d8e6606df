"""The five services as processes of their own, on a real PostgreSQL and a real RabbitMQ."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

__all__ = ["SERVICES", "Cluster"]

SERVICES = ("gateway", "ingest", "embedder", "predictor", "evaluator")

_READY_SECONDS = 60.0

_TUNING = {
    # A dead worker is noticed soon, so that a test need not wait for it.
    "PROTEA_TUNING__WORKER__LEASE": "3",
    "PROTEA_TUNING__WORKER__HEARTBEAT": "0.5",
    "PROTEA_TUNING__WORKER__REAPER_INTERVAL": "0.5",
    "PROTEA_TUNING__WORKER__SHUTDOWN_GRACE": "10",
    "PROTEA_TUNING__WORKER__DB_POOL_SIZE": "5",
    "PROTEA_STARTUP__DEPENDENCY_WAIT": "30",
}


def _own_program(service: str) -> list[str]:
    return [sys.executable, "-m", f"protea_{service}"]


def _nothing_more(service: str) -> dict[str, str]:
    return {}


class Cluster:
    """Starts, kills and restarts the services; logs and artifacts go below a folder of the test's.

    Parameters
    ----------
    program
        Command of a service, by its name; each service's own unless given.
    environment
        What is added to a service's environment, by its name.

    Attributes
    ----------
    url
        Address of the gateway.
    """

    def __init__(
        self,
        *,
        folder: Path,
        database_url: str,
        amqp_url: str,
        program: Callable[[str], list[str]] = _own_program,
        environment: Callable[[str], Mapping[str, str]] = _nothing_more,
    ) -> None:
        self._program = program
        self._more = environment
        self._folder = folder
        self._ports = {service: _free_port() for service in SERVICES}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PROTEA_")},
            **_TUNING,
            "PROTEA_DB_URL": database_url,
            "PROTEA_AMQP_URL": amqp_url,
            "PROTEA_ARTIFACTS_DIR": str(folder / "artifacts"),
            "PROTEA_GATEWAY__AUTHENTICATION": "loopback",
            "OMP_NUM_THREADS": "1",
        }
        self.url = f"http://127.0.0.1:{self._ports['gateway']}"

    def __enter__(self) -> Self:
        for service in SERVICES:
            self.start(service)
        for service in SERVICES:
            self.wait_until_ready(service)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, service: str) -> None:
        """Start one service."""
        with (self._folder / f"{service}.log").open("ab") as log:
            self._processes[service] = subprocess.Popen(
                self._program(service),
                cwd=self._folder,
                env={**self._environment, "PROTEA_HTTP__PORT": str(self._ports[service]), **self._more(service)},
                stdout=log,
                stderr=log,
            )

    def kill(self, service: str) -> None:
        """Kill one service as a power cut would (SIGKILL)."""
        self._processes[service].kill()
        self._processes[service].wait()

    def stop(self, service: str) -> int:
        """Ask one service to drain and stop (SIGTERM); give its exit code."""
        self._processes[service].send_signal(signal.SIGTERM)
        return self._processes[service].wait(timeout=30)

    def exit_code(self, service: str) -> int | None:
        """How a service's process ended; ``None`` while it runs."""
        return self._processes[service].poll()

    def answers(self, service: str) -> bool:
        """Whether a service has started: it has found its dependencies and listens."""
        try:
            return httpx.get(f"http://127.0.0.1:{self._ports[service]}/health", timeout=5).is_success
        except httpx.TransportError:
            return False

    def wait_until_ready(self, service: str) -> None:
        """Wait for ``/health/ready``; fail with the end of the service's log."""
        deadline = time.monotonic() + _READY_SECONDS
        address = f"http://127.0.0.1:{self._ports[service]}/health/ready"
        while time.monotonic() < deadline:
            if self._processes[service].poll() is not None:
                break
            try:
                if httpx.get(address, timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{service} did not become ready:\n{self.log(service)[-3000:]}")

    def metrics(self, service: str) -> str:
        """Read what a service shows to Prometheus."""
        answer = httpx.get(f"http://127.0.0.1:{self._ports[service]}/metrics", timeout=5)
        answer.raise_for_status()
        return answer.text

    def log(self, service: str) -> str:
        """What a service has written so far."""
        return (self._folder / f"{service}.log").read_text(encoding="utf8", errors="replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
