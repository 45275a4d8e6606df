from __future__ import annotations

from protea_common.messaging.bus import Acknowledged
from protea_common.operations import Ping
from protea_common.orm import JobStatus
from support.ingest_bench import IngestBench


async def test_a_ping_is_answered(bench: IngestBench) -> None:
    job = await bench.run("ping", Ping.model_validate({"from": "a test", "at": 1}))

    assert (job.status, job.result) == (JobStatus.SUCCEEDED, {"ok": True})
    ((fields,),) = await bench.rows("SELECT fields FROM job_event WHERE event = 'ping.done'")
    assert fields == {"payload_keys": ["at", "from"]}


async def test_a_ping_that_comes_twice_is_answered_once(bench: IngestBench) -> None:
    job_id = await bench.submit("ping", Ping())

    assert [await bench.deliver(job_id) for _ in range(2)] == [Acknowledged(), Acknowledged()]
    assert len(await bench.published("job.succeeded", job_id)) == 1
