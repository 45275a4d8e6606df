"""One trace from the request to the live stream, as an OTLP receiver that is not ours gets it from five processes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.semconv._incubating.attributes import messaging_attributes
from opentelemetry.semconv.attributes import db_attributes

from support.editions import LoadedCluster, Traces
from support.killing import killed_while_writing
from support.main_job import reference_fasta
from support.otlp import ReceivedSpan

ARRIVAL_SECONDS = 60.0

ROOT = "POST /v1/annotate"
ENDPOINT = "fastapi.endpoint"
"""The part of a request that is the handler's own, by OpenTelemetry's instrumentation of FastAPI."""

MAIN_JOB = [
    "publish protea.events:job.succeeded",
    "create protea.events:job.succeeded",
    "run predictions.batch",
    "process protea.events:predictions.batch.requested:protea.predictions.batch",
    "publish protea.events:predictions.batch.requested",
    "create protea.events:predictions.batch.requested",
    "run predict_go_terms",
    "process protea.events:job.created.predict_go_terms:protea.predictions",
    "publish protea.events:job.created.predict_go_terms",
    "create protea.events:job.created.predict_go_terms",
    "run embeddings.batch",
    "process protea.events:embeddings.batch.requested:protea.embeddings.batch",
    "publish protea.events:embeddings.batch.requested",
    "create protea.events:embeddings.batch.requested",
    "run compute_embeddings",
    "process protea.events:job.created.compute_embeddings:protea.embeddings",
    "publish protea.events:job.created.compute_embeddings",
    "create protea.events:job.created.compute_embeddings",
    ENDPOINT,
    ROOT,
]
"""What led to the end of the main job, backwards."""

ENDS = 3
"""Ends that the live stream tells of: those of two steps and of the pipeline."""

PRODUCER, CONSUMER = 4, 5

WINDOW = 10
"""Residues in a row that are taken for a part of a sequence."""


async def arrived(condition: Callable[[], Any]) -> Any:
    """Wait until something has come through the receiver; give what the condition gave."""
    async with asyncio.timeout(ARRIVAL_SECONDS):
        while not (found := condition()):
            await asyncio.sleep(0.1)
    return found


def ancestors(span: ReceivedSpan, trace: Sequence[ReceivedSpan]) -> list[str]:
    """Names from a span up to its root, its own first."""
    by_id = {other.span_id: other for other in trace}
    names = [span.name]
    while span.parent_id:
        if span.parent_id not in by_id:
            return [*names, "?"]
        span = by_id[span.parent_id]
        names.append(span.name)
    return names


def chains(traces: Traces, trace_id: str, name: str) -> list[list[str]]:
    """Ancestors of every span of that name in a trace."""
    trace = traces.collector.trace(trace_id)
    return [ancestors(span, trace) for span in trace if span.name == name]


async def forget_query_vectors(cluster: LoadedCluster) -> None:
    await cluster.database.execute(
        "DELETE FROM sequence_embedding WHERE sequence_id IN (SELECT sequence_id FROM query_set_entry)"
    )


async def trace_of(cluster: LoadedCluster, job_id: str) -> str:
    return str((await asyncio.to_thread(cluster.job.job, job_id))["trace_id"])


def follow(cluster: LoadedCluster, job_id: str) -> list[dict[str, Any]]:
    """Read a job's live stream to its end."""
    lines: list[str] = []
    with httpx.stream("GET", f"{cluster.processes.url}/v1/jobs/{job_id}/stream", timeout=120) as stream:
        lines = list(stream.iter_lines())
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


async def annotated(cluster: LoadedCluster) -> str:
    """Run the main job with its live stream followed; give its id."""
    job_id = await asyncio.to_thread(cluster.job.annotate, cluster.references)
    await asyncio.to_thread(follow, cluster, job_id)
    await asyncio.to_thread(cluster.job.result, job_id)
    return job_id


@pytest.fixture(scope="module")
async def computed(cluster: LoadedCluster, traces: Traces) -> list[ReceivedSpan]:
    """Run a main job that computes vectors and predictions; give its trace once all of it has arrived."""
    await annotated(cluster)  # its query set names the vectors that are taken away
    await forget_query_vectors(cluster)
    trace_id = await trace_of(cluster, await annotated(cluster))

    def whole() -> list[ReceivedSpan]:
        trace = traces.collector.trace(trace_id)
        ids = {span.span_id for span in trace}
        ends = chains(traces, trace_id, MAIN_JOB[0])
        is_whole = all(span.parent_id in ids for span in trace if span.parent_id) and MAIN_JOB in ends
        told = [span for span in trace if span.name == "live job.succeeded"]
        # The gateway hands its spans over every few seconds, so the last ones may be told after all others have come.
        return trace if is_whole and len(told) >= ENDS else []

    return list(await arrived(whole))


