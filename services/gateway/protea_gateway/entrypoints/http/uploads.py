"""``/v1/uploads``: files for later loads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, status
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from protea_gateway.adapters.received_file import ReceivedFile
from protea_gateway.domain.errors import EmptyInputError
from protea_gateway.entrypoints.http.guard import UploadRoute
from protea_gateway.entrypoints.http.parts import FactoryParameter
from protea_gateway.usecases.uploads import StoredUpload

__all__ = ["router"]

router = APIRouter(prefix="/uploads", tags=["uploads"], route_class=UploadRoute)

BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


class Upload(BaseModel):
    """A file that jobs can read."""

    model_config = ConfigDict(from_attributes=True)

    source_uri: str = Field(
        description="Name it by this in the payload of a load.", examples=["artifact:uploads/3f1d.../proteins.fasta.gz"]
    )
    sha256: str = Field(description="Digest of the bytes as sent.")
    bytes: int = Field(description="Size as sent.")


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Upload a file",
    description="The bytes as the body, or a form with the field `file`. The same file again is the same artifact.",
    openapi_extra=BODY,
    response_model=Upload,
)
async def upload(
    request: Request,
    factory: FactoryParameter,
    filename: Annotated[str | None, Query(max_length=255, description="Name of the file, for a plain body.")] = None,
) -> StoredUpload:
    async with _received(request, filename) as file:
        return await factory.create_store_upload()(file)


@asynccontextmanager
async def _received(request: Request, filename: str | None) -> AsyncIterator[ReceivedFile]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=1) as form:
            part = form.get("file")
            if not isinstance(part, UploadFile):
                raise EmptyInputError("Send the file in the form's field `file`, with a file name.")
            yield ReceivedFile(part.file, filename=part.filename or filename)
        return
    file = await ReceivedFile.spool(request.stream(), filename=filename)
    try:
        yield file
    finally:
        file.close()
