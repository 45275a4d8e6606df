"""Writes the Grafana dashboards and the operator's PrometheusRule: ``make monitoring``; a test compares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["documents", "main"]

FOLDER: Final = Path(__file__).parent

SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph: its title, Grafana's name of its unit, and what it draws, each with the legend of its lines."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]


PLATFORM: Final = (
    Panel("Oldest unfinished work", "s", (("protea:queue_oldest_open_seconds:max", "{{queue}}"),)),
    Panel(
        "Messages that wait, and work under leases",
        "short",
        (("protea:queue_ready:max", "{{queue}} waits"), ("protea:queue_held:max", "{{queue}} held")),
    ),
    Panel("Consumers", "short", (("protea:queue_consumers:max", "{{queue}}"),)),
    Panel("Jobs that end", "ops", (("protea:jobs:rate5m", "{{operation}} {{status}}"),)),
    Panel("Jobs that have not ended", "short", (("max by (status) (protea_jobs_active)", "{{status}}"),)),
    Panel(
        "Duration of jobs, 95 of 100",
        "s",
        (
            (
                "histogram_quantile(0.95, sum by (le, operation) (rate(protea_job_duration_seconds_bucket[15m])))",
                "{{operation}}",
            ),
        ),
    ),
    Panel(
        "Leases",
        "short",
        (("max(protea_leases_held)", "held"), ("max(protea_leases_expired)", "run out, not yet given on")),
    ),
    Panel(
        "Lost workers and retries, an hour",
        "short",
        (
            ("sum by (unit, outcome) (increase(protea_lease_expiries_total[1h]))", "lease of a {{unit}}: {{outcome}}"),
            ("sum by (unit) (increase(protea_retries_total[1h]))", "retries of {{unit}}s"),
        ),
    ),
    Panel(
        "Outbox: oldest event that is due",
        "s",
        (("max(protea_outbox_oldest_seconds)", "oldest"), ("max(protea_outbox_unsent)", "unsent events")),
    ),
    Panel(
        "Dead letters",
        "short",
        (
            ("max(protea_dead_letters_open)", "not looked after"),
            ("sum by (queue) (increase(protea_dead_letters_total[1h]))", "{{queue}}, new within an hour"),
        ),
    ),
    Panel(
        "Requests",
        "reqps",
        (
            ("sum by (status) (rate(protea_http_requests_total[5m]))", "{{status}}"),
            ("sum(protea_http_requests_in_flight)", "in flight"),
        ),
    ),
    Panel("Duration of requests, 95 of 100", "s", (("protea:http_request_duration_seconds:p95_5m", "all"),)),
    Panel("Database connections in use", "short", (("protea_db_pool_in_use", "{{instance}}"),)),
    Panel(
        "Age of what is shown",
        "s",
        (("time() - max(protea_platform_observed_timestamp_seconds)", "since a gateway looked"),),
    ),
)

COMPUTE: Final = (
    Panel("Share of time that devices compute", "percentunit", (("protea:device_busy:ratio5m", "{{instance}}"),)),
    Panel("Residues embedded", "short", (("protea:embeddings_residues:rate5m", "{{backend}} a second"),)),
    Panel("Padding", "percentunit", (("protea:embeddings_padding:ratio5m", "{{backend}}"),)),
    Panel(
        "Tokens computed at once, median",
        "short",
        (
            (
                "histogram_quantile(0.5, sum by (le, backend) (rate(protea_embeddings_batch_tokens_bucket[5m])))",
                "{{backend}}",
            ),
        ),
    ),
    Panel(
        "Duration of batches, 95 of 100",
        "s",
        (
            ("protea:embeddings_batch_seconds:p95_15m", "embeddings {{backend}}"),
            ("protea:predictions_batch_seconds:p95_15m", "predictions {{runner}}"),
        ),
    ),
    Panel(
        "References: where they came from, an hour",
        "short",
        (("sum by (outcome) (increase(protea_reference_cache_total[1h]))", "{{outcome}}"),),
    ),
)


def documents() -> dict[str, str]:
    """Give every generated file by its path below this folder."""
    return {
        "dashboards/protea-platform.json": _dashboard("protea-platform", "PROTEA: platform", PLATFORM),
        "dashboards/protea-compute.json": _dashboard("protea-compute", "PROTEA: devices and references", COMPUTE),
        "prometheusrule.yaml": _prometheus_rule(),
    }


def _dashboard(uid: str, title: str, panels: tuple[Panel, ...]) -> str:
    dashboard = {
        "uid": uid,
        "title": title,
        "tags": ["protea"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}]
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }
    return json.dumps(dashboard, indent=2) + "\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": 12 * (number % 2), "y": 8 * (number // 2), "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for place, (expression, legend) in enumerate(panel.lines)
        ],
    }


def _prometheus_rule() -> str:
    files = [yaml.safe_load(path.read_text(encoding="utf8")) for path in sorted((FOLDER / "rules").glob("*.yaml"))]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "protea"},
        "spec": {"groups": [group for file in files for group in file["groups"]]},
    }
    text = yaml.safe_dump(rule, sort_keys=False, width=118)
    return f"# Generated from rules/ by `make monitoring`; a test compares.\n{text}"


def main() -> None:
    """Write the files."""
    for path, text in documents().items():
        (FOLDER / path).write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
