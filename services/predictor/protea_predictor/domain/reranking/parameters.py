"""How a booster is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Objective", "TrainingParameters"]


class Objective(StrEnum):
    """What the trees are grown for."""

    BINARY = "binary"
    LAMBDARANK = "lambdarank"

    @property
    def stopping_metric(self) -> str:
        """LightGBM's measure on the selection window that ends training when it stops improving."""
        match self:
            case Objective.BINARY:
                return "binary_logloss"
            case Objective.LAMBDARANK:
                return "ndcg"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingParameters:
    """Parameters of LightGBM under its own names, see https://lightgbm.readthedocs.io (Parameters).

    Attributes
    ----------
    max_rounds
        Trees at most.
    early_stopping_rounds
        Training ends once so many trees in a row did not improve on the selection window.
    seed
        Of every random choice; the same rows, seed and threads give the same booster, byte for byte.
    threads
        Processor threads.
    """

    objective: Objective = Objective.BINARY
    max_rounds: int = 1000
    early_stopping_rounds: int = 50
    learning_rate: float = 0.05
    num_leaves: int = 63
    min_data_in_leaf: int = 50
    feature_fraction: float = 0.8
    bagging_fraction: float = 0.8
    bagging_freq: int = 1
    lambda_l2: float = 1.0
    max_bin: int = 255
    lambdarank_truncation_level: int = 100
    seed: int = 42
    threads: int = 1

    def for_lightgbm(self) -> dict[str, Any]:
        """Parameters as `lightgbm.train` takes them, with what makes it repeatable and silent."""
        own = asdict(self)
        for name in ("max_rounds", "early_stopping_rounds", "threads"):
            del own[name]
        return own | {
            "objective": self.objective.value,
            "metric": self.objective.stopping_metric,
            "eval_at": [20],
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,  # else the layout, and with it the sums, depends on a measurement of speed
            "feature_pre_filter": False,
            "verbosity": -1,
        }
