"""Where the figures of a benchmark come from: versions, digests, seeds and identifiers of all that took part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any, Final

from protea_cli.benchmark.lines import LinedDocument
from protea_cli.benchmark.loading import Foundations
from protea_cli.benchmark.matrix import MeasuredCell
from protea_cli.benchmark.plan import Plan
from protea_cli.benchmark.rows import Row

__all__ = ["provenance_of", "told_of_cell"]

_ONTOLOGY: Final = ("id", "obo_version", "obo_sha256", "obo_url")
_ANNOTATIONS: Final = ("id", "source", "source_version", "content_sha256", "annotated_before", "annotation_count")
_ENCODER: Final = ("id", "model_name", "model_backend", "weights_digest", "convention_version", "licence")
_SCORING: Final = ("id", "formula", "weights", "evidence_weights", "cell_weights", "missing")
_RERANKER: Final = ("id", "name", "category", "aspect", "artifact_uri", "schema_sha_v2", "dataset_id")
_WINDOW: Final = ("id", "window_role", "holdout_waiver", "pivot_snapshot_id", "drops_binding_only", "stats")


def provenance_of(
    plan: Plan,
    document: LinedDocument,
    *,
    loaded: Foundations,
    digests: Mapping[str, str],
    windows: Mapping[str, Mapping[str, Any]],
    measured: Sequence[MeasuredCell],
    rows: Sequence[Row],
) -> dict[str, Any]:
    """Collect what an experiment run keeps; all of it is JSON.

    Parameters
    ----------
    digests
        SHA-256 of each file that was sent, by its path.
    windows
        Evaluation sets as the API gives them.
    """
    return {
        "client_version": metadata.version("protea"),
        "benchmark_sha256": hashlib.sha256(document.text).hexdigest(),
        "files": dict(digests),
        "ontology": _part(loaded.ontology, _ONTOLOGY),
        "annotations": _parts(loaded.annotations, _ANNOTATIONS),
        "encoders": _parts(loaded.encoders, _ENCODER),
        "scoring": _parts(loaded.scoring, _SCORING),
        "rerankers": {
            name: {**_part(row, _RERANKER), "model_sha256": row["metrics"].get("model_sha256")}
            for name, row in loaded.rerankers.items()
        },
        "windows": _parts(windows, _WINDOW),
        "seeds": _seeds(plan),
        "cells": [told_of_cell(each) for each in measured],
        "rows": [asdict(row) for row in rows],
    }


def told_of_cell(each: MeasuredCell) -> dict[str, Any]:
    """Say what a cell was made by: the receipt holds digests of boosters and calibration, the stamp the frame's."""
    return {
        "window": each.cell.window,
        "method": each.cell.method,
        "prediction_set_id": each.prediction_set["id"],
        "prediction_job_id": each.prediction_set["job_id"],
        "receipt": each.prediction_set["meta"],
        "evaluation_result_id": each.result["id"],
        "evaluation_job_id": each.result["job_id"],
        "measured_at": each.result["created_at"],
        "evaluator": each.result["evaluator"],
    }


def _seeds(plan: Plan) -> dict[str, int]:
    fitted = {f"encoder {name}": each.seed for name, each in plan.encoders.items() if each.kind is not None}
    return fitted if plan.compare is None else {**fitted, "compare": plan.compare.seed}


def _parts(rows: Mapping[str, Mapping[str, Any]], columns: Sequence[str]) -> dict[str, Any]:
    return {name: _part(row, columns) for name, row in rows.items()}


def _part(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {column: row[column] for column in columns}
