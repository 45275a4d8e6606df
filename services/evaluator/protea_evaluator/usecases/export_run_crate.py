"""A measured result as a Run RO-Crate: its files, and all that is needed to have them again."""

from __future__ import annotations

import json
from importlib import metadata

from protea_common.jobs import JobClaim
from protea_common.operations import ExportRunCrate
from protea_evaluator.adapters.counts_table import COUNTS_FILE, PROTEINS_FILE
from protea_evaluator.adapters.provenance import ProvenanceStore
from protea_evaluator.adapters.storage import EvaluationResult
from protea_evaluator.domain.run_crate import Ingredient, Run, pack_crate
from protea_evaluator.usecases.result_use_case import ResultUseCase

__all__ = ["KeepRunCrate"]

_FIGURES_FILE = "figures.json"


class KeepRunCrate(ResultUseCase):
    """Use case of ``export_run_crate``; the archive is the file of its job."""

    async def __call__(self, claim: JobClaim) -> None:
        """Read the result and where it comes from, pack, keep the archive."""
        request = ExportRunCrate.read(claim.payload, operation=claim.operation)
        result = await self._reader.stamped(request.evaluation_result_id)
        content = await self._compute(pack_crate, await self._describe(result), await self._files(result))
        key = f"exports/run-crate-{result.id}.zip"
        await self._artifacts.put(key, content)
        await self._end(claim, {"evaluation_result_id": str(result.id), "artifact": key, "bytes": len(content)})

    async def _describe(self, result: EvaluationResult) -> Run:
        async with self._unit_of_work() as work:
            store = ProvenanceStore(work.session)
            job = await store.job(result.id)
            ingredients = await store.ingredients(result.evaluation_set_id, result.prediction_set_id)
        weights = result.evaluator.get("information_accretion_sha256")
        if weights is not None:
            source = str(result.evaluator["information_accretion"])
            ingredients.append(Ingredient("#information-accretion", "information accretion", weights, source))
        return Run(
            identifier=str(result.id),
            operation=job.operation,
            payload=job.payload,
            version=metadata.version("protea"),
            code_sha256=result.evaluator.get("code_sha256"),
            finished_at=job.finished_at,
            frame=result.evaluator["frame"],
            ingredients=ingredients,
        )

    async def _files(self, result: EvaluationResult) -> dict[str, bytes]:
        """Read the files that the same measurement gives again, byte by byte, also by code that changed elsewhere."""
        folder = f"evaluations/results/{result.id}"
        stamp = {name: value for name, value in result.evaluator.items() if name != "code_sha256"}
        figures = {"evaluator": stamp, "results": result.results}
        files = {_FIGURES_FILE: json.dumps(figures, indent=2, sort_keys=True).encode()}
        for name in (PROTEINS_FILE, COUNTS_FILE):
            if await self._artifacts.exists(f"{folder}/{name}"):  # an engine that does not count by protein leaves none
                files[name] = await self._artifacts.get(f"{folder}/{name}")
        return files
