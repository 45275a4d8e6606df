"""What can be wrong with a request beyond its form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from protea_common.errors import PermanentError

__all__ = [
    "AuthenticationRequiredError",
    "AxesTakenError",
    "ConflictError",
    "EmptyInputError",
    "InUseError",
    "NameTakenError",
    "NotFoundError",
    "NotSubmittableError",
    "PredictionsIncompleteError",
    "ReferenceDataMissingError",
    "UnfitReferencesError",
]


class NotFoundError(PermanentError):
    """What the request names does not exist, or no longer does."""

    slug = "not-found"
    status = 404

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"There is no {kind} {key}.")


class ConflictError(PermanentError):
    """The state that things are in does not allow the request."""

    slug = "conflict"
    status = 409


class InUseError(ConflictError):
    """Something else still refers to what was to be deleted."""

    slug = "in-use"


class NameTakenError(ConflictError):
    """Another one has this name already."""

    slug = "name-taken"


class AxesTakenError(ConflictError):
    """Another experiment run has the same values on all axes already."""

    slug = "axes-taken"


class PredictionsIncompleteError(ConflictError):
    """The predictions are still being made, or were given up, so they cannot be read as a whole."""

    slug = "predictions-incomplete"


class UnfitReferencesError(ConflictError):
    """No annotated protein has an embedding under the chosen recipe, so there is nothing to compare with."""

    slug = "unfit-references"


class ReferenceDataMissingError(ConflictError):
    """Proteins cannot be annotated before reference data is loaded.

    Attributes
    ----------
    missing
        What to do, in order.
    """

    slug = "reference-data-missing"

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = list(missing)
        super().__init__(f"There is nothing to compare proteins with yet. First: {'; then '.join(missing)}.")


class NotSubmittableError(PermanentError):
    """The request for a job contradicts itself or belongs to another address.

    Attributes
    ----------
    errors
        One entry a problem: ``{"field": "queue_name", "message": "..."}``.
    """

    slug = "not-submittable"

    def __init__(self, field: str, message: str) -> None:
        self.errors = [{"field": field, "message": message}]
        super().__init__(message)


class EmptyInputError(PermanentError):
    """The request brought no file, or an empty one."""

    slug = "empty-input"


class AuthenticationRequiredError(PermanentError):
    """The request needs a valid API key."""

    slug: ClassVar[str] = "authentication-required"
    status: ClassVar[int] = 401
