"""Where each cell of a benchmark stands among experiments: its values on the axes along which they differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from protea_cli.benchmark.loading import Foundations
from protea_cli.benchmark.matrix import MeasuredCell
from protea_cli.benchmark.plan import Method, Plan
from protea_cli.benchmark.provenance import told_of_cell
from protea_cli.benchmark.rows import Row
from protea_common.domain.experiment_axes import ExperimentAxes

__all__ = ["Point", "points_of"]

_OF_SCORING: Final = ("name", "formula", "weights", "evidence_weights", "cell_weights", "missing")
_OF_ANNOTATIONS: Final = ("content_sha256", "annotated_before")


@dataclass(frozen=True, slots=True)
class Point:
    """A cell among experiments.

    Attributes
    ----------
    told
        For a person.
    provenance
        How it was measured, and its figures; JSON.
    """

    axes: ExperimentAxes
    told: str
    provenance: Mapping[str, Any]


def points_of(
    plan: Plan,
    *,
    loaded: Foundations,
    digests: Mapping[str, str],
    measured: Sequence[MeasuredCell],
    rows: Sequence[Row],
) -> list[Point]:
    """Place each cell.

    Parameters
    ----------
    digests
        SHA-256 of each file that was sent, by its path.
    """
    return [
        Point(
            axes=_axes(plan, loaded, digests, each),
            told=f"{each.cell.told}, of the benchmark {plan.name}",
            provenance={
                "benchmark": plan.name,
                **told_of_cell(each),
                "rows": [
                    asdict(row) for row in rows if (row.window, row.method) == (each.cell.window, each.cell.method)
                ],
            },
        )
        for each in measured
    ]


def _axes(plan: Plan, loaded: Foundations, digests: Mapping[str, str], each: MeasuredCell) -> ExperimentAxes:
    method = plan.methods[each.cell.method]
    boosters = [loaded.rerankers[given] for given in method.rerankers]
    return ExperimentAxes(
        plm=None if method.encoder is None else loaded.encoders[method.encoder]["model_name"],
        k=None if method.encoder is None else each.prediction_set["limit_per_entry"],
        reranker_spec_id=" ".join(sorted(booster["name"] for booster in boosters)) or None,
        feature_schema_sha=_shared(boosters, "feature_schema_sha"),
        schema_sha_v2=_shared(boosters, "schema_sha_v2"),
        eval_set_name=each.cell.window,
        eval_set_manifest_sha=_digest(_manifest(plan, loaded, each.cell.window)),
        propagation=each.result["evaluator"]["recipe"]["propagation"],
        ensemble_spec=_ensemble(method, loaded, digests),
    )


def _manifest(plan: Plan, loaded: Foundations, window: str) -> dict[str, Any]:
    """Say what a window is made from, by content: the same on every machine."""
    ends = {"from": plan.windows[window].old, "to": plan.windows[window].new}
    sets = {end: {part: loaded.annotations[name][part] for part in _OF_ANNOTATIONS} for end, name in ends.items()}
    rule = {"drops_binding_only": True} if plan.windows[window].drop_binding_only else {}
    return {"ontology": loaded.ontology["obo_sha256"], **sets, **rule}


def _ensemble(method: Method, loaded: Foundations, digests: Mapping[str, str]) -> dict[str, Any]:
    """Say what makes the scores, besides what has an axis of its own."""
    if method.encoder is None:
        baseline = method.model_dump(mode="json", include={"baseline", "donors", "source_version"})
        return baseline | {"hits": None if method.hits is None else digests[str(method.hits)]}
    scoring = None if method.scoring is None else loaded.scoring[method.scoring]
    return {
        "weights_digest": loaded.encoders[method.encoder]["weights_digest"],
        "scoring": None if scoring is None else {part: scoring[part] for part in _OF_SCORING},
        **method.model_dump(mode="json", include={"calibration", "choices"}),
    }


def _shared(rows: Sequence[Mapping[str, Any]], column: str) -> str | None:
    """Give the value that all rows have; ``None`` where they differ, or there are none."""
    values = {row[column] for row in rows}
    return values.pop() if len(values) == 1 else None


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
