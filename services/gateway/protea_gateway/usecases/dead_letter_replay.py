"""Sending dead letters again, where that can still do something."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.events import Envelope, EventFormatError, JobCreated, read_event
from protea_common.events.batch import BatchRequested
from protea_common.jobs import record
from protea_common.messaging.bus import ATTEMPTS_HEADER, ERROR_CODE_HEADER, QUEUE_HEADER, REASON_HEADER
from protea_common.orm import ACTIVE_STATUSES, BatchStatus, DeadLetter, JobStatus
from protea_gateway.adapters.storage.dead_letters import DeadLetterStore, LetterFilter, Standing
from protea_gateway.domain.callers import Caller
from protea_gateway.domain.errors import NotFoundError
from protea_gateway.usecases.dead_letters import REPLAYS_HEADER, replays_of

__all__ = ["Replay", "ReplayDeadLetters", "ReplayedLetter", "Verdict"]

logger = logging.getLogger(__name__)

_OWN_HEADERS: Final = frozenset({ATTEMPTS_HEADER, ERROR_CODE_HEADER, QUEUE_HEADER, REASON_HEADER})
_BROKERS_HEADERS: Final = ("x-death", "x-first-death-", "x-last-death-")
"""What a message got by dying; sent again, it would tell of the old death at the next one."""


class Verdict(StrEnum):
    """What a replay does with a letter, and why."""

    SEND = "send"
    ALREADY_REPLAYED = "already-replayed"
    PURGED = "purged"
    NOT_A_REQUEST = "not-a-request"
    JOB_GONE = "job-gone"
    JOB_ENDED = "job-ended"
    WORK_IN_HAND = "work-in-hand"


_ADVICE: Final = {
    Verdict.ALREADY_REPLAYED: "It was sent again before; if it died again, that is a letter of its own.",
    Verdict.PURGED: "What it said is forgotten.",
    Verdict.NOT_A_REQUEST: "No consumer can read it: sent again it would end here again. Purge it.",
    Verdict.JOB_GONE: "Job {job} was deleted, so there is nothing to do. Purge the letter.",
    Verdict.WORK_IN_HAND: "Job {job} goes on without it: the work was taken up or done. Purge the letter.",
}
"""Why a letter is not sent, and what to do instead."""


@dataclass(frozen=True, slots=True)
class ReplayedLetter:
    """A letter in a replay.

    Attributes
    ----------
    routing_key
        Under which it is sent; ``None`` if that is not known.
    detail
        Why it is not sent, and what to do instead.
    """

    id: int
    queue: str
    type: str
    event_id: UUID | None
    subject: UUID | None
    routing_key: str | None
    verdict: Verdict
    detail: str | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did, or would do.

    Attributes
    ----------
    sent
        Letters with the verdict to send.
    remaining
        Open letters that are meant too, but were beyond the limit.
    """

    dry_run: bool
    sent: int
    refused: int
    remaining: int
    letters: Sequence[ReplayedLetter]


class ReplayDeadLetters:
    """Sends dead letters again through the outbox: same event, body and headers, so that the trace goes on.

    A letter is sent only while somebody could act on it. An ended job stays ended: its letters are refused, and the
    answer says what to do instead.
    """

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, wanted: LetterFilter, *, limit: int, dry_run: bool, caller: Caller) -> Replay:
        """Look at letters, oldest first, and send those that can be; a dry run changes nothing.

        Raises
        ------
        NotFoundError
            If a letter that is named by its id does not exist.
        """
        limit = max(limit, len(wanted.ids or ()))
        async with self._unit_of_work() as work:
            store = DeadLetterStore(work.session)
            held = await store.hold(wanted, limit=limit)
            _require_named(wanted, held)
            remaining = await store.count_open(wanted) - sum(1 for letter in held if _is_open(letter))
            letters = [await _judge(store, letter) for letter in held]
            sent = [letter.id for letter in letters if letter.verdict is Verdict.SEND]
            if not dry_run:
                for letter in held:
                    if letter.id in sent:
                        await _send(work, letter, caller)
                await store.mark_replayed(sent)
        if not dry_run:
            logger.info("dead letters replayed", extra={"letters": sent, "key_prefix": caller.key_prefix})
        return Replay(dry_run, len(sent), len(letters) - len(sent), remaining, letters)


