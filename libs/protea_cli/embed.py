"""``protea embed``: vectors for all proteins, under an encoder that is fitted on them if there is none yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from protea_cli.client import ProteaClient
from protea_cli.counts import describe_counts
from protea_cli.errors import CommandError
from protea_cli.invocation import command
from protea_cli.jobs import run_job
from protea_cli.options import DEFAULT_URL, ApiKey, Url
from protea_cli.progress import Steps

__all__ = ["embed", "embed_proteins", "fit_encoder", "only_config"]


def embed(
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    embedding_config: Annotated[
        str | None, typer.Option(help="Id of the recipe; needed when there are several.")
    ] = None,
) -> None:
    """Embed all proteins, so that others can be compared with them."""
    asyncio.run(_embed(url, api_key, embedding_config))


async def _embed(url: str, key: str | None, config_id: str | None) -> None:
    steps = Steps(Console(markup=False, highlight=False))
    async with ProteaClient(url, api_key=key) as client:
        chosen = config_id or await only_config(client) or await fit_encoder(client, steps)
        result = await embed_proteins(client, steps, chosen)
    for line in describe_counts(result):
        steps.console.print(line, soft_wrap=True)
    then = command("annotate PROTEINS.fasta -o predictions.tsv", url=url)
    steps.console.print(f"Next: {then}", soft_wrap=True)


async def fit_encoder(client: ProteaClient, steps: Steps) -> str:
    """Fit the k-mer encoder on the proteins; give the id of its recipe."""
    with steps.step("Fitting the k-mer encoder on the proteins") as step:
        return str((await run_job(client, "fit_kmer_encoder", {}, step))["embedding_config_id"])


async def embed_proteins(client: ProteaClient, steps: Steps, config_id: str) -> Mapping[str, Any]:
    """Embed all proteins that have no vector under a recipe; give the job's result."""
    with steps.step("Embedding the proteins") as step:
        return await run_job(client, "compute_embeddings", {"embedding_config_id": config_id}, step)


async def only_config(client: ProteaClient) -> str | None:
    """Find the recipe that is meant when none is named; ``None`` if there is none at all."""
    configs = await client.get("/v1/embeddings/configs")
    if len(configs) > 1:
        listed = "\n".join(f"  {config['id']}  {config.get('display_name') or ''}".rstrip() for config in configs)
        raise CommandError(f"there are several recipes; choose one with --embedding-config:\n{listed}")
    return str(configs[0]["id"]) if configs else None
