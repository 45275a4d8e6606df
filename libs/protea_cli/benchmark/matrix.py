"""Methods times windows: what is predicted, measured and compared, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from protea_cli.benchmark.loading import Foundations
from protea_cli.benchmark.plan import Method, Plan, Window
from protea_cli.benchmark.rows import Row, rows_of
from protea_cli.errors import CommandError
from protea_cli.tasks import Task, TaskRunner

__all__ = ["Cell", "DifferentFramesError", "Matrix", "MeasuredCell", "require_one_frame"]


class DifferentFramesError(CommandError):
    """Results of one window were measured in different ways, so they do not compare."""

    slug: ClassVar[str] = "different-frames"


@dataclass(frozen=True, slots=True)
class Cell:
    """A method on a window."""

    window: str
    method: str

    @property
    def told(self) -> str:
        """For a person."""
        return f"{self.method} on {self.window}"


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """A cell with its rows on the server, as the API gives them."""

    cell: Cell
    prediction_set: Mapping[str, Any]
    result: Mapping[str, Any]
    comparison: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """Does the jobs of a plan on what was loaded for it."""

    plan: Plan
    loaded: Foundations
    runner: TaskRunner

    @property
    def cells(self) -> list[Cell]:
        """All of them, by window."""
        return [Cell(window, method) for window in self.plan.windows for method in self.plan.methods]

    async def find_learned(self) -> dict[str, Mapping[str, Any]]:
        """Make the evaluation set of each window."""
        tasks = [
            Task(f"Finding what was learned ({name})", "generate_evaluation_set", self._window(window))
            for name, window in self.plan.windows.items()
        ]
        done = await self.runner.do_all(tasks)
        address = "/v1/annotations/evaluation-sets/{}"
        return {
            name: await self.runner.client.get(address.format(each.result["evaluation_set_id"]))
            for name, each in zip(self.plan.windows, done, strict=True)
        }

    async def predict(self, windows: Mapping[str, Mapping[str, Any]]) -> dict[Cell, Mapping[str, Any]]:
        """Make the prediction set of each cell."""
        queries = await self._embedded_queries(windows) if self.plan.encoders else {}
        tasks = [
            self._prediction(cell, self.plan.methods[cell.method], windows[cell.window], queries.get(cell.window, ""))
            for cell in self.cells
        ]
        done = await self.runner.do_all(tasks)
        address = "/v1/embeddings/prediction-sets/{}"
        return {
            cell: await self.runner.client.get(address.format(each.result["prediction_set_id"]))
            for cell, each in zip(self.cells, done, strict=True)
        }

    async def measure(
        self, windows: Mapping[str, Mapping[str, Any]], predicted: Mapping[Cell, Mapping[str, Any]]
    ) -> list[MeasuredCell]:
        """Measure each cell; what is compared must have been measured in one frame.

        Raises
        ------
        DifferentFramesError
            If results that are there already were measured otherwise, by an earlier version say.
        """
        tasks = [
            Task(
                f"Measuring {cell.told}",
                "run_cafa_evaluation",
                {
                    **self.plan.evaluation,
                    "evaluation_set_id": windows[cell.window]["id"],
                    "prediction_set_id": predicted[cell]["id"],
                    "purpose": self.plan.purpose(cell.window),
                    "ia_uri": self.loaded.ia_uri,
                },
            )
            for cell in self.cells
        ]
        done = await self.runner.do_all(tasks)
        measured = []
        for cell, each in zip(self.cells, done, strict=True):
            address = "/v1/annotations/evaluation-sets/{evaluation_set_id}/results/{evaluation_result_id}"
            result = await self.runner.client.get(address.format(**each.result))
            measured.append(MeasuredCell(cell, predicted[cell], result))
        require_one_frame(measured)
        return measured

    async def compare(self, measured: Sequence[MeasuredCell]) -> list[MeasuredCell]:
        """Compare each method with the baseline of its window, cell by cell."""
        wanted = self.plan.compare
        if wanted is None:
            return list(measured)
        baselines = {each.cell.window: each for each in measured if each.cell.method == wanted.baseline}
        others = [each for each in measured if each.cell.method != wanted.baseline]
        choices = wanted.model_dump(exclude={"baseline", "measure"})
        tasks = [
            Task(
                f"Comparing {each.cell.told}",
                "compare_evaluations",
                {
                    **choices,
                    "evaluation_result_id": each.result["id"],
                    "baseline_evaluation_result_id": baselines[each.cell.window].result["id"],
                    "weighting": "unweighted" if wanted.measure == "fmax" else "weighted",
                },
            )
            for each in others
        ]
        done = await self.runner.do_all(tasks)
        compared = {each.cell: task.result for each, task in zip(others, done, strict=True)}
        return [MeasuredCell(each.cell, each.prediction_set, each.result, compared.get(each.cell)) for each in measured]

    def rows(self, measured: Sequence[MeasuredCell]) -> list[Row]:
        """Give the rows of the categories and aspects that are wanted, by window and cell, methods as in the file."""
        plan = self.plan
        found = [
            row
            for each in measured
            for row in rows_of(each.cell.window, each.cell.method, each.result, each.comparison)
            if row.category in plan.categories and row.aspect in plan.aspects
        ]
        orders = (list[str](plan.windows), list[str](plan.categories), list[str](plan.aspects), list[str](plan.methods))

        def place(row: Row) -> tuple[int, ...]:
            parts = (row.window, row.category, row.aspect, row.method)
            return tuple(order.index(part) for order, part in zip(orders, parts, strict=True))

        return sorted(found, key=place)

    def _window(self, window: Window) -> dict[str, Any]:
        return {
            "old_annotation_set_id": self.loaded.annotations[window.old]["id"],
            "new_annotation_set_id": self.loaded.annotations[window.new]["id"],
            "window_role": window.role,
            "holdout_waiver": window.waiver,
            "drop_binding_only": window.drop_binding_only,
        }

    async def _embedded_queries(self, windows: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """Keep the proteins that gained terms as a query set for each window, and embed them under all encoders."""
        client, kept = self.runner.client, {}
        for name, window in windows.items():
            path = f"/v1/annotations/evaluation-sets/{window['id']}/delta-proteins.fasta"
            fasta = b"".join([piece async for piece in client.download(path)])
            if not fasta:
                raise CommandError(
                    f"no protein of the window {name} has a sequence on the server; name their `proteins`"
                )
            kept[name] = await client.keep_query_set(fasta, name=f"learned in {name}")
        for encoder, config in self.loaded.encoders.items():
            tasks = [
                Task(
                    f"Embedding the queries of {window} ({encoder})",
                    "compute_embeddings",
                    {"embedding_config_id": config["id"], "query_set_id": query_set_id},
                )
                for window, query_set_id in kept.items()
            ]
            await self.runner.do_all(tasks)
        return kept

    def _prediction(self, cell: Cell, method: Method, window: Mapping[str, Any], query_set_id: str) -> Task:
        title = f"Predicting by {cell.told}"
        if method.encoder is None:
            payload = {
                "evaluation_set_id": window["id"],
                "method": method.baseline,
                "donors": method.donors,
                "hits_uri": self.loaded.hits_uris.get(cell.method),
                "source_version": method.source_version,
            }
            return Task(title, "predict_baseline", payload)
        known = self.loaded.annotations[self.plan.windows[cell.window].old]
        scoring = None if method.scoring is None else self.loaded.scoring[method.scoring]["id"]
        payload = {
            **method.choices,
            "embedding_config_id": self.loaded.encoders[method.encoder]["id"],
            "ontology_snapshot_id": known["ontology_snapshot_id"],
            "annotation_set_id": known["id"],
            "query_set_id": query_set_id,
            "scoring_config_id": scoring,
            "reranker_model_ids": [self.loaded.rerankers[given]["id"] for given in method.rerankers],
            "calibration_id": method.calibration,
        }
        return Task(title, "predict_go_terms", payload)


def require_one_frame(measured: Sequence[MeasuredCell]) -> None:
    """Refuse results of a window that do not compare.

    Raises
    ------
    DifferentFramesError
        Naming two of them, and their frames.
    """
    firsts: dict[str, MeasuredCell] = {}
    for each in measured:
        first = firsts.setdefault(each.cell.window, each)
        frames = [one.result["evaluator"]["frame"] for one in (first, each)]
        if frames[0]["digest"] != frames[1]["digest"]:
            told = [f"{one.cell.told}: {frame['name']}" for one, frame in zip((first, each), frames, strict=True)]
            raise DifferentFramesError(
                f"these do not compare: {'; '.join(told)}; run again with --measure-again, which measures all alike"
            )
