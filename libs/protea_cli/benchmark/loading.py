"""What a benchmark stands on, brought to a server: ontology, proteins, annotation sets, encoders, scoring recipes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from protea_cli.benchmark.plan import Annotations, Encoder, Plan
from protea_cli.errors import ApiError, CommandError
from protea_cli.jobs import upload
from protea_cli.load import version_of
from protea_cli.tasks import Task, TaskRunner

__all__ = ["Foundations", "Loader"]

_LONGEST_PAGE = "500"


@dataclass(frozen=True, slots=True)
class Foundations:
    """Rows of the server by their names in the file.

    Attributes
    ----------
    ontology, annotations, encoders
        As the API gives them.
    scoring
        As the API gives them; presets by their names too.
    rerankers
        As the API gives them, by what the file calls them: a name or an id.
    ia_uri, hits_uris
        Uploaded files.
    """

    ontology: Mapping[str, Any]
    annotations: Mapping[str, Mapping[str, Any]]
    encoders: Mapping[str, Mapping[str, Any]]
    scoring: Mapping[str, Mapping[str, Any]]
    rerankers: Mapping[str, Mapping[str, Any]]
    ia_uri: str | None
    hits_uris: Mapping[str, str]


@dataclass(slots=True)
class Loader:
    """Brings files to a server, each once.

    Attributes
    ----------
    folder
        What the paths of the file are relative to.
    digests
        SHA-256 of each file that was sent, by its path.
    """

    runner: TaskRunner
    folder: Path
    digests: dict[str, str] = field(default_factory=dict)
    _uris: dict[Path, str] = field(default_factory=dict)

    async def load(self, plan: Plan) -> Foundations:
        """Load or find all that a plan names; proteins are embedded under each encoder.

        Raises
        ------
        CommandError
            If a re-ranker is not there, or another scoring recipe has the name of one of the file.
        JobEndedError
            If a load fails.
        """
        ontology = await self._ontology(plan)
        if plan.proteins is not None:
            payload = {"source_uri": await self._send(plan.proteins)}
            await self.runner.do(Task(f"Loading the proteins ({plan.proteins.name})", "load_proteins", payload))
        return Foundations(
            ontology=ontology,
            annotations={
                name: await self._annotations(name, each, str(ontology["id"]))
                for name, each in plan.annotations.items()
            },
            encoders={name: await self._encoder(name, each) for name, each in plan.encoders.items()},
            scoring=await self._scoring(plan),
            rerankers=await self._rerankers(plan),
            ia_uri=None if plan.ia_file is None else await self._send(plan.ia_file),
            hits_uris={
                name: await self._send(method.hits) for name, method in plan.methods.items() if method.hits is not None
            },
        )

    async def _ontology(self, plan: Plan) -> Mapping[str, Any]:
        key = plan.ontology.id
        if plan.ontology.file is not None:
            payload = {"source_uri": await self._send(plan.ontology.file)}
            task = Task(f"Loading the ontology ({plan.ontology.file.name})", "load_ontology_snapshot", payload)
            key = (await self.runner.do(task)).result["ontology_snapshot_id"]
        return await self._get(f"/v1/annotations/snapshots/{key}")

    async def _annotations(self, name: str, wanted: Annotations, ontology_id: str) -> Mapping[str, Any]:
        key = wanted.id
        if wanted.file is not None:
            payload = {
                "source_uri": await self._send(wanted.file),
                "ontology_snapshot_id": ontology_id,
                "source_version": wanted.version or version_of(wanted.file, wanted.before),
                "annotated_before": wanted.before,
            }
            task = Task(f"Loading the annotations {name}", "load_goa_annotations", payload)
            key = (await self.runner.do(task)).result["annotation_set_id"]
        return await self._get(f"/v1/annotations/sets/{key}")

    async def _encoder(self, name: str, wanted: Encoder) -> Mapping[str, Any]:
        key = wanted.id
        if key is None:
            task = Task(f"Fitting the k-mer encoder ({name})", "fit_kmer_encoder", {"seed": wanted.seed})
            key = (await self.runner.do(task)).result["embedding_config_id"]
        payload = {"embedding_config_id": key}
        await self.runner.do(Task(f"Embedding the proteins ({name})", "compute_embeddings", payload))
        return await self._get(f"/v1/embeddings/configs/{key}")

    async def _scoring(self, plan: Plan) -> dict[str, Mapping[str, Any]]:
        client = self.runner.client
        await client.post("/v1/scoring/configs/presets", {})
        for name, scoring in plan.scoring.items():
            try:
                await client.post("/v1/scoring/configs", {"name": name, **scoring.model_dump()})
            except ApiError as exc:
                if exc.answer_status != HTTPStatus.CONFLICT:
                    raise
        there = {each["name"]: each for each in await client.get("/v1/scoring/configs", limit=_LONGEST_PAGE)}
        for name, scoring in plan.scoring.items():
            if any(there[name][part] != value for part, value in scoring.model_dump().items()):
                raise CommandError(f"the server has another scoring recipe called {name}; give yours another name")
        return {name: there[name] for name in set(plan.scoring_names().values())}

    async def _rerankers(self, plan: Plan) -> dict[str, Mapping[str, Any]]:
        wanted = {given for method in plan.methods.values() for given in method.rerankers}
        if not wanted:
            return {}
        there = await self.runner.client.get("/v1/reranker-models", limit=_LONGEST_PAGE)
        by_name = {str(each[key]): each for key in ("id", "name") for each in there}
        if missing := sorted(wanted - set(by_name)):
            raise CommandError(f"there is no re-ranker {missing[0]}; `protea reranker list` shows those that there are")
        return {given: by_name[given] for given in sorted(wanted)}

    async def _send(self, path: Path) -> str:
        """Upload a file the first time it is named; give its name for a payload."""
        if path not in self._uris:
            file = self.folder / path
            with self.runner.steps.step(f"Sending {path.name}") as step:
                self._uris[path] = await upload(self.runner.client, file, step)
            self.digests[str(path)] = await asyncio.to_thread(_digest, file)
        return self._uris[path]

    async def _get(self, path: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self.runner.client.get(path)
        return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
