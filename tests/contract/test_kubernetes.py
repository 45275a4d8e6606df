"""The manifests keep their rules, and each rule notices a manifest that breaks it."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from protea_common.events import EVENT_TYPES
from protea_common.settings import ApiLimits, EmbeddingPools
from protea_embedder.domain.pools import choose_pool
from support import kubernetes
from support.kubernetes import COMPOSE_FILE, OVERLAYS, SERVICES, Manifest

WORKER = "protea-embedder-worker"
POOL = "protea-embedder-pool-large"
POOLS = ("small", "medium", "large")
ALL_PODS = (
    "protea-gateway",
    "protea-ingest",
    "protea-embedder-coordinator",
    "protea-embedder-worker",
    "protea-predictor-coordinator",
    "protea-predictor-worker",
    "protea-evaluator",
)


@pytest.fixture(scope="module")
def built() -> list[Manifest]:
    return kubernetes.build(OVERLAYS / "production-gpu")


@pytest.fixture
def objects(built: list[Manifest]) -> list[Manifest]:
    """The production overlay on GPU nodes, to be broken."""
    return copy.deepcopy(built)


def find(objects: list[Manifest], kind: str, name: str) -> Manifest:
    return next(item for item in objects if item["kind"] == kind and item["metadata"]["name"].startswith(name))


def pod(objects: list[Manifest], name: str = WORKER) -> dict[str, Any]:
    spec: dict[str, Any] = find(objects, "Deployment", name)["spec"]["template"]["spec"]
    return spec


def container(objects: list[Manifest], name: str = WORKER) -> dict[str, Any]:
    first: dict[str, Any] = pod(objects, name)["containers"][0]
    return first


def find_variable(container: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(variable for variable in container["env"] if variable["name"] == name)
    return found


def names_of_variables(container: dict[str, Any]) -> set[str]:
    return {variable["name"] for variable in container["env"]}


def queue_trigger(objects: list[Manifest]) -> dict[str, Any]:
    triggers = find(objects, "ScaledObject", WORKER)["spec"]["triggers"]
    trigger: dict[str, Any] = next(trigger for trigger in triggers if trigger["type"] == "rabbitmq")
    return trigger


def test_every_overlay_keeps_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert kubernetes.main() == 0

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith("objects in 4 overlays (8 builds), 0 problems")


def test_the_schemas_of_ours_are_valid() -> None:
    for path in kubernetes.SCHEMAS.values():
        Draft202012Validator.check_schema(yaml.safe_load((COMPOSE_FILE.parents[2] / "tests/data" / path).read_text()))


def misspell_a_field(objects: list[Manifest]) -> None:
    container(objects)["readinesProbe"] = {}


def misspell_a_field_of_keda(objects: list[Manifest]) -> None:
    find(objects, "ScaledObject", WORKER)["spec"]["maxReplicas"] = 3


def misspell_a_parameter_of_a_trigger(objects: list[Manifest]) -> None:
    queue_trigger(objects)["metadata"]["queueLength"] = "4"


def add_an_unknown_kind(objects: list[Manifest]) -> None:
    objects.append({"apiVersion": "example.org/v1", "kind": "Wish", "metadata": {"name": "gpu"}})


def forget_the_memory_limit(objects: list[Manifest]) -> None:
    del container(objects)["resources"]["limits"]["memory"]


def use_the_default_account(objects: list[Manifest]) -> None:
    del pod(objects)["serviceAccountName"]


def use_the_account_of_another(objects: list[Manifest]) -> None:
    pod(objects)["serviceAccountName"] = "protea-gateway"


def mount_a_token(objects: list[Manifest]) -> None:
    del pod(objects)["automountServiceAccountToken"]


def take_the_latest_image(objects: list[Manifest]) -> None:
    container(objects)["image"] = "images.example.org:5000/protea-embedder:latest"


def take_an_image_without_a_tag(objects: list[Manifest]) -> None:
    container(objects)["image"] = "images.example.org:5000/protea-embedder"


def run_as_root(objects: list[Manifest]) -> None:
    pod(objects)["securityContext"]["runAsNonRoot"] = False


def forget_seccomp(objects: list[Manifest]) -> None:
    del pod(objects)["securityContext"]["seccompProfile"]


def keep_a_capability(objects: list[Manifest]) -> None:
    container(objects)["securityContext"]["capabilities"]["add"] = ["NET_RAW"]


def write_to_the_root(objects: list[Manifest]) -> None:
    container(objects)["securityContext"]["readOnlyRootFilesystem"] = False


def forget_tmp(objects: list[Manifest]) -> None:
    container(objects)["volumeMounts"] = [m for m in container(objects)["volumeMounts"] if m["name"] != "tmp"]


def probe_the_wrong_path(objects: list[Manifest]) -> None:
    container(objects)["readinessProbe"]["httpGet"]["path"] = "/ready"


def kill_before_the_drain_ends(objects: list[Manifest]) -> None:
    pod(objects)["terminationGracePeriodSeconds"] = 120


def kill_at_the_default_of_kubernetes(objects: list[Manifest]) -> None:
    del pod(objects)["terminationGracePeriodSeconds"]


def drain_for_longer(objects: list[Manifest]) -> None:
    find(objects, "ConfigMap", "protea-settings")["data"][kubernetes.GRACE_VARIABLE] = "300"


def pause_for_longer(objects: list[Manifest]) -> None:
    container(objects, "protea-gateway")["lifecycle"]["preStop"]["sleep"]["seconds"] = 45


def scale_on_a_queue_of_no_pool(objects: list[Manifest]) -> None:
    queue_trigger(objects)["metadata"]["queueName"] = "protea.embeddings.batch.huge"


def scale_a_pool_on_the_queue_of_another(objects: list[Manifest]) -> None:
    scaler = find(objects, "ScaledObject", POOL)
    scaler["spec"]["triggers"][0]["metadata"]["queueName"] = "protea.embeddings.batch.small"


def serve_a_pool_that_is_none(objects: list[Manifest]) -> None:
    find_variable(container(objects, POOL), "PROTEA_EMBEDDER__POOL")["value"] = "huge"


def leave_a_pool_without_workers(objects: list[Manifest]) -> None:
    objects.remove(find(objects, "Deployment", POOL))


def take_two_gpus(objects: list[Manifest]) -> None:
    container(objects, POOL)["resources"]["limits"]["nvidia.com/gpu"] = "2"


def take_a_gpu_and_leave_it_idle(objects: list[Manifest]) -> None:
    find_variable(container(objects, POOL), "PROTEA_EMBEDDER__DEVICE")["value"] = "cpu"


def forget_the_toleration(objects: list[Manifest]) -> None:
    del pod(objects, POOL)["tolerations"]


def put_all_pods_on_one_node(objects: list[Manifest]) -> None:
    del pod(objects)["topologySpreadConstraints"]


def forget_the_budget(objects: list[Manifest]) -> None:
    objects.remove(find(objects, "PodDisruptionBudget", POOL))


def count_a_pod_in_two_budgets(objects: list[Manifest]) -> None:
    find(objects, "PodDisruptionBudget", WORKER)["spec"]["selector"]["matchLabels"].pop("app.kubernetes.io/component")


def scale_on_ready_messages_only(objects: list[Manifest]) -> None:
    queue_trigger(objects)["metadata"]["excludeUnacknowledged"] = "true"


def count_over_amqp(objects: list[Manifest]) -> None:
    queue_trigger(objects)["metadata"]["protocol"] = "amqp"


def scale_what_is_not_there(objects: list[Manifest]) -> None:
    find(objects, "ScaledObject", WORKER)["spec"]["scaleTargetRef"]["name"] = "protea-embedder"


def fix_the_number_of_pods(objects: list[Manifest]) -> None:
    find(objects, "Deployment", WORKER)["spec"]["replicas"] = 2


def authenticate_with_nothing(objects: list[Manifest]) -> None:
    objects.remove(find(objects, "TriggerAuthentication", "protea-rabbitmq"))


def set_what_is_no_setting(objects: list[Manifest]) -> None:
    container(objects)["env"].append({"name": "PROTEA_EMBEDDER__DEVISE", "value": "cuda"})


def set_what_is_no_setting_for_all(objects: list[Manifest]) -> None:
    find(objects, "ConfigMap", "protea-settings")["data"]["PROTEA_HTTP_PORT"] = "8000"


def write_a_password_into_an_address(objects: list[Manifest]) -> None:
    data = find(objects, "ConfigMap", "protea-settings")["data"]
    data["PROTEA_OTEL_ENDPOINT"] = "http://protea:hunter2@collector:4318"


def write_the_database_address(objects: list[Manifest]) -> None:
    find_variable(container(objects), "PROTEA_DB_URL")["value"] = "postgresql://db/protea"


def write_the_management_address(objects: list[Manifest]) -> None:
    queue_trigger(objects)["metadata"]["host"] = "http://broker:15672/"


def commit_a_secret(objects: list[Manifest]) -> None:
    objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "protea-connections"}})


def lose_the_settings(objects: list[Manifest]) -> None:
    objects.remove(find(objects, "ConfigMap", "protea-settings"))


def claim_what_is_not_there(objects: list[Manifest]) -> None:
    pod(objects)["volumes"].append({"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}})


def allow_by_default(objects: list[Manifest]) -> None:
    find(objects, "NetworkPolicy", "deny-all")["spec"]["policyTypes"] = ["Ingress"]


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (misspell_a_field, "'readinesProbe' was unexpected"),
        (misspell_a_field_of_keda, "'maxReplicas' was unexpected"),
        (misspell_a_parameter_of_a_trigger, "'queueLength' was unexpected"),
        (add_an_unknown_kind, "unknown kind example.org/v1 Wish"),
        (forget_the_memory_limit, "no limits of memory"),
        (use_the_default_account, "default service account"),
        (use_the_account_of_another, "shares the service account protea-gateway"),
        (mount_a_token, "mounts a token"),
        (take_the_latest_image, "protea-embedder:latest is not pinned"),
        (take_an_image_without_a_tag, "protea-embedder is not pinned"),
        (run_as_root, "may run as root"),
        (forget_seccomp, "no seccomp profile"),
        (keep_a_capability, "keeps capabilities"),
        (write_to_the_root, "can write to its root"),
        (forget_tmp, "has no /tmp"),
        (probe_the_wrong_path, "asks /ready, not /health/ready"),
        (kill_before_the_drain_ends, "is killed after 120 s, but drains for 120 s"),
        (kill_at_the_default_of_kubernetes, "is killed after 30 s"),
        (drain_for_longer, "is killed after 150 s, but drains for 300 s"),
        (pause_for_longer, "is killed after 150 s, but drains for 165 s"),
        (scale_on_a_queue_of_no_pool, "there is no queue protea.embeddings.batch.huge"),
        (scale_a_pool_on_the_queue_of_another, "not scaled on the queue of its pool large"),
        (serve_a_pool_that_is_none, "serves the pool huge, which PROTEA_EMBEDDING_POOLS does not name"),
        (leave_a_pool_without_workers, "no workers serve the pool large"),
        (take_two_gpus, "has 2 GPUs where it needs 1"),
        (take_a_gpu_and_leave_it_idle, "has 1 GPUs where it needs 0"),
        (forget_the_toleration, "is not sent to nodes with GPUs"),
        (put_all_pods_on_one_node, "may all be on one node"),
        (forget_the_budget, "has 0 disruption budgets"),
        (count_a_pod_in_two_budgets, "has 2 disruption budgets"),
        (scale_on_ready_messages_only, "does not count the batches in work"),
        (count_over_amqp, "does not count the batches in work"),
        (scale_what_is_not_there, "its target protea-embedder does not exist"),
        (fix_the_number_of_pods, "would reset the pods"),
        (authenticate_with_nothing, "TriggerAuthentication protea-rabbitmq does not exist"),
        (set_what_is_no_setting, "PROTEA_EMBEDDER__DEVISE is no setting"),
        (set_what_is_no_setting_for_all, "PROTEA_HTTP_PORT is no setting"),
        (write_a_password_into_an_address, "PROTEA_OTEL_ENDPOINT is a secret"),
        (write_the_database_address, "PROTEA_DB_URL is a secret"),
        (write_the_management_address, "host is a secret"),
        (commit_a_secret, "a secret does not belong here"),
        (lose_the_settings, "ConfigMap protea-settings"),
        (claim_what_is_not_there, "PersistentVolumeClaim weights does not exist"),
        (allow_by_default, "no network policy denies everything"),
    ],
)
def test_a_broken_manifest_is_noticed(
    objects: list[Manifest], break_it: Callable[[list[Manifest]], None], problem: str
) -> None:
    break_it(objects)

    assert any(problem in found for found in kubernetes.problems(objects)), kubernetes.problems(objects)


def test_a_variable_of_traces_and_one_of_a_service_are_known() -> None:
    assert {"PROTEA_OTEL_ENDPOINT", "PROTEA_GATEWAY__AUTHENTICATION", "PROTEA_DB_URL"} <= kubernetes.known_variables()


@pytest.mark.parametrize("name", POOLS)
def test_a_gpu_pod_takes_one_gpu_and_reads_shared_weights(objects: list[Manifest], name: str) -> None:
    deployment = f"protea-embedder-pool-{name}"
    mounts = {mount["name"]: mount for mount in container(objects, deployment)["volumeMounts"]}

    assert container(objects, deployment)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container(objects, deployment)["image"].rpartition("/")[2] == "protea-embedder-gpu:0.1.0"
    assert pod(objects, deployment)["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert mounts["weights"]["readOnly"] is True
    weights = find_variable(container(objects, deployment), "PROTEA_EMBEDDER__WEIGHTS_DIR")["value"]
    assert mounts["weights"]["mountPath"] == weights


@pytest.mark.parametrize(
    ("parameters", "pool"),
    [(None, None), (8_000_000, "small"), (650_000_000, "medium"), (3_000_000_000, "large")],
)
def test_models_go_to_the_pool_of_their_size(built: list[Manifest], parameters: int | None, pool: str | None) -> None:
    data = find(built, "ConfigMap", "protea-settings")["data"]
    pools = TypeAdapter(EmbeddingPools).validate_json(data["PROTEA_EMBEDDING_POOLS"])

    assert set(pools) == set(POOLS)
    assert choose_pool(parameters, pools) == pool


def test_the_gateway_has_room_for_an_upload(built: list[Manifest]) -> None:
    volumes = {volume["name"]: volume for volume in pod(built, "protea-gateway")["volumes"]}

    assert int(volumes["tmp"]["emptyDir"]["sizeLimit"].removesuffix("Gi")) * 1024**3 > ApiLimits().max_upload_bytes


def test_only_workers_scale_to_zero_and_coordinators_stay(objects: list[Manifest]) -> None:
    scaled = {o["spec"]["scaleTargetRef"]["name"] for o in objects if o["kind"] == "ScaledObject"}

    pools = {f"protea-embedder-pool-{name}" for name in POOLS}
    assert scaled == {"protea-embedder-worker", "protea-predictor-worker"} | pools
    assert find(objects, "Deployment", "protea-embedder-coordinator")["spec"]["replicas"] == 1
    assert container(objects, "protea-embedder-coordinator")["command"][1:] == ["--role", "coordinator"]


def test_pods_that_may_be_several_have_a_disruption_budget(objects: list[Manifest]) -> None:
    budgets = [item["spec"]["selector"]["matchLabels"] for item in objects if item["kind"] == "PodDisruptionBudget"]
    several = [o for o in objects if o["kind"] == "Deployment" and o["spec"].get("replicas") != 1]

    assert len(several) == 6
    assert [o["metadata"]["name"] for o in several if o["spec"]["selector"]["matchLabels"] not in budgets] == []


@pytest.fixture
def recorded_kubectl(tmp_path: Path) -> Path:
    """A program that writes down what it is asked, builds as kubectl does, and fails to wait if told so."""
    program = tmp_path / "kubectl"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$1" >> "{tmp_path}/asked"\n'
        f'[ "$1" = kustomize ] && exec "{Path(sys.executable).with_name("kubectl")}" "$@"\n'
        f'[ "$1" != wait ] || [ ! -e "{tmp_path}/migration-fails" ]\n'
    )
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("fails", "asked"),
    [
        (False, ["kustomize", "delete", "apply", "wait", "apply", "rollout"]),
        (True, ["kustomize", "delete", "apply", "wait"]),
    ],
)
def test_a_release_applies_the_services_only_after_the_migration(
    recorded_kubectl: Path, asked: list[str], *, fails: bool
) -> None:
    if fails:
        (recorded_kubectl / "migration-fails").touch()

    done = subprocess.run(
        ["sh", OVERLAYS.parent / "release.sh", "production"],
        env={"PATH": f"{recorded_kubectl}:{os.environ['PATH']}"},
        check=False,
    )

    assert (recorded_kubectl / "asked").read_text().split() == asked
    assert (done.returncode != 0) is fails


def test_artifacts_lie_in_a_folder_that_all_services_see_or_in_a_bucket(objects: list[Manifest]) -> None:
    staging = kubernetes.build(OVERLAYS / "staging")
    claim = {"name": "artifacts", "persistentVolumeClaim": {"claimName": "protea-artifacts"}}

    assert find(staging, "PersistentVolumeClaim", "protea-artifacts")["spec"]["accessModes"] == ["ReadWriteMany"]
    assert all(claim in pod(staging, name)["volumes"] for name in ALL_PODS)
    claims = [item["metadata"]["name"] for item in objects if item["kind"] == "PersistentVolumeClaim"]
    assert claims == ["protea-model-weights"]
    assert not any(claim in pod(objects, name)["volumes"] for name in ALL_PODS)
    assert all("PROTEA_S3_SECRET_KEY" in names_of_variables(container(objects, name)) for name in ALL_PODS)


@pytest.mark.parametrize(
    ("name", "field", "value", "problem"),
    [
        ("gateway", "image", "protea-gateway:latest", "gateway: the image protea-gateway:latest is not pinned"),
        ("gateway", "stop_grace_period", "60s", "gateway: is killed after 60 s, but drains for 120 s"),
        ("ingest", "environment", {"PROTEA_HTTPS": "1"}, "ingest: PROTEA_HTTPS is no setting"),
    ],
)
def test_a_broken_compose_file_is_noticed(name: str, field: str, value: object, problem: str) -> None:
    compose = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))

    compose["services"][name][field] = value

    assert kubernetes.compose_problems(compose) == [problem]


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("FROM python:3.11.14-slim-bookworm\n", "FROM python\n", "the image python is not pinned"),
        ("USER 10001:10001", "USER 0:0", "runs as root"),
        ('".[ingest,s3]"', '".[everything]"', "installs ['everything']"),
        ("protea-ingest", "protea-injest", "does not start protea-ingest"),
    ],
)
def test_a_broken_dockerfile_is_noticed(right: str, wrong: str, problem: str) -> None:
    text = kubernetes.dockerfile("ingest")
    assert right in text

    assert kubernetes.dockerfile_problems("ingest", text.replace(right, wrong)) == [problem]


def test_an_image_has_no_extra_of_another_service() -> None:
    foreign = [(s, t) for s in SERVICES for t in SERVICES if s != t and f"[{t}" in kubernetes.dockerfile(s)]

    assert foreign == []


def test_the_image_for_gpus_has_torch_on_cuda() -> None:
    text = kubernetes.dockerfile("embedder", kubernetes.GPU_DOCKERFILE)

    assert all(base.startswith("nvidia/cuda:") for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
    assert '".[embedder,embedder-torch,s3]"' in text
    assert kubernetes.dockerfile_problems("embedder", text.replace("USER 10001:10001", "USER 0")) == ["runs as root"]


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(migrated_database_url.replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


async def add_batches(
    database: asyncpg.Connection, queue: str, *, status: str = "PENDING", age_seconds: int, number: int
) -> None:
    """A running job with batches of one age for a queue."""
    parts = re.fullmatch(r"protea\.(\w+\.batch)\.?(\w+)?", queue)
    assert parts is not None
    kind, pool = parts.groups()
    await database.execute(
        """
        WITH job AS (
            INSERT INTO job (id, operation, queue_name, status)
            VALUES (gen_random_uuid(), 'an_operation', 'a.queue', 'RUNNING') RETURNING id
        )
        INSERT INTO job_batch (job_id, batch_index, kind, status, created_at, request)
        SELECT job.id, batch_index, $1, $2::batch_status, now() - $3::int * interval '1 second',
            jsonb_build_object('pool', $5::text)
        FROM job, generate_series(1, $4::int) AS batch_index
        """,
        kind,
        status,
        age_seconds,
        number,
        pool,
    )


@pytest.mark.parametrize(
    "name", [WORKER, "protea-predictor-worker", "protea-embedder-pool-small", "protea-embedder-pool-large"]
)
async def test_the_autoscaler_asks_for_pods_by_age_and_never_for_more_than_there_are_batches(
    built: list[Manifest], database: asyncpg.Connection, name: str
) -> None:
    queue, *_, table = (trigger["metadata"] for trigger in find(built, "ScaledObject", name)["spec"]["triggers"])
    own, a_pod = queue["queueName"], int(table["targetQueryValue"])
    assert f"{own.removeprefix('protea.').partition('.batch')[0]}.batch.requested" in EVENT_TYPES

    await add_batches(database, own, status="DONE", age_seconds=100 * a_pod, number=2)
    for other in ("protea.other.batch", "protea.embeddings.batch.medium"):
        await add_batches(database, other, age_seconds=100 * a_pod, number=2)
    assert await database.fetchval(table["query"]) == 0

    await add_batches(database, own, age_seconds=2 * a_pod, number=5)
    assert await database.fetchval(table["query"]) == pytest.approx(2 * a_pod, abs=30)

    await add_batches(database, own, status="RUNNING", age_seconds=100 * a_pod, number=1)
    assert await database.fetchval(table["query"]) == 6 * a_pod

    await database.execute("UPDATE job SET status = 'CANCELLED'")
    assert await database.fetchval(table["query"]) == 0
