"""Boosters that were trained elsewhere: what is kept of them, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from protea_common.messaging.bus import Acknowledged, DeadLettered
from protea_common.operations import ImportReranker
from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from support.boosters import small_booster
from support.training_bench import AwayArtifactStore, TrainingBench, open_training_bench

OPERATION = "import_reranker"
TEXT = small_booster(("distance", "vote_count", "evidence_code"), categories=("evidence_code",)).text


@pytest.fixture
async def bench(platform: Platform) -> AsyncIterator[TrainingBench]:
    async with open_training_bench(platform) as bench:
        yield bench


async def asked(bench: TrainingBench, text: str = TEXT, **changes: Any) -> ImportReranker:
    """Upload a booster; ask for its import."""
    await bench.platform.artifacts.put("uploads/model.txt", text.encode())
    fields = {"name": "elsewhere", "source_uri": "artifact:uploads/model.txt", "category": "lk", "aspect": "mfo"}
    return ImportReranker.model_validate(fields | changes)


async def test_a_booster_is_kept_with_its_digest_and_fingerprints(bench: TrainingBench) -> None:
    digest = sha256(TEXT.encode()).hexdigest()

    payload = await asked(bench, sha256=digest, spec_yaml="lab: x\n", run_json='{"fmax": 0.5}', external_source="lab")
    job = await bench.do(payload, OPERATION)

    assert job.status is JobStatus.SUCCEEDED, job.error_message
    (row,) = await bench.rerankers()
    assert (row.name, row.category, row.aspect, row.external_source) == ("elsewhere", "lk", "mfo", "lab")
    assert row.metrics == {"model_sha256": digest, "run": {"fmax": 0.5}}
    # First 12 digits of SHA-256 of "distance|evidence_code|vote_count".
    assert row.feature_schema_sha == sha256(b"distance|evidence_code|vote_count").hexdigest()[:12]
    assert row.spec_yaml is not None
    assert "lab: x" in row.spec_yaml
    kept = await bench.platform.artifacts.get(f"rerankers/{row.id}/model.txt")
    assert kept == TEXT.encode()


async def test_a_second_delivery_changes_nothing(bench: TrainingBench) -> None:
    job_id = await bench.submit_training(await asked(bench), OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcomes = [await bench.deliver(message), await bench.deliver(message)]

    assert outcomes == [Acknowledged(), Acknowledged()]
    assert len(await bench.rerankers()) == 1


async def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced(bench: TrainingBench) -> None:
    await bench.do(await asked(bench), OPERATION)
    (first,) = await bench.rerankers()

    refused = await bench.do(await asked(bench), OPERATION)
    replaced = await bench.do(await asked(bench, force=True), OPERATION)

    assert (refused.status, refused.error_code) == (JobStatus.FAILED, "RerankerNameTakenError")
    assert replaced.status is JobStatus.SUCCEEDED
    (second,) = await bench.rerankers()
    assert (second.name, second.id == first.id) == ("elsewhere", False)


@pytest.mark.parametrize(
    ("text", "changes", "error_code"),
    [
        (TEXT, {"sha256": "0" * 64}, "DigestMismatchError"),
        (TEXT[: len(TEXT) // 2], {}, "InvalidBoosterError"),
        (TEXT, {"spec_yaml": "- a list"}, "InvalidSpecError"),
        (TEXT, {"spec_yaml": "!!python/object/apply:os.getcwd []"}, "InvalidSpecError"),
        (TEXT, {"run_json": "[1]"}, "InvalidRunError"),
        (TEXT, {"source_uri": "artifact:uploads/other.txt"}, "ArtifactNotFoundError"),
        (TEXT, {"dataset_id": str(uuid4())}, "NotFoundError"),
        (TEXT.replace("vote_count", "secret_sig"), {}, "SchemaMismatchError"),
        (small_booster(("distance", "emb_pca_query_0")).text, {}, "SchemaMismatchError"),
    ],
)
async def test_what_cannot_be_served_is_refused_for_good(
    bench: TrainingBench, text: str, changes: dict[str, Any], error_code: str
) -> None:
    job_id = await bench.submit_training(await asked(bench, text, **changes), OPERATION)
    (message,) = await bench.take_messages(job_id)

    outcome = await bench.deliver(message)

    assert isinstance(outcome, DeadLettered)
    assert outcome.error_code == error_code
    assert await bench.rerankers() == []


async def test_a_booster_that_reads_what_its_dataset_lacks_is_refused(bench: TrainingBench) -> None:
    dataset_id = await bench.dataset(await bench.circle())
    text = small_booster(("distance", "identity_nw")).text

    job = await bench.do(await asked(bench, text, dataset_id=dataset_id), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "SchemaMismatchError")
    assert job.error_message is not None
    assert "identity_nw" in job.error_message


async def test_an_artifact_store_that_is_away_is_tried_again(platform: Platform, bench: TrainingBench) -> None:
    job_id = await bench.submit_training(await asked(bench), OPERATION)
    (message,) = await bench.take_messages(job_id)
    away = AwayArtifactStore(platform.settings.storage_root or platform.settings.artifacts_dir)
    async with open_training_bench(replace(platform, artifacts=away)) as elsewhere:
        await elsewhere.deliver(message)
    assert (await bench.job(job_id)).status is JobStatus.QUEUED

    await bench.deliver_all(job_id)

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED


async def test_a_booster_that_was_selected_on_a_test_window_is_refused_whatever_the_reason(
    bench: TrainingBench,
) -> None:
    circle = await bench.circle()
    waived = {"temporal_waiver": "nobody looked at the figures"}

    job = await bench.do(await asked(bench, evaluation_set_id=circle.test, **waived), OPERATION)

    assert (job.status, job.error_code) == (JobStatus.FAILED, "TemporalProtocolError")
    assert await bench.rerankers() == []


async def test_a_window_without_a_role_is_refused_unless_a_reason_is_kept(bench: TrainingBench) -> None:
    circle = await bench.circle(role=None)
    reason = "it was selected before windows had roles"

    refused = await bench.do(await asked(bench, evaluation_set_id=circle.selection), OPERATION)
    kept = await bench.do(await asked(bench, evaluation_set_id=circle.selection, temporal_waiver=reason), OPERATION)

    assert (refused.status, refused.error_code) == (JobStatus.FAILED, "UnknownDatesError")
    assert kept.status is JobStatus.SUCCEEDED, kept.error_message
    (row,) = await bench.rerankers()
    assert (row.evaluation_set_id, row.metrics["temporal_waiver"]) == (circle.selection, reason)
    assert await bench.scalar("SELECT message FROM job_event WHERE event = 'temporal_protocol.waived'") == reason
