"""The experiment runs of a benchmark: one for all, begun before anything is measured, and one for each cell's point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from protea_cli.benchmark.plan import Plan
from protea_cli.benchmark.points import Point
from protea_cli.client import ProteaClient
from protea_cli.errors import CommandError

__all__ = ["Experiment", "find_experiment", "list_experiments"]

_ADDRESS = "/v1/experiment-runs"
_LONGEST_PAGE = "500"


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment run on a server."""

    client: ProteaClient
    id: str

    @classmethod
    async def begin(cls, client: ProteaClient, plan: Plan) -> Experiment:
        """Plan it, or go on with the one of the same name and content.

        Raises
        ------
        CommandError
            If one of the name was to do something else: what it kept would be lost.
        """
        config = plan.model_dump(mode="json", by_alias=True, exclude={"description", "hypothesis", "tags"})
        found = await find_experiment(client, plan.name)
        if found is None:
            told = {"description": plan.description, "hypothesis": plan.hypothesis, "tags": list(plan.tags)}
            body = {"name": plan.name, "config": config, **told}
            found = await client.post(_ADDRESS, body)
        if differing := sorted(part for part in config if found["config"].get(part) != config[part]):
            raise CommandError(
                f"a benchmark {plan.name} was run with other {', '.join(differing)}; give this one another name: what "
                "both have in common is not done again"
            )
        await client.patch(f"{_ADDRESS}/{found['id']}", {"status": "RUNNING"})
        return cls(client, str(found["id"]))

    async def keep_points(self, points: Iterable[Point]) -> None:
        """Keep what came of each cell as a run of its own, where it stands among experiments."""
        for point in points:
            run = await self._run_at(point)
            kept = {"status": "DONE", "provenance": dict(point.provenance)}
            await self.client.patch(f"{_ADDRESS}/{run['id']}", kept)

    async def _run_at(self, point: Point) -> Mapping[str, Any]:
        """Find the run at a point, which may be of another benchmark, or make it."""
        shortid = str(point.axes.shortid)
        found = await self.client.get(_ADDRESS, axis_tuple_shortid=shortid)
        body = {"name": f"point {shortid}", "description": point.told, **asdict(point.axes)}
        made: Mapping[str, Any] = found[0] if found else await self.client.post(_ADDRESS, body)
        return made

    async def end(self, provenance: Mapping[str, Any]) -> None:
        """Keep where the figures come from."""
        await self.client.patch(f"{_ADDRESS}/{self.id}", {"status": "DONE", "provenance": dict(provenance)})


async def find_experiment(client: ProteaClient, name: str) -> Mapping[str, Any] | None:
    """Find an experiment run by its name."""
    found = await client.get(_ADDRESS, name=name)
    return found[0] if found else None


async def list_experiments(client: ProteaClient) -> Sequence[Mapping[str, Any]]:
    """List the newest experiment runs, newest first."""
    found: Sequence[Mapping[str, Any]] = await client.get(_ADDRESS, limit=_LONGEST_PAGE)
    return found