def test_the_main_job_is_one_trace_with_one_root(computed: list[ReceivedSpan]) -> None:
    assert [span.name for span in computed if not span.parent_id] == [ROOT]


def test_its_end_is_led_back_over_batches_broker_and_outbox_to_the_request(computed: list[ReceivedSpan]) -> None:
    ends = [ancestors(span, computed) for span in computed if span.name == MAIN_JOB[0]]

    assert MAIN_JOB in ends


def test_the_rows_are_copied_inside_their_batches(computed: list[ReceivedSpan]) -> None:
    copied = {tuple(ancestors(span, computed)[:2]) for span in computed if span.name.startswith("COPY ")}

    assert ("COPY go_prediction", "run predictions.batch") in copied
    assert ("COPY incoming_embedding", "run embeddings.batch") in copied


def test_work_is_told_by_the_service_that_did_it(computed: list[ReceivedSpan]) -> None:
    services = {(span.name, span.service) for span in computed if span.name.startswith("run ") or span.name == ROOT}

    assert services == {
        (ROOT, "protea-gateway"),
        ("run compute_embeddings", "protea-embedder"),
        ("run embeddings.batch", "protea-embedder"),
        ("run predict_go_terms", "protea-predictor"),
        ("run predictions.batch", "protea-predictor"),
    }


def test_the_live_stream_is_told_in_the_trace_of_the_job_and_linked_to_its_listener(
    computed: list[ReceivedSpan], traces: Traces
) -> None:
    live = [span for span in computed if span.name == "live job.succeeded"]
    streams = {s.trace_id for s in traces.collector.received() if s.name == "GET /v1/jobs/{job_id}/stream"}

    assert [ancestors(span, computed) for span in live] == [["live job.succeeded", ENDPOINT, ROOT]] * len(live)
    assert len(live) == ENDS
    assert all(span.linked and span.linked <= streams for span in live)


def test_the_gateway_hears_the_end_in_the_same_trace(computed: list[ReceivedSpan]) -> None:
    heard = [span for span in computed if span.name == "process protea.events:job.succeeded"]

    assert heard
    assert all(ancestors(span, computed)[1] == MAIN_JOB[0] for span in heard)
    assert {span.attributes["messaging.destination.anonymous"] for span in heard} == {True}


def test_messaging_spans_have_the_names_and_attributes_of_the_conventions(computed: list[ReceivedSpan]) -> None:
    spans = [span for span in computed if span.kind in (PRODUCER, CONSUMER)]
    types = {member.value for member in messaging_attributes.MessagingOperationTypeValues}

    assert spans
    for span in spans:
        told = span.attributes
        assert span.name == f"{told['messaging.operation.name']} {told['messaging.destination.name']}"
        assert told["messaging.system"] == messaging_attributes.MessagingSystemValues.RABBITMQ.value
        assert told["messaging.operation.type"] in types
        assert told["messaging.message.id"]
        assert told["messaging.rabbitmq.destination.routing_key"] in str(told["messaging.destination.name"]).split(":")


def test_database_spans_have_the_names_and_attributes_of_the_conventions(computed: list[ReceivedSpan]) -> None:
    spans = [span for span in computed if "db.system.name" in span.attributes]

    assert {span.attributes["db.system.name"] for span in spans} == {"postgresql"}
    for span in spans:
        target = span.attributes.get("db.collection.name", span.attributes["db.namespace"])
        assert span.name == f"{span.attributes['db.operation.name']} {target}"


def test_no_attribute_of_messaging_or_database_is_of_our_own_making(traces: Traces) -> None:
    known = {*constants(messaging_attributes), *constants(db_attributes)}
    used = {name for span in traces.collector.received() for name in span.attributes}
    ours = {name for name in used if name.startswith(("messaging.", "db."))}

    assert ours
    assert ours <= known


def constants(module: Any) -> Iterable[str]:
    return {value for value in vars(module).values() if isinstance(value, str)}


@pytest.mark.parametrize(
    ("operation", "service", "queue"),
    [("ping", "protea-ingest", "protea.ping"), ("generate_evaluation_set", "protea-evaluator", "protea.evaluations")],
)
async def test_single_jobs_of_the_other_services_are_whole_traces_too(
    cluster: LoadedCluster, traces: Traces, operation: str, service: str, queue: str
) -> None:
    sets = {
        "old_annotation_set_id": cluster.references.old_annotation_set_id,
        "new_annotation_set_id": cluster.references.new_annotation_set_id,
    }
    payload = sets if operation == "generate_evaluation_set" else {}
    job_id = await asyncio.to_thread(lambda: cluster.job.submit(operation, **payload))
    await asyncio.to_thread(cluster.job.result, job_id)
    trace_id = await trace_of(cluster, job_id)
    expected = [
        f"run {operation}",
        f"process protea.events:job.created.{operation}:{queue}",
        f"publish protea.events:job.created.{operation}",
        f"create protea.events:job.created.{operation}",
        ENDPOINT,
        "POST /v1/jobs",
    ]

    await arrived(lambda: chains(traces, trace_id, f"run {operation}") == [expected])

    assert {s.service for s in traces.collector.trace(trace_id) if s.name == f"run {operation}"} == {service}


