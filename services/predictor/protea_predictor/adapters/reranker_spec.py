"""The specification of a re-ranker: what is needed to use its booster, and how it came about, as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protea_common.errors import PermanentError
from protea_predictor.domain.reranking.score_map import ScoreMap

__all__ = ["InvalidSpecError", "RerankerSpec", "ScoreMapSpec"]


class InvalidSpecError(PermanentError):
    """The specification of a re-ranker is no YAML mapping, or a field that is used has the wrong form."""

    slug: ClassVar[str] = "invalid-reranker-spec"


class ScoreMapSpec(BaseModel):
    """From outputs to scores: ``sigmoid(slope * output + intercept)``; the output itself without a slope."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    intercept: float = Field(default=0.0, allow_inf_nan=False)

    def to_map(self) -> ScoreMap:
        """Give the map."""
        return ScoreMap(self.slope, self.intercept)


class RerankerSpec(BaseModel):
    """What is used of a specification; other fields are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")

    vocabularies: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    score_map: ScoreMapSpec | None = None

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Read a specification; no text is one without any field.

        Raises
        ------
        InvalidSpecError
            If it is none.
        """
        try:
            loaded: Any = yaml.safe_load(text or "{}")
            return cls.model_validate(loaded)
        except (yaml.YAMLError, ValidationError) as exc:
            raise InvalidSpecError(
                "The specification of the re-ranker cannot be read: give a YAML mapping; vocabularies are lists of "
                f"texts by feature, score_map has a slope above 0 and an intercept. ({type(exc).__name__})"
            ) from exc

    def to_yaml(self) -> str:
        """Write it, fields in their order."""
        text: str = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        return text
