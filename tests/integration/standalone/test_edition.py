"""The laptop edition: starting, stopping, finding everything again, and refusing what cannot be."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Final

import httpx
import pytest

from protea_cli.client import ProteaClient
from protea_cli.following import follow
from protea_cli.states import JobState
from protea_common.runtime import AddressInUseError
from protea_standalone.edition import free_port, open_laptop_edition
from protea_standalone.home import AlreadyRunningError, Home
from support.laptop import SmallData, running_up

QUICK_LEASES: Final = {
    "PROTEA_TUNING__WORKER__LEASE": "2",
    "PROTEA_TUNING__WORKER__HEARTBEAT": "0.5",
    "PROTEA_TUNING__WORKER__REAPER_INTERVAL": "0.5",
}
"""So that the death of a process is noticed within a test's time."""


async def ended(client: ProteaClient, job_id: str) -> JobState:
    return await follow(client, f"/v1/jobs/{job_id}/stream", read=lambda: client.job(job_id), show=lambda _: None)


async def test_it_answers_when_it_is_ready_and_no_longer_when_it_has_stopped(home: Path) -> None:
    async with open_laptop_edition(home, port=free_port()) as edition, httpx.AsyncClient(base_url=edition.url) as http:
        ready = await http.get("/health/ready")
        assert ready.status_code == 200
        assert len(edition.services) == 5
        assert json.loads(Home.at(home).running_file.read_text()) == {"pid": os.getpid(), "url": edition.url}

    async with httpx.AsyncClient(base_url=edition.url) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")
    assert not Home.at(home).running_file.exists()


async def test_whoever_sits_at_this_machine_needs_no_key(home: Path) -> None:
    async with open_laptop_edition(home, port=free_port()) as edition, ProteaClient(edition.url) as client:
        job_id = await client.submit("ping", {})
        state = await ended(client, job_id)

    assert state.has_succeeded


async def test_data_and_jobs_are_found_again_at_the_next_start(home: Path) -> None:
    async with open_laptop_edition(home, port=free_port()) as edition, ProteaClient(edition.url) as client:
        job_id = await client.submit("ping", {"what": "remember"})

    async with open_laptop_edition(home, port=free_port()) as edition, ProteaClient(edition.url) as client:
        state = await ended(client, job_id)

    assert state.has_succeeded


async def test_a_second_start_on_the_same_home_is_refused_with_the_address_of_the_first(home: Path) -> None:
    async with open_laptop_edition(home, port=free_port()) as edition:
        with pytest.raises(AlreadyRunningError, match=f"already running at {edition.url}"):
            async with open_laptop_edition(home, port=free_port()):
                pass
        async with ProteaClient(edition.url) as client:
            assert await client.get("/v1/annotations/sets") == []


async def test_a_taken_port_is_refused_before_the_database_is_made(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUseError, match=rf"127\.0\.0\.1:{port}: another program uses it.*--port"):
            async with open_laptop_edition(home, port=port):
                pass

    assert not Home.at(home).postgres.exists()


async def test_an_error_of_the_block_comes_out_as_it_is_and_everything_is_stopped(home: Path) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with open_laptop_edition(home, port=free_port()):
            raise LookupError("mine")

    async with open_laptop_edition(home, port=free_port()):
        pass


async def test_a_job_goes_on_after_the_process_was_killed(
    home: Path, small_data: SmallData, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in QUICK_LEASES.items():
        monkeypatch.setenv(name, value)
    with running_up(home) as up:
        async with ProteaClient(up.url) as client:
            source = await client.upload(small_data.ontology, show=lambda _sent, _total: None)
            job_id = await client.submit("load_ontology_snapshot", {"source_uri": source})
            while (await client.job(job_id)).status != "RUNNING":
                await asyncio.sleep(0.02)
        up.process.kill()

    async with open_laptop_edition(home, port=free_port()) as edition, ProteaClient(edition.url) as client:
        state = await ended(client, job_id)
        snapshots = await client.get("/v1/annotations/snapshots")

    assert state.has_succeeded
    assert len(snapshots) == 1
