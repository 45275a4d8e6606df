"""API keys: making them, and finding out who calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from protea_common.db import DATABASE_AWAY, UnitOfWork
from protea_gateway.adapters.storage.access import ApiKeyStore
from protea_gateway.domain.api_keys import ApiKeySecret
from protea_gateway.domain.callers import Authentication, Caller, Connection
from protea_gateway.domain.errors import AuthenticationRequiredError

__all__ = ["Authenticate", "CreateApiKey", "KeyUsage", "NewApiKey"]

logger = logging.getLogger(__name__)

_FLUSH = timedelta(seconds=10)
"""How stale `last_used_at` may be: shorter writes more rows for a figure that nothing depends on."""


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made; the only time that it can be read.

    Attributes
    ----------
    key
        The key itself.
    """

    id: UUID
    name: str
    key: str
    prefix: str
    created_at: datetime


class CreateApiKey:
    """Makes keys; also the first one, for the command line, which needs no key for it but the database's address."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, name: str) -> NewApiKey:
        """Make a key under a name that tells people what it is for."""
        secret = ApiKeySecret.generate()
        async with self._unit_of_work() as work:
            row = await ApiKeyStore(work.session).add(secret, name=name)
        return NewApiKey(row.id, row.name, secret.key, secret.prefix, row.created_at)


class KeyUsage:
    """Collects which keys were used and writes it down now and then, so that no request waits for it."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork]) -> None:
        self._unit_of_work = unit_of_work
        self._used: dict[UUID, datetime] = {}

    def note(self, key_id: UUID) -> None:
        """Remember that a key was used now."""
        self._used[key_id] = datetime.now(UTC)

    async def run(self) -> None:
        """Write until cancelled, and once more at the end."""
        try:
            while True:
                await asyncio.sleep(_FLUSH.total_seconds())
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write what was collected; a database that is away costs no more than these times."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with self._unit_of_work() as work:
                await ApiKeyStore(work.session).mark_used(used)
        except DATABASE_AWAY as exc:
            logger.warning("the use of keys was not written", extra={"detail": type(exc).__name__})


class Authenticate:
    """Decides who calls, and whether they may.

    Parameters
    ----------
    rule
        Who may change things.
    allowed_origins
        Web pages that may act for somebody at this machine.
    """

    def __init__(
        self,
        *,
        unit_of_work: Callable[[], UnitOfWork],
        usage: KeyUsage,
        rule: Authentication,
        allowed_origins: Collection[str],
    ) -> None:
        self._unit_of_work = unit_of_work
        self._usage = usage
        self._rule = rule
        self._allowed_origins = allowed_origins

    async def __call__(self, connection: Connection, secret: ApiKeySecret | None, *, needs_caller: bool) -> Caller:
        """Identify the caller.

        Parameters
        ----------
        connection
            Where the request comes from.
        secret
            The key it presents.
        needs_caller
            Whether it changes something, or reads what is not for everybody.

        Raises
        ------
        AuthenticationRequiredError
            If a key is presented and not valid, or one is needed and missing.
        """
        if secret is not None:
            return await self._holder(secret)
        if self._rule is Authentication.LOOPBACK:
            if connection.is_local(self._allowed_origins):
                return Caller()
            # A site that made its own name point at this machine must not even read what is kept here.
            needs_caller = needs_caller or (connection.is_loopback and not connection.names_this_machine)
        if needs_caller:
            raise AuthenticationRequiredError(
                "This needs an API key: send it as `Authorization: ApiKey KEY` or `X-Api-Key: KEY`."
                " `protea keys create` makes one."
            )
        return Caller()

    async def _holder(self, secret: ApiKeySecret) -> Caller:
        if secret.is_well_formed:
            async with self._unit_of_work() as work:
                candidates = await ApiKeyStore(work.session).valid_with_prefix(secret.prefix)
            for row in candidates:
                if secret.matches(row.key_hash):
                    self._usage.note(row.id)
                    return Caller(key_prefix=row.prefix)
        raise AuthenticationRequiredError("The API key is not known or was revoked.")
