"""What can be checked of the deployment without a cluster: manifests that build, fit their schemas and keep our rules.

``make k8s-check`` runs it as a program; the contract tests break manifests in memory to see each rule fail.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import isclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from protea_common.messaging.topology import embedding_pool_queue, protea_topology
from protea_common.settings import Settings, WorkerTuning
from protea_common.telemetry import resolve_telemetry_config
from protea_embedder.settings import EmbedderSettings
from protea_evaluator.settings import EvaluatorSettings
from protea_gateway.settings import GatewaySettings
from protea_ingest.settings import IngestSettings
from protea_predictor.settings import PredictorSettings

__all__ = [
    "COMPOSE_FILE",
    "GPU_DOCKERFILE",
    "OVERLAYS",
    "SERVICES",
    "Manifest",
    "build",
    "builds",
    "compose_problems",
    "dockerfile",
    "dockerfile_problems",
    "known_variables",
    "main",
    "problems",
]

ROOT: Final = Path(__file__).parents[2]
OVERLAYS: Final = ROOT / "deploy" / "k8s" / "overlays"
COMPOSE_FILE: Final = ROOT / "deploy" / "compose" / "compose.yaml"
GPU_DOCKERFILE: Final = "Dockerfile.gpu"
SERVICES: Final = ("gateway", "ingest", "embedder", "predictor", "evaluator")

KUBERNETES_VERSION: Final = "1.37"
"""Release whose schemas the manifests must fit; kubectl is pinned to the same one."""

SCHEMAS: Final = {
    "ScaledObject": "keda/scaledobject.schema.json",
    "TriggerAuthentication": "keda/triggerauthentication.schema.json",
    "ServiceMonitor": "prometheus_operator/servicemonitor.schema.json",
    "PrometheusRule": "prometheus_operator/prometheusrule.schema.json",
}
"""Kinds that Kubernetes does not know, and our schema of each below ``tests/data``; any other unknown kind fails."""

GPU: Final = "nvidia.com/gpu"
POOL_VARIABLE: Final = "PROTEA_EMBEDDER__POOL"
POOLS_VARIABLE: Final = "PROTEA_EMBEDDING_POOLS"
GRACE_VARIABLE: Final = "PROTEA_TUNING__WORKER__SHUTDOWN_GRACE"

Manifest: TypeAlias = dict[str, Any]
Rule: TypeAlias = Callable[[list[Manifest]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Pod:
    """The pods that one object makes.

    Attributes
    ----------
    owner
        Kind and name, for messages.
    app
        Label ``app.kubernetes.io/name`` of the pods.
    spec
        Their ``spec``.
    """

    owner: str
    app: str
    spec: dict[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Containers that start before the others, and the others."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def is_service(self) -> bool:
        """Whether it runs one of the five services, which are those that know the broker."""
        return any("PROTEA_AMQP_URL" in _inline(container) for container in self.containers)


def builds() -> list[Path]:
    """Folders of the overlays that are applied, each overlay's own and its migration's."""
    files = sorted(OVERLAYS.rglob("kustomization.yaml"))
    return [path.parent for path in files if yaml.safe_load(path.read_text("utf-8"))["kind"] == "Kustomization"]


def build(folder: Path) -> list[Manifest]:
    """Build a folder as ``kubectl apply -k`` would."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


def problems(objects: list[Manifest]) -> list[str]:
    """Everything that is wrong with the objects of one build, one line each; empty if nothing is."""
    return [problem for rule in RULES for problem in rule(objects)]


def fits_its_schema(objects: list[Manifest]) -> Iterator[str]:
    """Every field is one that the object's kind has."""
    for item in objects:
        found = _schema_problems(json.dumps(item))
        yield from (f"{_title(item)}: {problem}" for problem in found)


def has_requests_and_limits(objects: list[Manifest]) -> Iterator[str]:
    """Every container says what it needs and what it may take."""
    for pod in _pods(objects):
        for container in pod.containers:
            resources = container.get("resources", {})
            for side in ("requests", "limits"):
                missing = {"cpu", "memory"} - resources.get(side, {}).keys()
                if missing:
                    yield f"{pod.owner}: {container['name']} has no {side} of {', '.join(sorted(missing))}"


