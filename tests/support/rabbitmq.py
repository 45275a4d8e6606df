"""A real RabbitMQ for tests: a given one, Debian's on private ports, or a container; and a virtual host per test."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, Protocol
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

__all__ = [
    "RabbitServer",
    "amqp_url",
    "create_virtual_host",
    "delete_virtual_host",
    "rabbitmq",
    "start_rabbitmq",
    "virtual_host",
]

_DEBIAN_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_IMAGE = "rabbitmq:4-management"
_START_SECONDS = 90.0
_STOP_SECONDS = 30.0


class RabbitServer(Protocol):
    """A broker with its management plugin; stop, start and kill keep ports and data, pause keeps connections too."""

    @property
    def amqp_url(self) -> str: ...

    @property
    def management_url(self) -> str: ...

    def stop(self) -> None: ...

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None: ...


def start_rabbitmq(base_dir: Path) -> RabbitServer:
    """Find or start a broker; the caller closes it."""
    given = os.environ.get("PROTEA_TEST_AMQP_URL")
    if given:
        return _GivenServer(given)
    if _DEBIAN_SERVER.exists():
        return _LocalServer(base_dir)
    if _docker_answers():
        return _DockerServer()
    pytest.fail(
        "These tests need RabbitMQ. Install it (apt-get install rabbitmq-server; it need not run), or start Docker, "
        "or set PROTEA_TEST_AMQP_URL to a server with the management plugin."
    )


@contextmanager
def virtual_host(server: RabbitServer) -> Iterator[str]:
    """Lend an empty virtual host, by its AMQP URL."""
    name = f"test-{uuid4().hex}"
    create_virtual_host(server, name)
    try:
        yield urlunsplit(urlsplit(server.amqp_url)._replace(path=f"/{name}"))
    finally:
        # Elsewhere it goes with its server; RabbitMQ 3.10 stumbles over queues that are deleted soon after a crash.
        if isinstance(server, _GivenServer):
            delete_virtual_host(server, name)


def create_virtual_host(server: RabbitServer, name: str) -> None:
    user = urlsplit(server.amqp_url).username or "guest"
    _manage(server, "PUT", f"vhosts/{name}")
    _manage(server, "PUT", f"permissions/{name}/{user}", {"configure": ".*", "write": ".*", "read": ".*"})


def delete_virtual_host(server: RabbitServer, name: str) -> None:
    """Delete a virtual host with all it holds; connections to it are closed."""
    _manage(server, "DELETE", f"vhosts/{name}")


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    server = start_rabbitmq(tmp_path_factory.mktemp("rabbitmq"))
    yield server
    server.close()


@pytest.fixture
def amqp_url(rabbitmq: RabbitServer) -> Iterator[str]:
    with virtual_host(rabbitmq) as url:
        yield url


class _GivenServer:
    """A server that somebody else runs, so that it cannot be stopped from here."""

    def __init__(self, amqp_url: str) -> None:
        self.amqp_url = amqp_url
        host = urlsplit(amqp_url).hostname
        self.management_url = os.environ.get("PROTEA_TEST_RABBITMQ_MANAGEMENT_URL", f"http://{host}:15672")

    def stop(self) -> None:
        self._refuse()

    def start(self) -> None:
        self._refuse()

    def kill(self) -> None:
        self._refuse()

    def pause(self) -> None:
        self._refuse()

    def resume(self) -> None:
        self._refuse()

    def close(self) -> None:
        """Leave it running."""

    def _refuse(self) -> NoReturn:
        pytest.fail("The server of PROTEA_TEST_AMQP_URL cannot be stopped by a test; unset it to run this one.")


class _LocalServer:
    """Debian's RabbitMQ with ports, folders, node name and port mapper of its own, all on loopback."""

    def __init__(self, base_dir: Path) -> None:
        self._base_dir = base_dir
        self._amqp_port, self._management_port, self._dist_port, self._epmd_port = _free_ports(4)
        self.amqp_url = f"amqp://guest:guest@127.0.0.1:{self._amqp_port}/"
        self.management_url = f"http://127.0.0.1:{self._management_port}"
        self._node: subprocess.Popen[bytes] | None = None
        self._write_configuration()
        self._epmd = self._start_epmd()
        atexit.register(self.close)
        self.start()

    def start(self) -> None:
        with (self._base_dir / "console.log").open("ab") as console:
            self._node = subprocess.Popen(
                [_DEBIAN_SERVER],
                env=self._environment(),
                cwd=self._base_dir,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _wait_until_ready(self, self._check_alive)

    def stop(self) -> None:
        """Shut the node down in order, so that it writes everything to disk."""
        if self._node is not None:
            self._node.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._node.wait(_STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        if self._node is not None:
            self._signal(signal.SIGKILL)
            self._node.wait()
        self._node = None

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        atexit.unregister(self.close)
        self.kill()
        self._epmd.terminate()
        self._epmd.wait()
        shutil.rmtree(self._base_dir / "mnesia", ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        # The group holds the Erlang machine and its helpers.
        if self._node is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._node.pid, number)

    def _check_alive(self) -> None:
        if self._node is not None and self._node.poll() is not None:
            console = (self._base_dir / "console.log").read_text(errors="replace")
            pytest.fail(f"RabbitMQ ended with {self._node.returncode} while it started:\n{console[-4000:]}")

    def _start_epmd(self) -> subprocess.Popen[bytes]:
        """Start the port mapper ourselves: one that RabbitMQ starts outlives it."""
        command = shutil.which("epmd")
        if command is None:
            pytest.fail("RabbitMQ is installed without Erlang's epmd; run apt-get install erlang-base.")
        return subprocess.Popen(
            [command, "-address", "127.0.0.1", "-port", str(self._epmd_port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _write_configuration(self) -> None:
        (self._base_dir / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._amqp_port}\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self._management_port}\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        (self._base_dir / "enabled_plugins").write_text("[rabbitmq_management].\n")

    def _environment(self) -> dict[str, str]:
        base = self._base_dir
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(base),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"test-{self._amqp_port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "RABBITMQ_PID_FILE": str(base / "node.pid"),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # The start script then becomes the Erlang machine instead of its parent, so signals go straight to it.
            "RUNNING_UNDER_SYSTEMD": "true",
            # Idle schedulers sleep instead of spinning; the distribution port stays on loopback.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }


class _DockerServer:
    """RabbitMQ in a container; host ports are chosen here, since Docker would choose others at a restart."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer

        amqp_port, management_port = _free_ports(2)
        self.amqp_url = f"amqp://guest:guest@127.0.0.1:{amqp_port}/"
        self.management_url = f"http://127.0.0.1:{management_port}"
        container = DockerContainer(_IMAGE).with_bind_ports(5672, amqp_port)
        self._container = container.with_bind_ports(15672, management_port)
        self._container.start()
        _wait_until_ready(self)

    def start(self) -> None:
        self._container.get_wrapped_container().start()
        _wait_until_ready(self)

    def stop(self) -> None:
        self._container.get_wrapped_container().stop(timeout=int(_STOP_SECONDS))

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def pause(self) -> None:
        self._container.get_wrapped_container().pause()

    def resume(self) -> None:
        self._container.get_wrapped_container().unpause()

    def close(self) -> None:
        self._container.stop()


def _docker_answers() -> bool:
    command = shutil.which("docker")
    return command is not None and subprocess.run([command, "info"], capture_output=True, check=False).returncode == 0


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _wait_until_ready(server: RabbitServer, check_alive: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not (_speaks_amqp(server.amqp_url) and _is_healthy(server)):
        check_alive()
        if time.monotonic() > deadline:
            pytest.fail(f"RabbitMQ was not ready within {_START_SECONDS:g} s.")
        time.sleep(0.1)


def _speaks_amqp(amqp_url: str) -> bool:
    """Say the protocol header and see whether the broker begins its handshake with a method frame."""
    address = urlsplit(amqp_url)
    try:
        with socket.create_connection((address.hostname, address.port or 5672), timeout=2) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
    except OSError:
        return False


def _is_healthy(server: RabbitServer) -> bool:
    try:
        _request(server, "GET", "vhosts")
    except OSError:
        return False
    return True


def _manage(server: RabbitServer, method: str, path: str, body: Mapping[str, str] | None = None) -> None:
    try:
        _request(server, method, path, body)
    except OSError as exc:
        pytest.fail(
            f"RabbitMQ's management plugin at {server.management_url} refuses {method} {path}: {exc}. Enable it, or "
            "set PROTEA_TEST_RABBITMQ_MANAGEMENT_URL."
        )


def _request(server: RabbitServer, method: str, path: str, body: Mapping[str, str] | None = None) -> None:
    address = urlsplit(server.amqp_url)
    credentials = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the scheme is http, as written above or given by the tester
        f"{server.management_url}/api/{path}",
        method=method,
        headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
        response.read()
