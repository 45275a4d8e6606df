"""What can go wrong between a person at a shell and the platform."""

from __future__ import annotations

from typing import ClassVar

from protea_common.errors import PermanentError, TransientError

__all__ = [
    "ApiError",
    "CommandError",
    "JobEndedError",
    "ServerUnreachableError",
]


class CommandError(PermanentError):
    """The command cannot be done as it was given."""

    slug: ClassVar[str] = "command"


class ServerUnreachableError(TransientError):
    """No PROTEA answers at the address."""

    slug: ClassVar[str] = "server-unreachable"


class ApiError(PermanentError):
    """PROTEA refused a request.

    Attributes
    ----------
    answer_status
        HTTP status of the answer.
    problem
        Its problem document (RFC 9457), empty if it was none.
    """

    slug: ClassVar[str] = "api"

    def __init__(self, message: str, *, answer_status: int, problem: dict[str, object]) -> None:
        super().__init__(message)
        self.answer_status = answer_status
        self.problem = problem


class JobEndedError(PermanentError):
    """A job ended without success."""

    slug: ClassVar[str] = "job-ended"