def has_its_own_account(objects: list[Manifest]) -> Iterator[str]:
    """Every app has a service account of its own, and no pod a token."""
    accounts = {item["metadata"]["name"] for item in _of_kind(objects, "ServiceAccount")}
    apps: dict[str, str] = {}
    for pod in _pods(objects):
        account = pod.spec.get("serviceAccountName", "default")
        if account == "default":
            yield f"{pod.owner}: runs under the default service account"
        elif account not in accounts:
            yield f"{pod.owner}: its service account {account} does not exist"
        elif apps.setdefault(account, pod.app) != pod.app:
            yield f"{pod.owner}: shares the service account {account} with {apps[account]}"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.owner}: mounts a token of its service account"


def pins_its_images(objects: list[Manifest]) -> Iterator[str]:
    """Every image has a tag that is not ``latest``."""
    for pod in _pods(objects):
        for container in pod.containers:
            yield from (f"{pod.owner}: {problem}" for problem in _image_problems(container["image"]))


def has_no_privileges(objects: list[Manifest]) -> Iterator[str]:
    """Pods are not root, write nothing but volumes, and may ask the kernel for nothing special."""
    for pod in _pods(objects):
        security = pod.spec.get("securityContext", {})
        if security.get("runAsNonRoot") is not True:
            yield f"{pod.owner}: may run as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{pod.owner}: has no seccomp profile RuntimeDefault"
        if "tmp" not in {volume["name"] for volume in pod.spec.get("volumes", []) if "emptyDir" in volume}:
            yield f"{pod.owner}: has no emptyDir for /tmp"
        for container in pod.containers:
            yield from (f"{pod.owner}: {container['name']} {problem}" for problem in _privileges(container))


def can_be_probed(objects: list[Manifest]) -> Iterator[str]:
    """Services are asked where they answer."""
    for pod in _pods(objects):
        for container in pod.containers if pod.is_service else []:
            for probe, path in PROBES.items():
                asked = container.get(probe, {}).get("httpGet", {}).get("path")
                if asked != path:
                    yield f"{pod.owner}: its {probe} asks {asked}, not {path}"


def drains_before_it_is_killed(objects: list[Manifest]) -> Iterator[str]:
    """A pod's grace is longer than what runs in it: the pause before SIGTERM and the service's own grace."""
    for pod in _pods(objects):
        if not pod.is_service:
            continue
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        for container in pod.containers:
            own = _shutdown_grace(container, objects)
            pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            if grace <= own + pause:
                yield f"{pod.owner}: is killed after {grace} s, but drains for {own + pause:g} s"


def scales_on_real_queues(objects: list[Manifest]) -> Iterator[str]:
    """Autoscalers look at queues that exist, count work in hand, and own the number of pods."""
    deployments = {item["metadata"]["name"]: item for item in _of_kind(objects, "Deployment")}
    for item in _of_kind(objects, "ScaledObject"):
        target = item["spec"]["scaleTargetRef"]["name"]
        if target not in deployments:
            yield f"{_title(item)}: its target {target} does not exist"
        elif "replicas" in deployments[target]["spec"]:
            yield f"{_title(item)}: an apply would reset the pods of {target} to its replicas"
        for trigger in item["spec"]["triggers"]:
            yield from (f"{_title(item)}: {problem}" for problem in _trigger_problems(trigger, objects))


def serves_every_pool(objects: list[Manifest]) -> Iterator[str]:
    """Each pool of models has workers, scaled on its own queue, and no workers serve an unknown pool."""
    pools: set[str] = _pools(objects)
    served: set[str] = set()
    queues = {
        (item["spec"]["scaleTargetRef"]["name"], trigger["metadata"].get("queueName"))
        for item in _of_kind(objects, "ScaledObject")
        for trigger in item["spec"]["triggers"]
    }
    for pod in _pods(objects):
        for pool in filter(None, (_inline(container).get(POOL_VARIABLE) for container in pod.containers)):
            served.add(pool)
            if pool not in pools:
                yield f"{pod.owner}: serves the pool {pool}, which {POOLS_VARIABLE} does not name"
            if (pod.owner.removeprefix("Deployment "), embedding_pool_queue(pool)) not in queues:
                yield f"{pod.owner}: is not scaled on the queue of its pool {pool}"
    yield from (f"no workers serve the pool {pool}" for pool in sorted(pools - served))


