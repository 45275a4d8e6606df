"""Jobs of the platform as the accuracy benchmark asks for them: timed, told of, and not done twice in one home."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from protea_cli.client import ProteaClient
from protea_cli.errors import JobEndedError
from protea_cli.following import follow
from protea_common.operations.payload import dedup_key

__all__ = ["Jobs"]


class Jobs:
    """Runs operations one after the other.

    Parameters
    ----------
    client
        A running platform.
    ledger
        File of what was done already: a job of the same payload is not run again, its result is taken from there. The
        file belongs to the platform's home, whose data the results name.
    """

    def __init__(self, client: ProteaClient, ledger: Path) -> None:
        self.client = client
        self._ledger = ledger
        self._began = time.perf_counter()
        self.seconds: dict[str, float] = {}

    async def run(self, title: str, operation: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do a job and give its result; print what it took.

        Raises
        ------
        JobEndedError
            If it fails or is cancelled.
        """

        async def do() -> Mapping[str, Any]:
            return await self._do(operation, payload)

        result: Mapping[str, Any] = await self.once(title, dedup_key(operation, payload), do)
        return result

    async def once(self, title: str, key: str, do: Callable[[], Awaitable[Any]]) -> Any:
        """Do something whose result is JSON, unless the ledger has it."""
        known = self._read()
        if key in known:
            self.tell(f"{title}: as before")
            return known[key]
        began = time.perf_counter()
        result = await do()
        self.seconds[title] = time.perf_counter() - began
        self._ledger.write_text(json.dumps(self._read() | {key: result}))
        self.tell(f"{title}: {self.seconds[title]:.1f} s{_counts(result)}")
        return result

    def tell(self, what: str) -> None:
        """Print a line with the seconds since the beginning."""
        print(f"[{time.perf_counter() - self._began:6.0f} s] {what}", flush=True)

    async def _do(self, operation: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        job_id = await self.client.submit(operation, payload)
        state = await follow(
            self.client, f"/v1/jobs/{job_id}/stream", read=lambda: self.client.job(job_id), show=lambda _: None
        )
        if not state.has_succeeded:
            raise JobEndedError(f"{operation} ended as {state.status}: {state.error or 'no reason was given'}")
        return state.result

    def _read(self) -> dict[str, Any]:
        known: dict[str, Any] = json.loads(self._ledger.read_text()) if self._ledger.exists() else {}
        return known


def _counts(result: Any) -> str:
    """Say how much came of it: the whole numbers of a result."""
    if not isinstance(result, Mapping):
        return ""
    counts = [f"{name} {value:,}" for name, value in result.items() if type(value) is int and value]
    return f" ({', '.join(counts[:4])})" if counts else ""
