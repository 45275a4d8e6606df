"""``protea status``: how the platform is, on one screen."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from protea_cli.ages import describe_age
from protea_cli.client import ProteaClient
from protea_cli.errors import ServerUnreachableError
from protea_cli.options import DEFAULT_URL, ApiKey, Url

__all__ = ["draw_status", "status"]

LONGEST_MESSAGE: Final = 160
"""Characters of an error shown: the screen is one; `--json` has the whole."""


def status(
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole as JSON; with --watch one line a look.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until interrupted.")] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks of --watch.")] = 2.0,
) -> None:
    """Show queues, workers, leases, jobs, outbox lag, dead letters and the last errors."""
    console = Console(highlight=False)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_show(console, url, api_key, as_json=as_json, interval=interval if watch else None))


async def _show(console: Console, url: str, key: str | None, *, as_json: bool, interval: float | None) -> None:
    async with ProteaClient(url, api_key=key) as client:
        if interval is None:
            _print(console, await client.get("/v1/status"), url=client.url, as_json=as_json, indent=2)
            return
        while True:
            await _look(console, client, as_json=as_json)
            await asyncio.sleep(interval)


async def _look(console: Console, client: ProteaClient, *, as_json: bool) -> None:
    """Show once; a server that is away, for a restart say, is told and looked for again."""
    try:
        seen = await client.get("/v1/status")
    except ServerUnreachableError as exc:
        Console(stderr=True, markup=False, highlight=False).print(f"protea: {exc}", soft_wrap=True)
        return
    if not as_json:
        console.clear()
    _print(console, seen, url=client.url, as_json=as_json, indent=None)


def _print(console: Console, seen: Mapping[str, Any], *, url: str, as_json: bool, indent: int | None) -> None:
    if as_json:
        typer.echo(json.dumps(seen, indent=indent))
    else:
        console.print(draw_status(seen, url=url))


def draw_status(seen: Mapping[str, Any], *, url: str) -> RenderableType:
    """Lay out an answer of ``/v1/status``."""
    now = datetime.fromisoformat(seen["observed_at"])
    parts: list[RenderableType] = [Text(_headline(seen, url=url, now=now)), _queues(seen["queues"])]
    parts.append(Text("unacknowledged: leases that workers hold, from the database"))
    if seen["broker_error"]:
        parts.append(Text(f"broker: {seen['broker_error']}", style="bold red"))
    parts += [_workers(seen["workers"], now=now), *(Text(line) for line in _sums(seen, now=now))]
    return Group(*parts, _errors(seen["errors"], now=now))


def _headline(seen: Mapping[str, Any], *, url: str, now: datetime) -> str:
    versions = seen["versions"]
    schema = versions["database_schema"] or "none"
    return (
        f"PROTEA {versions['protea']} at {url}, {now:%Y-%m-%d %H:%M:%S} UTC"
        f" (PostgreSQL {versions['postgresql'].split()[0]}, schema {schema}, Python {versions['python']})"
    )


def _queues(queues: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("queue", "service", ready="right", unacknowledged="right", consumers="right", oldest_open="right")
    for queue in queues:
        counts = (queue["ready"], queue["unacknowledged"], queue["consumers"])
        oldest = queue["oldest_open_seconds"]
        told = "" if oldest is None else describe_age(oldest)
        table.add_row(queue["name"], queue["service"] or "", *map(_count, counts), told)
    return table


def _workers(workers: Sequence[Mapping[str, Any]], *, now: datetime) -> RenderableType:
    if not workers:
        return Text("\nNo worker holds a lease.")
    table = _table("worker", "service", "queue", holds="right", since="right", heartbeat="right", lease="right")
    for worker in workers:
        since, heartbeat = (describe_age(_until(now, worker[name])) for name in ("since", "heartbeat_at"))
        left = -_until(now, worker["lease_until"])
        lease = f"{describe_age(left)} left" if left >= 0 else f"expired {describe_age(-left)} ago"
        names = (worker["worker"], worker["service"] or "", worker["queue"])
        table.add_row(*names, _count(worker["holds"]), since, f"{heartbeat} ago", lease)
    return table


def _sums(seen: Mapping[str, Any], *, now: datetime) -> list[str]:
    jobs, leases, outbox, letters = (seen[name] for name in ("jobs", "leases", "outbox", "dead_letters"))
    ends = (
        ""
        if leases["next_expiry"] is None
        else f", the next ends in {describe_age(-_until(now, leases['next_expiry']))}"
    )
    return [
        "",
        f"jobs          {_by_state(jobs['active'])}; of the last day's: {_by_state(jobs['ended_last_day'])}",
        f"leases        {leases['held']} held, {leases['expired']} expired{ends}",
        f"outbox        {outbox['unsent']} unsent{_oldest(outbox)}, {outbox['delayed']} delayed",
        f"dead letters  {letters['open']} open{_oldest(letters)}",
    ]


def _errors(errors: Sequence[Mapping[str, Any]], *, now: datetime) -> RenderableType:
    if not errors:
        return Text("\nNo errors.")
    table = _table("ago", "what", "operation", "error", "job")
    for error in errors:
        ago = describe_age(_until(now, error["ts"]))
        told = ": ".join(part for part in (error["error_code"], error["message"]) if part)
        table.add_row(ago, error["event"], error["operation"], Text(_cut(told)), error["job_id"])
    return table


def _table(*left: str, **justified: Any) -> Table:
    table = Table(*left, box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in justified.items():
        table.add_column(name.replace("_", " "), justify=justify)
    return table


def _by_state(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state.lower()}" for state, count in counts.items())


def _oldest(counted: Mapping[str, Any]) -> str:
    seconds = counted["oldest_seconds"]
    return "" if seconds is None else f" (the oldest for {describe_age(seconds)})"


def _count(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"


def _until(now: datetime, moment: str) -> float:
    """Seconds from a moment until now; negative for one to come."""
    return (now - datetime.fromisoformat(moment)).total_seconds()
