"""API keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.orm import ApiKey
from protea_gateway.adapters.storage.lookup import find
from protea_gateway.domain.api_keys import ApiKeySecret

__all__ = ["ApiKeyStore"]


class ApiKeyStore:
    """Reads and writes API keys."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, secret: ApiKeySecret, *, name: str) -> ApiKey:
        """Remember a key by its digest."""
        statement = insert(ApiKey).values(id=uuid4(), key_hash=secret.digest, prefix=secret.prefix, name=name)
        return (await self._session.scalars(statement.returning(ApiKey))).one()

    async def valid_with_prefix(self, prefix: str) -> Sequence[ApiKey]:
        """Find the keys that begin like this and are not revoked; mostly one."""
        query = select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
        return (await self._session.scalars(query)).all()

    async def page(self, *, limit: int, offset: int) -> Sequence[ApiKey]:
        """List keys, newest first."""
        query = select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id).limit(limit).offset(offset)
        return (await self._session.scalars(query)).all()

    async def revoke(self, key_id: UUID) -> None:
        """Refuse a key from now on, for good; a second time changes nothing."""
        await find(self._session, ApiKey, key_id)
        revocation = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        await self._session.execute(revocation.values(revoked_at=func.now()))

    async def mark_used(self, used: Mapping[UUID, datetime]) -> None:
        """Note when keys were last used."""
        for key_id, moment in sorted(used.items()):
            await self._session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=moment))
