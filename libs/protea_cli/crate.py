"""``protea crate`` and ``protea rerun``: a measured result as a Run RO-Crate, and the same measurement again."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

import typer
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.errors import CommandError
from protea_cli.jobs import run_job, run_job_named
from protea_cli.options import DEFAULT_URL, ApiKey, InputFile, Url
from protea_cli.outputs import check_output, open_output
from protea_cli.progress import Steps

__all__ = ["RerunDiffersError", "crate", "differing_files", "read_crate", "rerun"]

_METADATA: Final = "ro-crate-metadata.json"
_OPERATION: Final = "run_cafa_evaluation"
_MOST_BYTES: Final = 2_000_000_000
"""Of a crate, unpacked; that of a million proteins is a quarter of it."""


class RerunDiffersError(CommandError):
    """The measurement did not give the same files again."""

    slug: ClassVar[str] = "rerun-differs"


def crate(
    result: Annotated[UUID, typer.Argument(help="Id of the evaluation result.")],
    output: Annotated[str, typer.Option("--output", "-o", help="File to write, or - to print it.")] = "crate.zip",
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Pack a measured result with all that is needed to measure it again (Run RO-Crate)."""
    check_output(output)
    asyncio.run(_crate(str(result), output, url=url, key=api_key))


def rerun(crate: InputFile, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Measure again what a crate says, and see whether the same bytes come of it."""
    asyncio.run(_rerun(read_crate(crate.read_bytes()), url=url, key=api_key))


async def _crate(result_id: str, output: str, *, url: str, key: str | None) -> None:
    steps = Steps(Console(stderr=True, markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        content = await _exported(client, steps, result_id)
    with open_output(output) as file:
        file.write(content)


async def _rerun(first: Mapping[str, bytes], *, url: str, key: str | None) -> None:
    steps = Steps(Console(markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        with steps.step("Measuring again") as step:
            done = await run_job(client, _OPERATION, _payload(first), step)
        second = read_crate(await _exported(client, steps, str(done["evaluation_result_id"])))
    differing = differing_files(first, second)
    if differing:
        raise RerunDiffersError(
            f"other bytes came of {', '.join(differing)}; compare the versions and digests in {_METADATA} with those "
            f"of a new crate: protea crate {done['evaluation_result_id']}"
        )
    steps.console.print(f"The same bytes: {', '.join(sorted(set(first) - {_METADATA}))}", soft_wrap=True)


async def _exported(client: ProteaClient, steps: Steps, result_id: str) -> bytes:
    with steps.step("Packing the crate") as step:
        job_id, _ = await run_job_named(client, "export_run_crate", {"evaluation_result_id": result_id}, step)
    return b"".join([piece async for piece in client.download(f"/v1/jobs/{job_id}/file")])


def read_crate(content: bytes) -> dict[str, bytes]:
    """Read the files of a crate by name.

    Raises
    ------
    CommandError
        If it is no archive, too large, or has no description.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise CommandError(f"the crate holds more than {_MOST_BYTES:,} bytes")
            files = {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile as exc:
        raise CommandError("this is no crate: it is no zip archive") from exc
    if _METADATA not in files:
        raise CommandError(f"this is no crate: it has no {_METADATA}")
    return files


def differing_files(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> list[str]:
    """Name the files that are not the same in both; their descriptions differ in names and times, and do not count."""
    names = (set(first) | set(second)) - {_METADATA}
    return sorted(name for name in names if first.get(name) != second.get(name))


def _payload(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """Find what the measuring operation was asked for."""
    try:
        graph = {entity["@id"]: entity for entity in json.loads(files[_METADATA])["@graph"]}
        if graph["#run"]["name"] != _OPERATION:
            raise CommandError(f"the crate is of {graph['#run']['name']}, and only {_OPERATION} is done again")
        payload: Mapping[str, Any] = json.loads(graph["#payload"]["value"])
    except (ValueError, KeyError, TypeError) as exc:
        raise CommandError("the crate does not say what was measured; pack it again with protea crate") from exc
    return payload
