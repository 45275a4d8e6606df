"""Five services on real servers, faults without pause, and not a job lost or done twice.

``FAULTS=60 make fault`` for more of them; ``FAULT_SEED=n`` for the plan of a run that went wrong.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.engine import make_url

from support.cluster import SERVICES, Cluster
from support.faults.injection import Injector, Outcome
from support.faults.invariants import (
    STRAYS,
    jobs_ended_twice,
    jobs_lost,
    open_work,
    unacknowledged_messages,
    until_zero,
)
from support.faults.load import PIPELINES, Accepted, Load
from support.faults.observer import Observer, Progress
from support.faults.plan import SERVERS, make_plan
from support.faults.proxy import TcpProxy
from support.faults.recovery import recovery_seconds
from support.faults.servers import Servers, open_servers, with_port
from support.main_job import MainJob, References, variant_fasta
from support.tables import assert_same_predictions

FAULTS = int(os.environ.get("FAULTS", "25"))
SEED = int(os.environ.get("FAULT_SEED") or (7 if os.environ.get("CI") else random.randrange(1_000_000)))
"""Continuous integration repeats one plan: what it finds should come from the change that it tests."""

RECOVERY_SECONDS = 30.0
REST_SECONDS = 90.0

LIMIT_SECONDS = 240 + 12 * FAULTS
"""What a run may take before pytest ends it, with everything starting slowly."""

TUNING = {
    # Where all these processes share two cores a heartbeat may come seconds late.
    "PROTEA_TUNING__WORKER__LEASE": "8",
    "PROTEA_TUNING__WORKER__HEARTBEAT": "1",
    "PROTEA_TUNING__WORKER__SHUTDOWN_GRACE": "5",
    # Longer than a server takes to come back on a busy machine: who gives up at the start counts as a crash here.
    "PROTEA_STARTUP__DEPENDENCY_WAIT": "120",
    "PROTEA_GATEWAY__ANNOTATE_SEQUENCES_PER_JOB": "10",
    "PROTEA_GATEWAY__ANNOTATE_BATCH_SIZE": "10",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Where it happens: the processes, the servers and all that lies between them."""

    servers: Servers
    cluster: Cluster
    proxies: dict[tuple[str, str], TcpProxy]
    observer: Observer
    job: MainJob
    disk_is_full: Path


@asynccontextmanager
async def open_field(folder: Path) -> AsyncIterator[Field]:
    """Start servers, proxies and services."""
    disk_is_full = folder / "disk-is-full"
    async with open_servers(folder / "rabbitmq") as servers, AsyncExitStack() as stack:
        urls = {"database": servers.database_url, "broker": servers.rabbitmq.amqp_url}
        proxies: dict[tuple[str, str], TcpProxy] = {}
        for service in SERVICES:
            for server in SERVERS:
                port = urlsplit(urls[server]).port
                assert port is not None
                proxies[service, server] = await stack.enter_async_context(TcpProxy("127.0.0.1", port))
        cluster = Cluster(
            folder=folder,
            database_url=urls["database"],
            amqp_url=urls["broker"],
            program=lambda service: [sys.executable, "-m", "support.faults.service", service, str(disk_is_full)],
            environment=lambda service: {
                **TUNING,
                "PYTHONPATH": str(Path(__file__).parents[1]),
                "PROTEA_DB_URL": with_port(urls["database"], proxies[service, "database"].port),
                "PROTEA_AMQP_URL": with_port(urls["broker"], proxies[service, "broker"].port),
            },
        )
        address = make_url(urls["database"]).set(drivername="postgresql").render_as_string(hide_password=False)
        observer = await stack.enter_async_context(Observer(address))
        await asyncio.to_thread(cluster.__enter__)
        try:
            with closing(MainJob(cluster.url)) as job:
                yield Field(servers, cluster, proxies, observer, job, disk_is_full)
        finally:
            await asyncio.to_thread(cluster.__exit__, None, None, None)