def takes_one_gpu(objects: list[Manifest]) -> Iterator[str]:
    """A pod that computes on a GPU asks for one, and only on nodes that have some."""
    for pod in _pods(objects):
        for container in pod.containers:
            wants = _inline(container).get("PROTEA_EMBEDDER__DEVICE") == "cuda"
            given = container.get("resources", {}).get("limits", {}).get(GPU, "0")
            if str(given) != str(int(wants)):
                yield f"{pod.owner}: has {given} GPUs where it needs {int(wants)}"
            if wants and not (pod.spec.get("nodeSelector") and _tolerates(pod, GPU)):
                yield f"{pod.owner}: is not sent to nodes with GPUs"


def spreads_over_nodes(objects: list[Manifest]) -> Iterator[str]:
    """Pods of a service do not all end with one node."""
    for pod in _pods(objects):
        keys = {constraint["topologyKey"] for constraint in pod.spec.get("topologySpreadConstraints", [])}
        if pod.is_service and "kubernetes.io/hostname" not in keys:
            yield f"{pod.owner}: its pods may all be on one node"


def has_one_disruption_budget(objects: list[Manifest]) -> Iterator[str]:
    """Deployments of several pods have a budget, and no pod two: Kubernetes would not evict it at all."""
    budgets = [item["spec"]["selector"]["matchLabels"] for item in _of_kind(objects, "PodDisruptionBudget")]
    for item in _of_kind(objects, "Deployment"):
        labels = item["spec"]["template"]["metadata"]["labels"]
        number = sum(budget.items() <= labels.items() for budget in budgets)
        if number > 1 or (number == 0 and item["spec"].get("replicas") != 1):
            yield f"{_title(item)}: has {number} disruption budgets"


def sets_what_exists(objects: list[Manifest]) -> Iterator[str]:
    """Every PROTEA variable is a setting."""
    for where, name, _value in _variables(objects):
        if name.startswith("PROTEA_") and name not in known_variables():
            yield f"{where}: {name} is no setting"


def refers_to_secrets(objects: list[Manifest]) -> Iterator[str]:
    """No password stands in a manifest."""
    yield from (f"{_title(item)}: a secret does not belong here" for item in _of_kind(objects, "Secret"))
    for where, name, value in _variables(objects):
        if value is not None and (SECRET_NAME.search(name) or SECRET_VALUE.search(value)):
            yield f"{where}: {name} is a secret in plain text"


def refers_to_what_exists(objects: list[Manifest]) -> Iterator[str]:
    """Settings and claims that pods name are there."""
    there = {(item["kind"], item["metadata"]["name"]) for item in objects}
    for pod in _pods(objects):
        for kind, name in _needs(pod):
            if (kind, name) not in there:
                yield f"{pod.owner}: {kind} {name} does not exist"


def denies_by_default(objects: list[Manifest]) -> Iterator[str]:
    """One policy forbids everything to every pod, so that each other one is a permission."""
    everything = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    if everything not in [item["spec"] for item in _of_kind(objects, "NetworkPolicy")]:
        yield "no network policy denies everything"


RULES: Final[tuple[Rule, ...]] = (
    fits_its_schema,
    has_requests_and_limits,
    has_its_own_account,
    pins_its_images,
    has_no_privileges,
    can_be_probed,
    drains_before_it_is_killed,
    scales_on_real_queues,
    serves_every_pool,
    takes_one_gpu,
    spreads_over_nodes,
    has_one_disruption_budget,
    sets_what_exists,
    refers_to_secrets,
    refers_to_what_exists,
    denies_by_default,
)

