"""What can be wrong with the arrays a prediction is made of."""

from __future__ import annotations

from protea_common.errors import PermanentError

__all__ = ["InvalidVectorError", "ShapeMismatchError", "UncoveredSignalError", "require_shape"]


class ShapeMismatchError(PermanentError):
    """Arrays that belong together differ in shape, such as embeddings of two recipes."""

    slug = "shape-mismatch"


class InvalidVectorError(PermanentError):
    """An embedding holds a value that is not finite, or one so large that distances overflow."""

    slug = "invalid-vector"


class UncoveredSignalError(PermanentError):
    """A scoring recipe gives weight to a signal that no prediction of the set has."""

    slug = "uncovered-signal"
    status = 409

    def __init__(self, signal: str, *, remedy: str = "predict with its features computed") -> None:
        super().__init__(
            f"No prediction here has the signal {signal!r}, which the recipe gives weight to; "
            f"choose a recipe without it, or {remedy}."
        )
        self.signal = signal


def require_shape(holds: bool, message: str) -> None:
    """Raise `ShapeMismatchError` with the message unless the claim holds."""
    if not holds:
        raise ShapeMismatchError(message)
