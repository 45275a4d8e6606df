"""Files that jobs made, streamed from the artifact store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.storage import ArtifactStore
from protea_gateway.adapters.storage.jobs import JobStore
from protea_gateway.domain.errors import NotFoundError

__all__ = ["DownloadJobFile", "JobFile"]

_EXPORTS: Final = "exports/"
"""Only what lies below is given away: other artifacts are no results."""

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file on its way.

    Attributes
    ----------
    name
        To be kept under.
    content
        Its bytes.
    """

    name: str
    content: AsyncIterator[bytes]


class DownloadJobFile:
    """Gives the file that a job names in its result as ``artifact``."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, job_id: UUID) -> JobFile:
        """Find the file.

        Raises
        ------
        NotFoundError
            If there is no such job, or it made no file.
        """
        async with self._unit_of_work() as work:
            job = await JobStore(work.session).get(job_id)
        key = str((job.result or {}).get("artifact", ""))
        if not key.startswith(_EXPORTS) or not await self._artifacts.exists(key):
            raise NotFoundError("file of the job", job_id)
        return JobFile(key.rpartition("/")[2], self._read(key))

    async def _read(self, key: str) -> AsyncIterator[bytes]:
        async with self._artifacts.local_path(key) as path:
            with await asyncio.to_thread(path.open, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                    yield chunk
