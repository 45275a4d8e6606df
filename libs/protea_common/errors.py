"""The error tree: every branch means an action, and only the consumer loop takes it."""

from __future__ import annotations

from typing import Any, ClassVar

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

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between our processes as it is; what made its message is not asked for again."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[ProteaError], words: tuple[Any, ...], attributes: dict[str, Any]) -> ProteaError:
    error = kind.__new__(kind, *words)
    error.__dict__.update(attributes)
    return error


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
