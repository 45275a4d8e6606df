"""What can be wrong with features."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from protea_common.errors import PermanentError

__all__ = ["UnknownFeatureError"]


class UnknownFeatureError(PermanentError):
    """A feature was named that no definition has."""

    slug: ClassVar[str] = "unknown-feature"

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(
            f"There is no feature {', '.join(sorted(names))}; the features are listed in docs/features.md."
        )
        self.names = tuple(sorted(names))
