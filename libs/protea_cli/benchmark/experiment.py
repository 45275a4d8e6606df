"""The experiment run of a benchmark: begun before anything is measured, ended with what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protea_cli.benchmark.plan import Plan
from protea_cli.client import ProteaClient
from protea_cli.errors import CommandError

__all__ = ["Experiment", "find_experiment"]

_ADDRESS = "/v1/experiment-runs"


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

    async def end(self, provenance: Mapping[str, Any]) -> None:
        """Keep where the figures come from."""
        await self.client.patch(f"{_ADDRESS}/{self.id}", {"status": "DONE", "provenance": dict(provenance)})


async def find_experiment(client: ProteaClient, name: str) -> Mapping[str, Any] | None:
    """Find an experiment run by its name."""
    found = await client.get(_ADDRESS, name=name)
    return found[0] if found else None
