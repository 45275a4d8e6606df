"""The artifact store in an S3 bucket: AWS, MinIO, SeaweedFS and whatever else speaks the protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from protea_common.storage.keys import InvalidArtifactKeyError, check_key
from protea_common.storage.store import ArtifactNotFoundError, ArtifactSource, ArtifactStoreUnavailable

__all__ = ["S3ArtifactStore", "S3Bucket", "S3Patience"]

logger = logging.getLogger(__name__)

PART_BYTES: Final = 8 * 1024**2
"""Size of a part: an upload holds about five in memory, and S3 takes 10,000 of them, so files end at 78 GiB."""

READ_BYTES: Final = 1024**2
"""Bytes of a download that are written at once; fewer cost calls, more only memory."""

REFUSALS: Final = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""A HEAD request is answered without a body, so that the status is all it says of wrong credentials."""


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """Where the bucket is, and who asks.

    Attributes
    ----------
    endpoint
        ``http://`` or ``https://`` address of the server.
    name
        Name of the bucket; it must exist.
    access_key, secret_key
        Credentials that may list, read, write and delete in the bucket.
    region
        Region that requests are signed for.
    """

    endpoint: str
    name: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class S3Patience:
    """How long the server may take.

    Attributes
    ----------
    connect, read
        Time to connect, and longest silence of an answer.
    attempts
        How often a request is sent before the store counts as unavailable, at least 1.
    request
        Longest time of one request with all its attempts; ends a part that the server stopped reading.
    """

    connect: timedelta = timedelta(seconds=5)
    read: timedelta = timedelta(seconds=30)
    attempts: int = 3
    request: timedelta = timedelta(minutes=5)


