"""The error tree: every branch means an action, and only the consumer loop takes it."""

from __future__ import annotations

from typing import ClassVar

__all__ = ["ContractError", "PermanentError", "ProteaError", "TransientError"]


class ProteaError(Exception):
    """Something PROTEA raised on purpose; the message says what was wrong and what to do.

    Attributes
    ----------
    slug
        Stable name of the problem in URLs (``/problems/<slug>``) and logs.
    status
        HTTP status the gateway answers with when the error reaches it.
    """

    slug: ClassVar[str] = "internal-error"
    status: ClassVar[int] = 500

    @property
    def code(self) -> str:
        """Name of the error on a job row, a dead letter and in metrics."""
        return type(self).__name__


class PermanentError(ProteaError):
    """The same request will never succeed; the job fails and the message is dead-lettered."""

    slug = "unprocessable"
    status = 422


class ContractError(PermanentError):
    """A message or payload does not follow its contract."""

    slug = "contract-violation"


class TransientError(ProteaError):
    """It may succeed later; the work is tried again with backoff."""

    slug = "temporarily-unavailable"
    status = 503