@pytest.mark.timeout(LIMIT_SECONDS)
async def test_faults_lose_nothing_and_repeat_nothing(tmp_path: Path, verdict: list[str]) -> None:
    print(f"\nFAULT_SEED={SEED} FAULTS={FAULTS}", flush=True)
    async with open_field(tmp_path) as field:
        references = await asyncio.to_thread(field.job.load_references)
        undisturbed = await asyncio.to_thread(predict_all_variants, field.job, references)
        evaluation = await asyncio.to_thread(prepare_evaluation, field.job, references)

        accepted, injector, progress = await disturb(field, references, evaluation)

        await until_zero(partial(open_work, field.observer), what="jobs, batches or events", seconds=REST_SECONDS)
        rabbitmq = field.servers.rabbitmq
        in_queues = partial(unacknowledged_messages, rabbitmq.amqp_url, rabbitmq.management_url)
        await until_zero(in_queues, what="messages", seconds=REST_SECONDS)
        lost = await jobs_lost(field.observer, accepted)
        different = await asyncio.to_thread(different_rows, field.job, accepted, undisturbed)
        twice = await jobs_ended_twice(field.observer)
        strays = {what: count for what, sql in STRAYS.items() if (count := await field.observer.count(sql))}
    outcomes = injector.outcomes
    recoveries = [recovery_seconds(outcome, outcomes, progress) for outcome in outcomes]
    worst = max(recovery for recovery in recoveries if recovery is not None)
    for outcome, recovery in zip(outcomes, recoveries, strict=True):
        lasted = outcome.ended_at - outcome.begun_at
        print(f"     {outcome.fault}: over after {lasted:.1f} s, recovered {recovery or -1:.1f} s later")
    verdict.append(
        f"{len(outcomes)} faults, {len(lost) + len(different)} lost, {len(twice)} duplicated, "
        f"worst recovery {worst:.1f} s"
    )
    assert (lost, different, list(twice), strays) == ([], [], [], {})
    assert injector.crashes == []
    assert None not in recoveries
    assert worst <= RECOVERY_SECONDS


def predict_all_variants(job: MainJob, references: References) -> list[list[dict[str, str]]]:
    """Run the main job for each query set in peace."""
    return [
        job.predictions(job.annotate(references, fasta=variant_fasta(variant), name=f"variant {variant}"))
        for variant in range(PIPELINES)
    ]


def prepare_evaluation(job: MainJob, references: References) -> dict[str, str | int]:
    """Make what evaluations are about; give their payload."""
    generated = job.run(
        "generate_evaluation_set",
        old_annotation_set_id=references.old_annotation_set_id,
        new_annotation_set_id=references.new_annotation_set_id,
    )
    prediction_set = job.prediction_set(job.annotate(references))
    return {
        "evaluation_set_id": generated["evaluation_set_id"],
        "prediction_set_id": prediction_set,
        "n_resamples": 0,
    }


async def disturb(
    field: Field, references: References, evaluation: dict[str, str | int]
) -> tuple[Accepted, Injector, Progress]:
    """Carry out the plan under load, and go on until every service has recovered from its last fault."""
    progress = Progress(field.observer)
    load = Load(field.cluster.url, references, field.observer, progress, evaluation=evaluation)
    injector = Injector(field.cluster, field.servers, field.proxies, field.observer, disk_is_full=field.disk_is_full)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(load.run())
        watching = [group.create_task(progress.watch()), group.create_task(injector.restart_what_ends())]
        await injector.run(make_plan(SEED, FAULTS))
        await until_zero(
            partial(count_unrecovered, injector.outcomes, progress), what="faults not overcome", seconds=REST_SECONDS
        )
        load.stop()
        await asyncio.wait_for(working, REST_SECONDS)
        for task in watching:
            task.cancel()
    return load.accepted, injector, progress


async def count_unrecovered(outcomes: Sequence[Outcome], progress: Progress) -> int:
    return sum(progress.next_after(outcome.ended_at, outcome.concerned) is None for outcome in outcomes)


def different_rows(job: MainJob, accepted: Accepted, undisturbed: Sequence[list[dict[str, str]]]) -> list[str]:
    """Name the main jobs whose predictions are not those of the undisturbed run."""
    different = []
    for job_id, variant in accepted.main_jobs.items():
        try:
            assert_same_predictions(job.predictions(job_id), undisturbed[variant])
        except AssertionError as exc:
            different.append(f"{job_id}: {exc}")
    return different