PROBES: Final = {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/health/ready"}
SECRET_NAME: Final = re.compile(
    r"(?i)password|passwd|_pass$|secret|token|_key$|^PROTEA_(DB|AMQP)_URL$|^(host|connection)$"
)
SECRET_VALUE: Final = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


@cache
def known_variables() -> frozenset[str]:
    """Names of all variables that the services read: the settings, each service's own, and those of traces."""
    asked = _Asked()
    resolve_telemetry_config(asked)
    services = (EmbedderSettings, EvaluatorSettings, GatewaySettings, IngestSettings, PredictorSettings)
    own = [name for cls in services for name in _names_of(cls, f"PROTEA_{cls.section.upper()}__")]
    return frozenset([*_names_of(Settings, "PROTEA_"), *own, *asked.names])


def compose_problems(compose: Mapping[str, Any]) -> list[str]:
    """What is wrong with the compose file: images, limits, time to drain, settings."""
    return [f"{name}: {problem}" for name, s in compose["services"].items() for problem in _compose_service(s)]


def dockerfile(service: str, name: str = "Dockerfile") -> str:
    """Text of a service's Dockerfile."""
    return (ROOT / "services" / service / name).read_text("utf-8")


def dockerfile_problems(service: str, text: str) -> list[str]:
    """What is wrong with a service's Dockerfile: images, user, extras, program."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = [problem for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE) for problem in _image_problems(image)]
    users = re.findall(r"^USER (\d+)", text, re.MULTILINE)
    if not users or users[-1] == "0":
        found.append("runs as root")
    extras = [extra for group in re.findall(r'"\.\[([\w,-]+)\]"', text) for extra in group.split(",")]
    if service not in extras or not set(extras) <= project["optional-dependencies"].keys():
        found.append(f"installs {extras}")
    if f'CMD ["protea-{service}"]' not in text or f"protea-{service}" not in project["scripts"]:
        found.append(f"does not start protea-{service}")
    return found


def main() -> int:
    """Check everything and tell; the exit code is 1 if anything is wrong."""
    total, wrong = 0, 0
    for folder in builds():
        objects = build(folder)
        total += len(objects)
        wrong += _tell(f"overlay {folder.relative_to(OVERLAYS)}, {len(objects)} objects", problems(objects))
    wrong += _tell("compose", compose_problems(yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))))
    for service, name in (*((service, "Dockerfile") for service in SERVICES), ("embedder", GPU_DOCKERFILE)):
        wrong += _tell(f"{name} of {service}", dockerfile_problems(service, dockerfile(service, name)))
    overlays = len({folder.relative_to(OVERLAYS).parts[0] for folder in builds()})
    sys.stdout.write(f"k8s-check: {total} objects in {overlays} overlays ({len(builds())} builds), {wrong} problems\n")
    return 1 if wrong else 0


def _tell(what: str, found: list[str]) -> int:
    sys.stdout.write(f"{what}: {'ok' if not found else f'{len(found)} problems'}\n")
    sys.stdout.writelines(f"  {problem}\n" for problem in found)
    return len(found)


class _Asked(Mapping[str, str]):
    """An empty environment that remembers which variables it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _names_of(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            yield from _names_of(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


@cache
def _schema_problems(text: str) -> tuple[str, ...]:
    """What does not fit in an object's JSON; kept, since overlays share most of their objects."""
    item = json.loads(text)
    if item["kind"] in SCHEMAS:
        return tuple(error.message for error in _own_schema(item["kind"]).iter_errors(item))
    try:
        kubernetes_validate.validate(item, KUBERNETES_VERSION, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return (f"unknown kind {item['apiVersion']} {item['kind']}",)
    except kubernetes_validate.ValidationError as error:
        return (error.message,)
    return ()


@cache
def _own_schema(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "tests" / "data" / SCHEMAS[kind]).read_text("utf-8")))


def _title(item: Manifest) -> str:
    return f"{item['kind']} {item['metadata']['name']}"


def _of_kind(objects: Iterable[Manifest], kind: str) -> Iterator[Manifest]:
    return (item for item in objects if item["kind"] == kind)


def _pods(objects: Iterable[Manifest]) -> Iterator[Pod]:
    for item in objects:
        template = item.get("spec", {}).get("template")
        if template is not None:
            yield Pod(_title(item), template["metadata"]["labels"]["app.kubernetes.io/name"], template["spec"])


def _needs(pod: Pod) -> Iterator[tuple[str, str]]:
    """Kind and name of what a pod cannot start without; Secrets are made elsewhere."""
    for container in pod.containers:
        yield from (("ConfigMap", source["configMapRef"]["name"]) for source in container.get("envFrom", []))
    for volume in pod.spec["volumes"]:
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def _inline(container: Mapping[str, Any]) -> dict[str, str | None]:
    """Variables that a container sets itself; a value from elsewhere is ``None``."""
    return {variable["name"]: variable.get("value") for variable in container.get("env", [])}


def _variables(objects: list[Manifest]) -> Iterator[tuple[str, str, str | None]]:
    """Where, name and value of all that configures a pod or a trigger."""
    for pod in _pods(objects):
        yield from ((pod.owner, name, value) for c in pod.containers for name, value in _inline(c).items())
    for item in _of_kind(objects, "ConfigMap"):
        yield from ((_title(item), name, value) for name, value in item["data"].items())
    for item in _of_kind(objects, "ScaledObject"):
        for trigger in item["spec"]["triggers"]:
            yield from ((_title(item), name, value) for name, value in trigger["metadata"].items())


def _pools(objects: list[Manifest]) -> set[str]:
    """Pools of embedder workers that the common settings name."""
    given = [item["data"][POOLS_VARIABLE] for item in _of_kind(objects, "ConfigMap") if POOLS_VARIABLE in item["data"]]
    return {pool for text in given for pool in json.loads(text)}


def _tolerates(pod: Pod, taint: str) -> bool:
    return any(toleration.get("key") == taint for toleration in pod.spec.get("tolerations", []))


def _shutdown_grace(container: Mapping[str, Any], objects: list[Manifest]) -> float:
    """Seconds that the service in a container takes to drain."""
    named = {source["configMapRef"]["name"] for source in container.get("envFrom", [])}
    given = {GRACE_VARIABLE: str(WorkerTuning().shutdown_grace.total_seconds())}
    for item in _of_kind(objects, "ConfigMap"):
        given |= item["data"] if item["metadata"]["name"] in named else {}
    given |= {name: value for name, value in _inline(container).items() if value is not None}
    return float(given[GRACE_VARIABLE])


def _image_problems(image: str) -> Iterator[str]:
    if "@sha256:" in image:
        return
    _, found, tag = image.rpartition("/")[2].partition(":")
    if not found or tag == "latest":
        yield f"the image {image} is not pinned"


def _privileges(container: Mapping[str, Any]) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("readOnlyRootFilesystem") is not True:
        yield "can write to its root"
    if security.get("allowPrivilegeEscalation") is not False or security.get("privileged"):
        yield "can gain privileges"
    if security.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if {"name": "tmp", "mountPath": "/tmp"} not in container.get("volumeMounts", []):  # noqa: S108 - where it must be
        yield "has no /tmp"


def _trigger_problems(trigger: Mapping[str, Any], objects: list[Manifest]) -> Iterator[str]:
    there = {item["metadata"]["name"] for item in _of_kind(objects, "TriggerAuthentication")}
    reference = trigger.get("authenticationRef", {}).get("name")
    if reference not in there:
        yield f"its TriggerAuthentication {reference} does not exist"
    if trigger["type"] != "rabbitmq":
        return
    metadata = trigger["metadata"]
    if metadata["queueName"] not in {
        queue.name for queue in protea_topology({}, embedding_pools=_pools(objects)).queues
    }:
        yield f"there is no queue {metadata['queueName']}"
    if metadata.get("protocol") != "http" or metadata.get("excludeUnacknowledged") != "false":
        yield "does not count the batches in work, which needs the HTTP protocol"


def _compose_service(service: Mapping[str, Any]) -> Iterator[str]:
    yield from _image_problems(service["image"])
    if "mem_limit" not in service:
        yield "has no mem_limit"
    variables = service.get("environment", {})
    yield from (f"{v} is no setting" for v in variables if v.startswith("PROTEA_") and v not in known_variables())
    if GRACE_VARIABLE in variables:
        grace = float(service.get("stop_grace_period", "10s").removesuffix("s"))
        if grace <= float(variables[GRACE_VARIABLE]):
            yield f"is killed after {grace:g} s, but drains for {variables[GRACE_VARIABLE]} s"


if __name__ == "__main__":
    sys.exit(main())
