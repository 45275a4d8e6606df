"""A booster: LightGBM's trees, read from their text and asked for scores; nothing else of the library is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

import lightgbm
import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.reranking.errors import InvalidBoosterError
from protea_predictor.domain.reranking.model_text import check_model_text
from protea_predictor.domain.reranking.score_map import IDENTITY, SIGMOID, ScoreMap

__all__ = ["Booster"]

_PROBABILITIES = frozenset({"binary", "cross_entropy", "xentropy"})
"""Objectives whose outputs lie in [0, 1]; outputs of the others go through a sigmoid."""


@dataclass(frozen=True, slots=True, eq=False)
class Booster:
    """Trees that were read; instances come from `read`.

    Attributes
    ----------
    text
        LightGBM's text format.
    columns
        Names of the features, in the order of its matrices.
    objective
        As LightGBM names it, without options; empty for one of somebody's own.
    """

    text: str
    columns: tuple[str, ...]
    objective: str
    _trees: lightgbm.Booster = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a booster from its text.

        Raises
        ------
        InvalidBoosterError
            If it is none, or damaged.
        """
        header = check_model_text(text)
        try:
            trees = lightgbm.Booster(model_str=text)
        except (lightgbm.basic.LightGBMError, ValueError) as exc:
            raise InvalidBoosterError(f"LightGBM cannot read the booster: {exc}") from exc
        objective = header.get("objective", "").split()
        return cls(text, tuple(header["feature_names"].split()), objective[0] if objective else "", trees)

    @property
    def sha256(self) -> str:
        """Digest of the text, 64 hexadecimal digits."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def default_map(self) -> ScoreMap:
        """From its outputs to [0, 1] where nothing was fitted."""
        return IDENTITY if self.objective in _PROBABILITIES else SIGMOID

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute the output of each row.

        Parameters
        ----------
        features
            Shape ``(n, n_columns)``, columns in the order of ``columns``; NaN where absent, -1 for an unknown category.

        Returns
        -------
        outputs
            Shape ``(n,)``; a row's output depends on no other row.

        Raises
        ------
        ShapeMismatchError
            If there is another number of columns.
        """
        require_shape(
            features.shape[1:] == (len(self.columns),),
            f"The booster reads {len(self.columns)} features and got {features.shape[1:]}; give them all, in order.",
        )
        if len(features) == 0:
            return np.empty(0)
        outputs = self._trees.predict(features, num_threads=1)
        return np.asarray(outputs, dtype=np.float64)
