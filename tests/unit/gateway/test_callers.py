"""Who counts as somebody at this machine."""

from __future__ import annotations

import pytest

from protea_gateway.domain.callers import Connection

ALLOWED = ("http://localhost:3000",)


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_a_local_connection_under_a_local_name_is_local(host: str) -> None:
    assert Connection("127.0.0.1", host).is_local(ALLOWED)


@pytest.mark.parametrize(
    ("client", "host", "origin"),
    [
        ("192.168.1.5", "localhost:8000", None),
        (None, "localhost:8000", None),
        ("127.0.0.1", "evil.example:8000", None),
        ("127.0.0.1", "localhost.evil.example", None),
        ("127.0.0.1", "127.0.0.1.evil.example", None),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "[::1", None),
        ("127.0.0.1", "localhost:8000", "https://evil.example"),
        ("127.0.0.1", "localhost:8000", "null"),
    ],
    ids=[
        "remote",
        "unknown client",
        "rebound name",
        "name that begins locally",
        "name that begins like an address",
        "no name",
        "broken name",
        "page of another site",
        "page without a site",
    ],
)
def test_everybody_else_is_not(client: str | None, host: str, origin: str | None) -> None:
    assert not Connection(client, host, origin).is_local(ALLOWED)


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8000"])
def test_pages_of_this_machine_may_act(origin: str) -> None:
    assert Connection("127.0.0.1", "127.0.0.1:8000", origin).is_local(ALLOWED)


def test_an_allowed_origin_may_act_from_elsewhere_in_the_browser() -> None:
    connection = Connection("127.0.0.1", "127.0.0.1:8000", "https://protea.example")

    assert connection.is_local(("https://protea.example",))
