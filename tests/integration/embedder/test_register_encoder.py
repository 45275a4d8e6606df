"""Protein language models made into recipes: from uploads, from allowed folders, from a hub if it is allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from protea_common.messaging.bus import DeadLettered
from protea_common.messaging.memory import MemoryBus
from protea_common.operations import ComputeEmbeddings, RegisterEncoder
from protea_common.orm import Job, JobStatus
from protea_common.runtime import open_platform
from protea_common.settings import load_settings
from protea_embedder.adapters.model_store import scan_model_folder
from protea_embedder.settings import EmbedderSettings
from support.embedder_bench import EmbedderBench, open_bench
from support.proteins import random_proteins
from support.tiny_models import LAYERS, TINY_MODELS, WIDTH, make_tiny_model


async def uploaded(bench: EmbedderBench, folder: Path) -> dict[str, str]:
    """Put files where uploads lie; give their names as an upload answers them."""
    files = {}
    for path in folder.iterdir():
        await bench.platform.artifacts.put(f"uploads/0/{path.name}", path)
        files[path.name] = f"artifact:uploads/0/{path.name}"
    return files


def request(name: str, **fields: object) -> RegisterEncoder:
    backend = "t5" if name == "prostt5" else name
    shown = {"model_name": f"tiny/{name}", "model_backend": backend, "licence": "MIT"}
    return RegisterEncoder.model_validate(shown | fields)


async def register(bench: EmbedderBench, name: str, **fields: object) -> Job:
    return await bench.run(await bench.submit("register_encoder", request(name, **fields)))


@asynccontextmanager
async def bench_with(
    database_url: str, root: Path, settings: EmbedderSettings, *, allowed: tuple[Path, ...] = ()
) -> AsyncIterator[EmbedderBench]:
    overrides = {
        "db_url": database_url,
        "amqp_url": "amqp://memory/",
        "storage_root": root / "artifacts",
        "allowed_source_dirs": allowed,
    }
    async with (
        open_platform(load_settings(root, overrides=overrides), MemoryBus()) as platform,
        open_bench(platform, settings=settings) as bench,
    ):
        yield bench


@pytest.mark.parametrize("name", TINY_MODELS)
async def test_uploaded_files_become_a_recipe_that_embeds(bench: EmbedderBench, tmp_path: Path, name: str) -> None:
    folder = make_tiny_model(name, tmp_path)
    await bench.add_proteins(random_proteins(3))

    job = await register(bench, name, files=await uploaded(bench, folder))

    assert (job.status, job.error_message) == (JobStatus.SUCCEEDED, None)
    assert job.result is not None
    assert job.result["weights_digest"] == scan_model_folder(folder, max_bytes=10**9).digest
    assert (job.result["dimension"], job.result["licence"]) == (WIDTH, "MIT")
    payload = ComputeEmbeddings(embedding_config_id=job.result["embedding_config_id"])
    assert (await bench.run(await bench.submit_compute(payload))).status is JobStatus.SUCCEEDED
    assert {len(vector) for vector in (await bench.vectors()).values()} == {WIDTH}


async def test_what_people_are_told_is_kept(bench: EmbedderBench, tmp_path: Path) -> None:
    files = await uploaded(bench, make_tiny_model("esm", tmp_path))

    await register(bench, "esm", files=files, licence="CC BY-NC 4.0", display_name="Tiny", description="for tests")

    (config,) = await bench.configs()
    assert (config.licence, config.display_name, config.description) == ("CC BY-NC 4.0", "Tiny", "for tests")
    assert config.is_language_model
    assert config.param_count is not None
    assert config.param_count > 10_000


async def test_the_same_model_and_choices_are_the_same_recipe(bench: EmbedderBench, tmp_path: Path) -> None:
    files = await uploaded(bench, make_tiny_model("esm", tmp_path))

    first = await register(bench, "esm", files=files)
    again = await register(bench, "esm", files=files)
    other = await register(bench, "esm", files=files, layer_indices=(1,))

    assert first.result is not None
    assert again.result == first.result
    assert other.result is not None
    assert other.result["embedding_config_id"] != first.result["embedding_config_id"]
    assert len(await bench.configs()) == 2


async def test_a_concatenation_is_as_long_as_its_layers(bench: EmbedderBench, tmp_path: Path) -> None:
    files = await uploaded(bench, make_tiny_model("t5", tmp_path))

    job = await register(bench, "t5", files=files, layer_indices=(0, 1), layer_agg="concat", pooling="mean_max")

    assert job.result is not None
    assert job.result["dimension"] == 4 * WIDTH


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"layer_indices": (LAYERS + 1,)}, "UnsuitableModelError"),
        ({"layer_indices": (0, 1), "layer_agg": "last"}, "InvalidRecipeError"),
        ({"model_backend": "t5"}, "UnsuitableModelError"),
        ({"files": {"config.json": "artifact:uploads/9/gone", "model.safetensors": "x"}}, "UploadNotFoundError"),
        ({"files": {"config.json": "file:///etc/passwd", "model.safetensors": "x"}}, "UploadNotFoundError"),
        ({"files": {"config.json": "artifact:a", "../model.safetensors": "artifact:b"}}, "InvalidModelFilesError"),
        ({"files": None, "folder": "/etc"}, "ModelFolderNotAllowedError"),
        ({"files": None, "hub_model": "facebook/esm2_t6_8M_UR50D"}, "HubNotAllowedError"),
    ],
)
async def test_what_cannot_be_registered_fails_for_good(
    bench: EmbedderBench, tmp_path: Path, fields: dict[str, object], error: str
) -> None:
    files = await uploaded(bench, make_tiny_model("esm", tmp_path))
    job_id = await bench.submit("register_encoder", request("esm", **({"files": files} | fields)))
    (message,) = await bench.take_messages(job_id)

    disposition = await bench.deliver(message)

    job = await bench.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, error)
    assert isinstance(disposition, DeadLettered)
    assert await bench.configs() == []


async def test_a_model_may_lie_in_a_folder_that_the_operator_allows(migrated_database_url: str, tmp_path: Path) -> None:
    folder = make_tiny_model("esm", tmp_path / "models")
    (tmp_path / "models" / "outside").symlink_to("/etc")

    async with bench_with(migrated_database_url, tmp_path, EmbedderSettings(), allowed=(tmp_path / "models",)) as bench:
        inside = await register(bench, "esm", folder=str(folder))
        outside = await register(bench, "esm", folder=str(tmp_path / "models" / "outside"))

    assert inside.status is JobStatus.SUCCEEDED
    assert outside.error_code == "ModelFolderNotAllowedError"


async def test_a_model_over_the_operators_limit_is_refused(migrated_database_url: str, tmp_path: Path) -> None:
    folder = make_tiny_model("esm", tmp_path)

    async with bench_with(migrated_database_url, tmp_path, EmbedderSettings(max_model_bytes=1_000)) as bench:
        job = await register(bench, "esm", files=await uploaded(bench, folder))

    assert job.error_code == "ModelTooLargeError"


async def test_unirep_waits_for_the_operator_to_accept_its_licence(migrated_database_url: str, tmp_path: Path) -> None:
    folder = make_tiny_model("unirep", tmp_path)

    async with bench_with(migrated_database_url, tmp_path, EmbedderSettings()) as bench:
        job = await register(bench, "unirep", files=await uploaded(bench, folder), licence="CC BY-NC 4.0")

    assert job.error_code == "LicenceNotAcceptedError"
    assert "CC BY-NC 4.0" in str(job.error_message)
    assert "PROTEA_EMBEDDER__ACCEPT_UNIREP_LICENCE" in str(job.error_message)


async def test_a_hub_that_does_not_answer_is_tried_again(migrated_database_url: str, tmp_path: Path) -> None:
    settings = EmbedderSettings(allow_hub=True, hub_url="http://127.0.0.1:1")

    async with bench_with(migrated_database_url, tmp_path, settings) as bench:
        job_id = await bench.submit("register_encoder", request("esm", hub_model="facebook/esm2_t6_8M_UR50D"))
        (message,) = await bench.take_messages(job_id)
        await bench.deliver(message)
        job = await bench.job(job_id)
        told = await bench.told(job_id)

    assert job.status is JobStatus.QUEUED
    assert "PROTEA_EMBEDDER__HUB_URL" in told
