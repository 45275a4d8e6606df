"""Forgetting dead letters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protea_common.db import UnitOfWork
from protea_gateway.adapters.storage.dead_letters import DeadLetterStore, LetterFilter, PurgeCount
from protea_gateway.domain.callers import Caller
from protea_gateway.domain.errors import NotSubmittableError

__all__ = ["Purge", "PurgeDeadLetters"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge did, or would do.

    Attributes
    ----------
    purged
        Letters in all.
    replayed
        Those of them that were replayed before; the others are lost for good.
    """

    dry_run: bool
    purged: int
    replayed: int
    queues: Sequence[PurgeCount]


class PurgeDeadLetters:
    """Erases what dead letters said and keeps that they were there, and why."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, wanted: LetterFilter, *, dry_run: bool, caller: Caller) -> Purge:
        """Purge the letters that are meant; a dry run changes nothing.

        Raises
        ------
        NotSubmittableError
            If nothing says which letters are meant, and it is no dry run.
        """
        if wanted.means_all and not dry_run:
            raise NotSubmittableError(
                "ids", "Say which letters: ids, a queue or an age. All of them are those older than 0 seconds."
            )
        async with self._unit_of_work() as work:
            store = DeadLetterStore(work.session)
            queues = await (store.count_unpurged(wanted) if dry_run else store.purge(wanted))
        purge = Purge(dry_run, sum(q.letters for q in queues), sum(q.replayed for q in queues), queues)
        if not dry_run:
            logger.info("dead letters purged", extra={"letters": purge.purged, "key_prefix": caller.key_prefix})
        return purge
