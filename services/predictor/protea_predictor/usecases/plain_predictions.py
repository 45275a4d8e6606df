"""Which prediction sets hold plain scores: all of them, as a recipe or a re-ranker gave them."""

from __future__ import annotations

from protea_predictor.adapters.storage import StoredPredictions

__all__ = ["why_not_plain"]


def why_not_plain(predictions: StoredPredictions) -> list[str]:
    """Say what is wrong with a set whose scores are to be calibrated or replaced; nothing for plain scores."""
    receipt = predictions.receipt
    problems = {
        "is not complete": not predictions.is_complete,
        "is calibrated already": receipt.get("calibration") is not None,
        "leaves low scores out (abstain_below)": receipt.get("abstain_below", 0) > 0,
        "is no prediction by neighbours": "scoring" not in receipt,
    }
    return [problem for problem, is_so in problems.items() if is_so]
