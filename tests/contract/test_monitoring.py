"""Rules, alerts and dashboards: valid by Prometheus' own tool, tested, explained, and only about what is exported."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from protea_common.telemetry import build_metric_registry, render_metrics

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yaml"))
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))

PROMETHEUS_OWN = {"up"}
"""Series that Prometheus makes itself."""

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    assert program is not None, "promtool is missing: sh tests/support/ensure_promtool.sh"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=MONITORING)


def rules() -> list[dict[str, Any]]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def generated() -> dict[str, str]:
    """Files as the generator would write them, by path."""
    return dict(runpy.run_path(str(MONITORING / "generate.py"))["documents"]())


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for path in DASHBOARDS:
        panels = json.loads(path.read_text())["panels"]
        yield from (target["expr"] for panel in panels for target in panel["targets"])


def exported() -> set[str]:
    """Names of all series of the registry that every service serves."""
    families = text_string_to_metric_families(render_metrics(build_metric_registry())[0].decode())
    return {f"{family.name}{suffix}" for family in families for suffix in SUFFIXES.get(family.type, ())}


def test_the_rules_are_valid() -> None:
    checked = promtool("check", "rules", *map(str, RULES))

    assert checked.returncode == 0, checked.stderr


def test_the_configuration_for_compose_is_valid_and_names_its_services() -> None:
    checked = promtool("check", "config", "prometheus.yaml")
    services = yaml.safe_load((ROOT / "deploy" / "compose" / "compose.yaml").read_text())["services"]
    (scraped,) = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())["scrape_configs"]
    targets = {target.partition(":")[0] for config in scraped["static_configs"] for target in config["targets"]}

    assert checked.returncode == 0, checked.stderr
    assert targets == set(services) - {"postgresql", "rabbitmq", "migrate"}


def test_every_alert_fires_and_stays_quiet_as_its_unit_tests_say() -> None:
    tested = promtool("test", "rules", "tests/rules.yaml")

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_a_rule_that_is_wrong_fails_its_unit_test(tmp_path: Path) -> None:
    shutil.copytree(MONITORING / "rules", tmp_path / "rules")
    shutil.copytree(MONITORING / "tests", tmp_path / "tests")
    text = (tmp_path / "rules" / "alerts.yaml").read_text()
    (tmp_path / "rules" / "alerts.yaml").write_text(
        text.replace("max(protea_outbox_oldest_seconds) > 60", "vector(0) > 1")
    )

    tested = promtool("test", "rules", str(tmp_path / "tests" / "rules.yaml"))

    assert tested.returncode != 0
    assert "ProteaOutboxStuck" in tested.stdout + tested.stderr


def test_every_alert_has_a_test_that_it_fires_and_one_that_it_stays_quiet() -> None:
    names = {test["name"] for test in yaml.safe_load((MONITORING / "tests" / "rules.yaml").read_text())["tests"]}

    assert alerts()
    assert {f"{alert} {what}" for alert in alerts() for what in ("fires", "stays quiet")} <= names


def test_every_alert_has_its_section_in_the_runbook_and_leads_there() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf8")
    sections = re.findall(r"^### (Protea\w+)$", runbook.partition("## Alerts")[2], flags=re.MULTILINE)

    assert sections == list(alerts())
    assert {name: rule["annotations"]["runbook"] for name, rule in alerts().items()} == {
        name: f"docs/runbook.md#{name.lower()}" for name in alerts()
    }
    assert {rule["labels"]["severity"] for rule in alerts().values()} <= {"critical", "warning"}


def test_rules_and_dashboards_ask_only_for_what_a_service_exports_or_a_rule_records() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for text in expressions() for name in re.findall(r"\b(?:protea[_:][a-z0-9_:]+|up)\b", text)}

    assert asked - exported() - recorded - PROMETHEUS_OWN == set()
    assert recorded <= asked | {"protea:device_busy:ratio5m"}, "a recorded series that nobody reads"


@pytest.mark.parametrize(
    "name", ["retries_total", "lease_expiries_total", "dead_letters_total", "outbox_oldest_seconds"]
)
def test_what_operators_ask_first_is_in_an_alert(name: str) -> None:
    assert any(f"protea_{name}" in rule["expr"] for rule in alerts().values())


def test_the_generated_files_are_those_of_the_generator() -> None:
    stale = [p for p, text in generated().items() if (MONITORING / p).read_text(encoding="utf8") != text]

    assert stale == [], "run `make monitoring` and commit what it writes"


def test_every_panel_has_a_title_of_its_own_a_place_and_a_question() -> None:
    for path in DASHBOARDS:
        panels = json.loads(path.read_text())["panels"]
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
        assert len({panel["title"] for panel in panels}) == len(panels) == len(set(places))
        assert all(panel["targets"] for panel in panels)
