"""The base of every operation's payload, and what stands in an operation's entry of the registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from protea_common.errors import ContractError

__all__ = ["InvalidPayloadError", "Operation", "OperationPayload", "dedup_key"]


class InvalidPayloadError(ContractError):
    """The payload of a job does not fit its operation.

    Attributes
    ----------
    errors
        One entry a problem: ``{"field": "page_size", "message": "..."}``.
    """

    slug: ClassVar[str] = "invalid-payload"

    def __init__(self, operation: str, errors: list[dict[str, str]]) -> None:
        self.errors = errors
        listed = "; ".join(f"{e['field']}: {e['message']}" for e in errors)
        super().__init__(f"The payload of {operation} is not valid: {listed}.")


class OperationPayload(BaseModel):
    """Parameters of an operation, frozen; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read(cls, payload: Mapping[str, Any], *, operation: str) -> Self:
        """Validate a payload as it came over HTTP or from a job row.

        Raises
        ------
        InvalidPayloadError
            Listing every field that is missing, unknown or wrong.
        """
        try:
            return cls.model_validate(payload)
        except ValidationError as exc:
            raise InvalidPayloadError(
                operation,
                [{"field": ".".join(map(str, e["loc"])) or "payload", "message": e["msg"]} for e in exc.errors()],
            ) from exc


@dataclass(frozen=True, slots=True)
class Operation:
    """Something PROTEA can be asked to do as a job.

    Attributes
    ----------
    name
        Name in the job row, the API and the routing key.
    queue
        Queue of the service that owns the operation; ``None`` for a pipeline, which only waits for its steps.
    payload
        Contract of its parameters.
    summary
        One line for people.
    max_attempts
        Tries of a job, and of each of its batches, before it fails.
    retry_factor
        The first pause after a failure, in multiples of the platform's; long work that fails late need not hurry.
    """

    name: str
    queue: str | None
    payload: type[OperationPayload]
    summary: str
    max_attempts: int = 5
    retry_factor: int = 1


def dedup_key(operation: str, payload: Mapping[str, Any]) -> str:
    """Identify equal requests: the first 16 hex digits of SHA-256 over the name and the canonical JSON payload."""
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{operation}{canonical}".encode()).hexdigest()[:16]