@dataclass(frozen=True, slots=True)
class _Request:
    """A letter read as the request for work that it was."""

    event_id: UUID
    event: JobCreated | BatchRequested
    body: Mapping[str, Any]

    @property
    def batch_index(self) -> int | None:
        return self.event.batch_index if isinstance(self.event, BatchRequested) else None


def _require_named(wanted: LetterFilter, held: Sequence[DeadLetter]) -> None:
    missing = sorted(set(wanted.ids or ()) - {letter.id for letter in held})
    if missing and wanted.queue is None and wanted.older_than is None:
        raise NotFoundError("dead letter", missing[0])


def _is_open(letter: DeadLetter) -> bool:
    return letter.replayed_at is None and letter.purged_at is None


async def _judge(store: DeadLetterStore, letter: DeadLetter) -> ReplayedLetter:
    request = _read(letter)
    standing = None
    if request is not None:
        standing = await store.standing(request.event.job_id, batch_index=request.batch_index)
    verdict = _verdict(letter, request, standing)
    return ReplayedLetter(
        id=letter.id,
        queue=letter.queue,
        type=letter.type,
        event_id=letter.event_id,
        subject=letter.subject,
        routing_key=None if request is None else request.event.routing_key,
        verdict=verdict,
        detail=_detail(verdict, letter, standing),
    )


def _read(letter: DeadLetter) -> _Request | None:
    """Read a letter as a request for work; ``None`` if no consumer could."""
    try:
        envelope = Envelope.from_headers(letter.headers)
        if envelope.id != letter.event_id or letter.body is None:
            return None
        event = read_event(envelope.type, letter.body)
    except EventFormatError:
        return None
    return _Request(envelope.id, event, letter.body) if isinstance(event, JobCreated | BatchRequested) else None


def _verdict(letter: DeadLetter, request: _Request | None, standing: Standing | None) -> Verdict:
    if letter.purged_at is not None:
        return Verdict.PURGED
    if letter.replayed_at is not None:
        return Verdict.ALREADY_REPLAYED
    if request is None:
        return Verdict.NOT_A_REQUEST
    return _verdict_on_work(request, standing)


def _verdict_on_work(request: _Request, standing: Standing | None) -> Verdict:
    if standing is None:
        return Verdict.JOB_GONE
    if standing.status not in ACTIVE_STATUSES:
        return Verdict.JOB_ENDED
    if request.batch_index is None:
        return Verdict.SEND if standing.status is JobStatus.QUEUED else Verdict.WORK_IN_HAND
    return Verdict.SEND if standing.batch is BatchStatus.PENDING else Verdict.WORK_IN_HAND


def _detail(verdict: Verdict, letter: DeadLetter, standing: Standing | None) -> str | None:
    if verdict is Verdict.JOB_ENDED:
        return _ended(letter, standing)
    return None if verdict is Verdict.SEND else _ADVICE[verdict].format(job=letter.subject)


def _ended(letter: DeadLetter, standing: Standing | None) -> str | None:
    if standing is None:
        return None
    why = f" ({standing.error_code})" if standing.error_code else ""
    said = f"Job {letter.subject} is {standing.status}{why} and stays so; nobody would act on the message."
    if standing.status is JobStatus.SUCCEEDED:
        return f"{said} Purge the letter."
    if standing.parent_job_id is not None:
        return f"{said} It was a step of job {standing.parent_job_id}: start that run again, then purge the letter."
    again = f"POST /v1/jobs with operation {standing.operation} and the payload of /v1/jobs/{letter.subject}"
    return f"{said} To have it done, submit it anew ({again}), then purge the letter."


async def _send(work: UnitOfWork, letter: DeadLetter, caller: Caller) -> None:
    request = _read(letter)
    if request is None:
        return
    headers = _original(letter.headers) | {REPLAYS_HEADER: replays_of(letter.headers) + 1}
    work.republish(request.event_id, routing_key=request.event.routing_key, body=request.body, headers=headers)
    fields = {"dead_letter": letter.id, "event_id": str(request.event_id), "key_prefix": caller.key_prefix}
    await record(work, request.event.job_id, "job.dead_letter_replayed", level="warning", fields=fields)


def _original(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in headers.items()
        if name not in _OWN_HEADERS and not name.startswith(_BROKERS_HEADERS)
    }