async def test_reused_vectors_are_linked_to_the_request_that_computed_them(
    cluster: LoadedCluster, traces: Traces, computed: list[ReceivedSpan]
) -> None:
    before = computed[0].trace_id
    trace_id = await trace_of(cluster, await annotated(cluster))

    def reusing() -> list[ReceivedSpan]:
        return [span for span in traces.collector.trace(trace_id) if span.name == "run compute_embeddings"]

    (reused,) = await arrived(reusing)

    assert before in reused.linked
    assert trace_id not in reused.linked
    assert not chains(traces, trace_id, "run embeddings.batch"), "nothing was computed again"


async def test_a_redelivered_batch_goes_on_in_the_trace_of_its_request(
    cluster: LoadedCluster, traces: Traces, computed: list[ReceivedSpan]
) -> None:
    assert computed
    await forget_query_vectors(cluster)
    claimed = "SELECT count(*) FROM job_batch WHERE status = 'RUNNING' AND kind = 'embeddings.batch'"
    async with killed_while_writing(cluster, "embedder", table="sequence_embedding", claimed=claimed):
        job_id = await asyncio.to_thread(cluster.job.annotate, cluster.references)
        trace_id = await trace_of(cluster, job_id)
        # Any process publishes what is due. Had the one that is killed done it a moment before, that span died with it.
        await arrived(lambda: chains(traces, trace_id, MAIN_JOB[12]))
    await asyncio.to_thread(cluster.job.result, job_id)

    def gone_on() -> bool:
        trace = traces.collector.trace(trace_id)
        redelivered = [span for span in trace if span.attributes.get("protea.redelivered") is True]
        # The second try came with the first message, or with the one by which the reaper asked again.
        led_up = [chain[:4] for chain in chains(traces, trace_id, "run embeddings.batch")]
        return bool(redelivered) and led_up == [MAIN_JOB[10:14]]

    await arrived(gone_on)
    assert MAIN_JOB[0] in {span.name for span in traces.collector.trace(trace_id)}
    attempts = {s.attributes["protea.attempt"] for s in traces.collector.trace(trace_id) if s.name == MAIN_JOB[10]}

    assert attempts == {2}, "the first try's span died with its process"


async def test_every_log_line_about_a_job_has_its_trace(cluster: LoadedCluster) -> None:
    job = cluster.job
    payload = {"embedding_config_id": cluster.references.embedding_config_id, "accessions": ["NOBODY"]}
    job_id = await asyncio.to_thread(lambda: job.submit("compute_embeddings", **payload))
    await arrived(lambda: cluster.job.job(job_id)["status"] == "FAILED")
    trace_id = await trace_of(cluster, job_id)
    lines = [json.loads(line) for line in cluster.processes.log("embedder").splitlines() if line.startswith("{")]
    about = [line for line in lines if line.get("job_id") == job_id]

    assert [line["message"] for line in about] == ["work failed"]
    assert {line["trace_id"] for line in about} == {trace_id}


async def test_a_problem_tells_the_trace_in_which_it_can_be_found(cluster: LoadedCluster, traces: Traces) -> None:
    answer = await asyncio.to_thread(httpx.get, f"{cluster.processes.url}/v1/jobs/{uuid4()}")
    trace_id = answer.json()["trace_id"]

    await arrived(lambda: [span.name for span in traces.collector.trace(trace_id) if not span.parent_id])

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["traceresponse"].split("-")[1] == trace_id
    assert {s.name for s in traces.collector.trace(trace_id) if not s.parent_id} == {"GET /v1/jobs/{job_id}"}


def residues_in(received: bytes) -> set[str]:
    """Parts of the uploaded proteins that stand in some bytes."""
    sequences = [part.partition(b"\n")[2].replace(b"\n", b"") for part in reference_fasta().split(b">")[1:]]
    windows = {s[i : i + WINDOW] for s in sequences for i in range(len(s) - WINDOW + 1)}
    runs = re.findall(rb"[A-Z]{%d,}" % WINDOW, received)
    found = {run[i : i + WINDOW] for run in runs for i in range(len(run) - WINDOW + 1)}
    return {window.decode() for window in found & windows}


def test_no_residues_of_any_uploaded_protein_are_in_any_span(computed: list[ReceivedSpan], traces: Traces) -> None:
    received = traces.collector.everything()
    planted = reference_fasta().splitlines()[1][:30]

    assert computed
    assert residues_in(received) == set()
    assert residues_in(received + planted), "the search finds what there is to find"
