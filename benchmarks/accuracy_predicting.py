"""Predictions of a window by each method, and the datasets, boosters and curves that come of earlier windows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from accuracy_choices import COMPOSITE, Method, candidate_choices
from accuracy_jobs import Jobs
from accuracy_windows import Loaded, Window

from protea_common.domain.ontology import Aspect
from protea_common.domain.scoring import PRESETS
from protea_common.operations.payload import dedup_key
from protea_evaluator.domain.knowledge import Category

__all__ = ["RERANKER", "Fitted", "calibrate", "evaluate", "predict", "probabilities", "reranking", "train"]

RERANKER = "re-ranker"

_SHARE = 0.25
"""Of a re-ranked score that the booster says; the composite says the rest. Chosen on the selection window."""

_RERANKED = (Category.LIMITED_KNOWLEDGE, Category.PARTIAL_KNOWLEDGE)
"""Where boosters improved both measures on the selection window; without knowledge the weighted one fell."""

_MOST_ROWS = 50_000_000
_HARDLY_ELECTRONIC = "electronic annotations are dated anew at each release, so cuts by date hold next to none of them"


async def predict(jobs: Jobs, loaded: Loaded, window: Window, method: Method, *, title: str = "", **more: Any) -> str:
    """Predict the proteins of a window from what was known on its first day; give the prediction set's id."""
    payload = method.payload(loaded) | {
        "annotation_set_id": window.annotation_set_id,
        "query_set_id": window.query_set_id,
        "scoring_config_id": await _scoring(jobs, method),
        **more,
    }
    result = await jobs.run(f"{title or method.name} ({window.days.name})", "predict_go_terms", payload)
    return str(result["prediction_set_id"])


async def evaluate(jobs: Jobs, window: Window, prediction_set_id: str, title: str) -> str:
    """Measure predictions on a window; give the result's id."""
    purpose = {"valid": "select", "test": "report"}[window.days.role or "valid"]
    payload = {
        "evaluation_set_id": window.evaluation_set_id,
        "prediction_set_id": prediction_set_id,
        "purpose": purpose,
    }
    return str((await jobs.run(f"evaluation of {title}", "run_cafa_evaluation", payload))["evaluation_result_id"])


async def train(jobs: Jobs, loaded: Loaded, training: Sequence[Window], selection: Window) -> list[str]:
    """Freeze the candidates of earlier windows, and train a booster for each category; give the boosters' ids."""
    payload = candidate_choices(loaded) | {
        "train_evaluation_set_ids": [window.evaluation_set_id for window in training],
        "selection_evaluation_set_id": selection.evaluation_set_id,
        "proteins_per_block": 512,
        "scoring_config_id": await _scoring(jobs, COMPOSITE),
        "best_per_aspect": 100,
        "share_of_others": 0.05,
        "alarm_waivers": dict.fromkeys(("knn_vote_electronic", "self_prior_electronic"), _HARDLY_ELECTRONIC),
    }
    payload["output_name"] = f"accuracy-{dedup_key('export_research_dataset', payload)}"
    dataset = await jobs.run("dataset", "export_research_dataset", payload)
    rerankers = []
    for category in _RERANKED:
        payload = {
            "name": f"{dataset['name']}-{category.lower()}",
            "dataset_id": dataset["dataset_id"],
            "category": category.lower(),
            "max_rounds": 400,
            "early_stopping_rounds": 30,
            "learning_rate": 0.06,
            "num_leaves": 31,
            "min_data_in_leaf": 100,
            "lambda_l2": 5.0,
            "max_rows": _MOST_ROWS,
            "threads": 2,
        }
        trained = await jobs.run(f"re-ranker {category}", "train_reranker", payload)
        rerankers.append(trained["reranker_model_id"])
    return rerankers


def reranking(reranker_ids: Sequence[str]) -> dict[str, Any]:
    """Parameters of a prediction in which boosters have their share."""
    return {"reranker_model_ids": list(reranker_ids), "reranker_share": _SHARE}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration, and its errors by aspect on the half of the proteins that it was not fitted to."""

    calibration_id: str
    held_out: dict[str, float]


async def calibrate(jobs: Jobs, window: Window, prediction_set_id: str, *, title: str) -> Fitted:
    """Fit probabilities to the scores of predictions on a window for choosing."""
    payload = {
        "evaluation_set_id": window.evaluation_set_id,
        "prediction_set_id": prediction_set_id,
        "max_rows": _MOST_ROWS,
    }
    fitted = await jobs.run(f"calibration of {title}", "fit_calibration", payload)
    aspects = fitted["aspects"].items()
    errors = {Aspect(aspect).cafa: one["held_out"] for aspect, one in aspects if one["held_out"] is not None}
    return Fitted(str(fitted["calibration_id"]), errors)


async def probabilities(jobs: Jobs, prediction_set_id: str, fitted: Fitted, *, title: str) -> str:
    """Make probabilities of the scores of a prediction set; give the new set's id."""
    payload = {"prediction_set_id": prediction_set_id, "calibration_id": fitted.calibration_id}
    made: Sequence[str] = (await jobs.run(title, "rescore_predictions", payload))["prediction_set_ids"]
    return made[0]


async def _scoring(jobs: Jobs, method: Method) -> str:
    """Give the id of the scoring configuration of a method, which is made unless it is a preset."""
    if isinstance(method.scoring, str):
        await jobs.once(f"preset {method.scoring}", method.scoring, partial(_make_presets, jobs))
        return str(PRESETS[method.scoring].id)
    weights = dict(method.scoring)
    digest = sha256(json.dumps({"weights": weights}, sort_keys=True).encode()).hexdigest()[:8]
    name = f"{method.name} {digest}"

    async def make() -> str:
        return str((await jobs.client.post("/v1/scoring/configs", {"name": name, "weights": weights}))["id"])

    return str(await jobs.once(f"scoring of {method.name}", f"scoring {name}", make))


async def _make_presets(jobs: Jobs) -> list[str]:
    created: list[str] = (await jobs.client.post("/v1/scoring/configs/presets", {}))["created"]
    return created
