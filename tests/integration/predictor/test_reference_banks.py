"""The bank of references: shared through a file, rebuilt when it is damaged or the references have changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from protea_common.messaging.bus import DeadLettered
from protea_common.operations import PredictGoTerms
from protea_common.orm import JobStatus
from protea_common.runtime import Platform
from protea_predictor.settings import PredictorSettings
from support.predictor_bench import A, B, M, PredictorBench, open_bench


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The default place, below the artifact store's folder."""
    return tmp_path / ".protea" / "cache"


def banks(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.bank"))


async def donors_of(bench: PredictorBench, request: PredictGoTerms) -> list[str]:
    job = await bench.run(request)
    assert job.status is JobStatus.SUCCEEDED, job.error_message
    return sorted({row["donor"] for row in await bench.rows(job.id)})


async def test_a_bank_is_built_once_and_named_by_its_digest(bench: PredictorBench, folder: Path) -> None:
    request = await bench.worked_example()

    job = await bench.run(request)
    built = [(path.name, path.stat().st_ino) for path in banks(folder)]
    await bench.run(request)

    digest = (await bench.prediction_set(job.id)).meta["references"]["digest"]
    assert [name for name, _ in built] == [f"{digest}.bank"]
    assert [(path.name, path.stat().st_ino) for path in banks(folder)] == built
    assert list(folder.iterdir()) == banks(folder)


async def test_another_process_maps_the_file_that_is_there(
    bench: PredictorBench, platform: Platform, folder: Path
) -> None:
    request = await bench.worked_example()
    first = await bench.run(request)
    (path,) = banks(folder)
    built = path.stat().st_ino

    async with open_bench(platform) as another:
        second = await another.run(request)

    assert path.stat().st_ino == built
    assert await bench.rows(second.id) == await bench.rows(first.id)


async def test_it_is_counted_how_a_bank_was_got_at(bench: PredictorBench, platform: Platform) -> None:
    request = await bench.worked_example()
    await bench.run(request)
    await bench.run(request)
    async with open_bench(platform) as another:
        await another.run(request)

    def counted(outcome: str) -> float | None:
        return platform.metrics.registry.get_sample_value("protea_reference_cache_total", {"outcome": outcome})

    assert (counted("built"), counted("memory"), counted("file")) == (1, 1, 1)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty"])
async def test_a_damaged_file_is_built_again(
    bench: PredictorBench, platform: Platform, folder: Path, damage: str
) -> None:
    request = await bench.worked_example()
    first = await bench.run(request)
    (path,) = banks(folder)
    whole = path.read_bytes()
    damaged = {"flipped": bytes([whole[0] ^ 1]) + whole[1:], "truncated": whole[:-100], "empty": b""}
    path.write_bytes(damaged[damage])

    async with open_bench(platform) as another:
        second = await another.run(request)

    assert path.read_bytes() == whole
    assert await bench.rows(second.id) == await bench.rows(first.id)


async def test_a_new_embedding_makes_another_bank(bench: PredictorBench, folder: Path) -> None:
    request = await bench.worked_example()
    before = await donors_of(bench, request)
    async with bench.world() as world:
        await world.add_reference(request, "R4", (1, 0))
        await world.annotate(request, [("R4", M, "IDA", None)])

    after = await donors_of(bench, request)

    assert (before, after) == (["R1", "R2"], ["R1", "R2", "R4"])
    assert len(banks(folder)) == 2


async def test_a_replaced_embedding_makes_another_bank(bench: PredictorBench, folder: Path) -> None:
    request = await bench.worked_example()
    await bench.run(request)
    await bench.execute("UPDATE sequence_embedding SET embedding = '[0,1]', created_at = now() + interval '1 s'")

    job = await bench.run(request)

    assert len(banks(folder)) == 2
    assert {row["distance"] for row in await bench.rows(job.id)} == {0.0}


async def test_different_questions_have_different_banks(bench: PredictorBench, folder: Path) -> None:
    request = await bench.worked_example()

    await bench.run(request)
    await bench.run(request, expand_votes_to_ancestors=False)
    await bench.run(request, donor_policy={"evidence_codes": ["IDA"]})

    assert len(banks(folder)) == 3


async def test_the_same_evidence_codes_in_another_spelling_share_a_bank(bench: PredictorBench, folder: Path) -> None:
    request = await bench.worked_example()

    await bench.run(request, donor_policy={"evidence_codes": ["IDA", "IEA"]})
    await bench.run(request, donor_policy={"evidence_codes": ["ECO:0000501", "ida", "IDA"]})

    assert len(banks(folder)) == 1


async def test_an_embedding_added_while_a_job_runs_is_not_looked_at(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    job_id, (requested,) = await bench.dispatched(request)
    async with bench.world() as world:
        await world.add_reference(request, "R4", (1, 0))
        await world.annotate(request, [("R4", B, "IDA", None)])

    await bench.deliver(requested)

    assert {row["go_id"]: row["donor_accessions"] for row in await bench.rows(job_id)}[A] == ["R1", "R2"]


async def test_references_that_change_while_a_job_runs_fail_it(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    job_id, (requested,) = await bench.dispatched(request)
    await bench.execute("UPDATE protein SET sequence_id = NULL WHERE accession = 'R3'")

    outcome = await bench.deliver(requested)

    assert isinstance(outcome, DeadLettered)
    assert (await bench.job(job_id)).error_code == "ReferencesChangedError"


async def test_a_batch_goes_on_with_the_bank_that_is_open(bench: PredictorBench) -> None:
    request = await bench.worked_example()
    async with bench.world() as world:
        await world.add_query(request, "Q2", (0, 1))
    job_id, (first, second) = await bench.dispatched(request, batch_size=1)
    await bench.deliver(first)
    await bench.execute("UPDATE protein SET sequence_id = NULL WHERE accession = 'R3'")

    await bench.deliver(second)

    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED


async def test_only_the_most_recent_files_are_kept(platform: Platform, folder: Path) -> None:
    async with open_bench(platform, settings=PredictorSettings(cache_files_max=1)) as bench:
        request = await bench.worked_example()
        await bench.run(request)
        job = await bench.run(request, expand_votes_to_ancestors=False)

        digest = (await bench.prediction_set(job.id)).meta["references"]["digest"]

    assert [path.name for path in banks(folder)] == [f"{digest}.bank"]
