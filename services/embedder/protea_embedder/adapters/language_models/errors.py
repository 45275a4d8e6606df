"""What can be wrong with the files of any model."""

from __future__ import annotations

from typing import ClassVar

from protea_common.errors import PermanentError

__all__ = ["ModelNotLoadableError"]


class ModelNotLoadableError(PermanentError):
    """The files are not a whole model of the backend that the recipe names."""

    slug: ClassVar[str] = "model-not-loadable"