class S3ArtifactStore:
    """Keeps artifacts as objects of one bucket, with ``s3://bucket/key`` URIs; see ``ArtifactStore``.

    Its one client opens with the first request and belongs to the event loop of that request.
    """

    def __init__(self, bucket: S3Bucket, *, patience: S3Patience | None = None) -> None:
        self._bucket = bucket
        self._patience = patience or S3Patience()
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Any = None

    async def check(self) -> None:
        """See whether the bucket is there and the credentials are good."""
        with self._translated():
            await self._call("head_bucket")

    async def aclose(self) -> None:
        """Close the connections."""
        self._client = None
        await self._stack.aclose()

    async def put(self, key: str, source: ArtifactSource) -> str:
        """Store ``source`` under ``key``; return its URI."""
        check_key(key)
        async with aclosing(_parts(source)) as parts:
            first = await anext(parts)
            if len(first) < PART_BYTES:
                with self._translated(key):
                    await self._call("put_object", Key=key, Body=first)
            else:
                await self._put_parts(key, first, parts)
        return self.url(key)

    async def get(self, key: str) -> bytes:
        """Read the whole artifact into memory."""
        check_key(key)
        with self._translated(key):
            answer = await self._call("get_object", Key=key)
            async with answer["Body"]:
                return bytes(await answer["Body"].read())

    @asynccontextmanager
    async def local_path(self, key: str) -> AsyncIterator[Path]:
        """Lend a copy that is removed when the block ends."""
        check_key(key)
        with _temporary_folder_translated():
            folder = await asyncio.to_thread(TemporaryDirectory, prefix="protea-artifact-")
        try:
            # Under its own name: libraries look at the end of it.
            path = Path(folder.name) / key.rpartition("/")[2]
            await self._download(key, path)
            yield path
        finally:
            await asyncio.to_thread(folder.cleanup)

    async def exists(self, key: str) -> bool:
        """Whether there is an artifact under ``key``."""
        check_key(key)
        try:
            with self._translated(key):
                await self._call("head_object", Key=key)
        except ArtifactNotFoundError:
            # The answer is the same where the bucket is gone, which must not read as an empty store.
            await self.check()
            return False
        return True

    async def delete(self, key: str) -> bool:
        """Remove the artifact; false if there was none. Of two callers at once both may be told true."""
        found = await self.exists(key)
        if found:
            with self._translated(key):
                await self._call("delete_object", Key=key)
        return found

    async def list_keys(self) -> AsyncIterator[str]:
        """Give the key of every object of the bucket, page after page."""
        token: dict[str, str] = {}
        while True:
            with self._translated():
                page = await self._call("list_objects_v2", **token)
            for found in page.get("Contents", []):
                yield str(found["Key"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def url(self, key: str) -> str:
        """``s3://`` URI of ``key``, which stands in it as it is."""
        return f"{self._prefix}{check_key(key)}"

    def key_from_uri(self, uri: str) -> str:
        """Key of a URI that this store gave out."""
        if not uri.startswith(self._prefix):
            raise InvalidArtifactKeyError(f"the artifact {uri!r} does not lie in the S3 bucket {self._bucket.name}")
        return check_key(uri.removeprefix(self._prefix))

    @property
    def _prefix(self) -> str:
        return f"s3://{self._bucket.name}/"

    async def _put_parts(self, key: str, first: bytes, rest: AsyncIterator[bytes]) -> None:
        """Upload part after part; the object appears with the last step, and what is broken off leaves nothing."""
        with self._translated(key):
            upload = {"Key": key, "UploadId": (await self._call("create_multipart_upload", Key=key))["UploadId"]}
        try:
            receipts = [await self._put_part(upload, 1, first)]
            async for part in rest:
                if part:
                    receipts.append(await self._put_part(upload, len(receipts) + 1, part))
            with self._translated(key):
                await self._call("complete_multipart_upload", **upload, MultipartUpload={"Parts": receipts})
        except BaseException:
            await self._abort(upload)
            raise

    async def _put_part(self, upload: dict[str, str], number: int, part: bytes) -> dict[str, object]:
        with self._translated(upload["Key"]):
            receipt = await self._call("upload_part", **upload, PartNumber=number, Body=part)
        return {"PartNumber": number, "ETag": receipt["ETag"]}

    async def _abort(self, upload: dict[str, str]) -> None:
        try:
            with self._translated(upload["Key"]):
                await self._call("abort_multipart_upload", **upload)
        except (ArtifactStoreUnavailable, ArtifactNotFoundError) as exc:
            logger.warning(
                "parts of a broken upload may be left in the bucket; let a lifecycle rule remove them",
                extra={"key": upload["Key"], "detail": str(exc)},
            )

    async def _download(self, key: str, path: Path) -> None:
        with _temporary_folder_translated():
            file = await asyncio.to_thread(path.open, "wb")
        try:
            async with aclosing(self._chunks(key)) as chunks:
                async for chunk in chunks:
                    with _temporary_folder_translated():
                        await asyncio.to_thread(file.write, chunk)
        finally:
            with _temporary_folder_translated():
                await asyncio.to_thread(file.close)

    async def _chunks(self, key: str) -> AsyncGenerator[bytes, None]:
        with self._translated(key):
            answer = await self._call("get_object", Key=key)
        async with answer["Body"]:
            while True:
                with self._translated(key):
                    chunk = bytes(await answer["Body"].read(READ_BYTES))
                if not chunk:
                    return
                yield chunk

    async def _call(self, operation: str, **arguments: Any) -> Any:
        client = await self._open_client()
        async with asyncio.timeout(self._patience.request.total_seconds()):
            return await getattr(client, operation)(Bucket=self._bucket.name, **arguments)

    async def _open_client(self) -> Any:
        async with self._opening:
            if self._client is None:
                bucket = self._bucket
                client = aioboto3.Session().client(
                    "s3",
                    endpoint_url=bucket.endpoint,
                    aws_access_key_id=bucket.access_key,
                    aws_secret_access_key=bucket.secret_key,
                    region_name=bucket.region,
                    config=_client_config(self._patience),
                )
                self._client = await self._stack.enter_async_context(client)
                self._client.meta.events.register_last("before-call.s3", _send_at_once)
            return self._client

    @contextmanager
    def _translated(self, key: str | None = None) -> Iterator[None]:
        """Turn the library's errors into ours; theirs may quote what was signed, so ours repeat no message."""
        try:
            yield
        except ClientError as exc:
            raise self._refused(exc, key) from exc
        except (BotoCoreError, aiohttp.ClientError, TimeoutError) as exc:
            raise ArtifactStoreUnavailable(
                f"S3 at {self._bucket.endpoint} was not reached ({type(exc).__name__}); "
                "check PROTEA_S3_ENDPOINT, PROTEA_S3_SECURE and the server"
            ) from exc

    def _refused(self, exc: ClientError, key: str | None) -> ArtifactNotFoundError | ArtifactStoreUnavailable:
        code = exc.response["Error"]["Code"]
        status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
        said = f"S3 at {self._bucket.endpoint} answered {code}"
        if status == HTTPStatus.NOT_FOUND and key is not None and code != "NoSuchBucket":
            return ArtifactNotFoundError(f"there is no artifact {key!r} in the S3 bucket {self._bucket.name}")
        if status == HTTPStatus.NOT_FOUND:
            return ArtifactStoreUnavailable(
                f"{said}: there is no bucket {self._bucket.name!r}; create it, or correct PROTEA_S3_BUCKET"
            )
        if status in REFUSALS:
            return ArtifactStoreUnavailable(
                f"{said} for the bucket {self._bucket.name!r}; check PROTEA_S3_ACCESS_KEY, PROTEA_S3_SECRET_KEY, "
                "PROTEA_S3_REGION, what they may do, and this machine's clock"
            )
        return ArtifactStoreUnavailable(f"{said}; check the server")


def _client_config(patience: S3Patience) -> AioConfig:
    return AioConfig(
        connect_timeout=patience.connect.total_seconds(),
        read_timeout=patience.read.total_seconds(),
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        # Bucket names as host names need DNS entries that servers other than AWS do not have.
        s3={"addressing_style": "path"},
        # The newer checksum headers are unknown to older servers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _send_at_once(*, params: dict[str, Any], **_: object) -> None:
    """Send bodies without asking first: aiohttp waits for the answer to that without any time limit."""
    params["headers"].pop("Expect", None)


async def _parts(source: ArtifactSource) -> AsyncGenerator[bytes, None]:
    """Cut ``source`` into parts of ``PART_BYTES``; the last one is shorter, and empty if nothing is left over."""
    buffer = bytearray()
    async with aclosing(_pieces(source)) as pieces:
        async for piece in pieces:
            buffer += piece
            while len(buffer) >= PART_BYTES:
                with memoryview(buffer) as view:
                    part = bytes(view[:PART_BYTES])
                del buffer[:PART_BYTES]
                yield part
    yield bytes(buffer)


async def _pieces(source: ArtifactSource) -> AsyncGenerator[bytes, None]:
    if isinstance(source, bytes):
        for start in range(0, len(source), PART_BYTES):
            yield source[start : start + PART_BYTES]
    elif isinstance(source, Path):
        with await asyncio.to_thread(source.open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, PART_BYTES):
                yield piece
    else:
        async for piece in source:
            yield piece


@contextmanager
def _temporary_folder_translated() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise ArtifactStoreUnavailable(
            f"a copy of an artifact was not written: {reason}; check the folder of temporary files (TMPDIR)"
        ) from exc
