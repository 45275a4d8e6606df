"""A result as one HTML file that needs nothing else: figures with intervals, curves, calibration and strata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from protea_evaluator.domain.measures.curve import Curve
from protea_evaluator.domain.reliability import Reliability
from protea_evaluator.domain.results import SMALLEST_COHORT, is_too_small
from protea_evaluator.domain.strata import Stratum, are_unknown
from protea_evaluator.domain.svg import plot

__all__ = ["CellReport", "Report", "write_report"]


@dataclass(frozen=True, slots=True, eq=False)
class CellReport:
    """What is told about one cell.

    Attributes
    ----------
    figures
        As they are stored, see `results_as_json`.
    strata
        By axis.
    """

    category: str
    aspect: str
    figures: Mapping[str, Any]
    curve: Curve
    reliability: Reliability
    strata: Mapping[str, Sequence[Stratum]]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A whole report; ``stamp`` says how the figures came about."""

    title: str
    identifiers: Mapping[str, str]
    stamp: Mapping[str, Any]
    cells: Sequence[CellReport]


def write_report(report: Report) -> str:
    """Write the file; the same report gives the same text."""
    body = [
        f"<h1>{escape(report.title)}</h1>",
        _warnings(report),
        "<h2>Figures</h2>",
        _figures(report.cells),
        f"<p>{escape(_LEGEND)}</p>",
        *map(_cell, report.cells),
        "<h2>How it was measured</h2>",
        _table(("", ""), _provenance(report)),
    ]
    head = f'<meta charset="utf-8"><title>{escape(report.title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


_NOTHING = "-"
_UNKNOWN_AXIS = {
    "length": "By length: no protein's length is known; load the sequences.",
    "homology": "By homology: no identity to a donor is known; predict with compute_alignments.",
}
_LEGEND = (
    "In brackets: 95 % BCa bootstrap interval over proteins. A cell or stratum marked * has under "
    f"{SMALLEST_COHORT} proteins and is no more than an indication. Weighted: by information accretion; Smin in bits. "
    "Reliability: what is not in the ground truth counts as false, though it may only not be known yet."
)


def _warnings(report: Report) -> str:
    said = []
    if report.stamp.get("predicted_from_t0") is False:
        said.append("These predictions were not transferred from what was known at t0: they may know the answers.")
    if report.stamp.get("holdout_waiver"):
        said.append(f"Unknown release dates were waived: {report.stamp['holdout_waiver']}")
    return "".join(f'<p class="warning">{escape(text)}</p>' for text in said)


def _figures(cells: Iterable[CellReport]) -> str:
    header = ("cell", "proteins", "Fmax", "weighted Fmax", "micro Fmax", "Smin", "AUPR", "coverage", "threshold")
    return _table(header, (_figure_row(cell) for cell in cells))


def _figure_row(cell: CellReport) -> tuple[str, ...]:
    figures = cell.figures
    alike, weighted = figures.get("unweighted") or {}, figures.get("weighted") or {}
    mark = " *" if is_too_small(figures["cohort"]) else ""
    return (
        f"{cell.category} {cell.aspect}{mark}",
        f"{figures['cohort']:,}",
        _with_interval(figures["fmax"], figures.get("interval")),
        _with_interval(weighted.get("fmax"), figures.get("weighted_interval")),
        _number(alike.get("micro_fmax")),
        _number(weighted.get("smin")),
        _number(alike.get("aupr")),
        _number(figures["coverage"]),
        _number(figures["tau"]),
    )


def _with_interval(value: float | None, interval: Mapping[str, Any] | None) -> str:
    if interval is None:
        return _number(value)
    return f"{_number(value)} [{_number(interval['low'])}, {_number(interval['high'])}]"


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.3f}"


def _cell(cell: CellReport) -> str:
    curve = cell.curve
    reached = curve.n_predicted > 0
    line = list(zip(curve.recall[reached].tolist(), curve.precision[reached].tolist(), strict=True))
    best = (cell.figures["recall"], cell.figures["precision"])
    found = [(each.score, each.observed) for each in cell.reliability.bins]
    error = f"expected calibration error {cell.reliability.expected_error:.3f}"
    diagrams = [
        _figure(plot(line, x_label="recall", y_label="precision", dots=[best]), "Precision and recall; dot: Fmax"),
        _figure(plot(found, x_label="score", y_label="share true", dots=found, diagonal=True), f"Reliability; {error}"),
    ]
    tables = [_strata(axis, strata) for axis, strata in cell.strata.items()]
    title = f"{cell.category} {cell.aspect}"
    return f'<h2>{escape(title)}</h2><div class="cell">{"".join([*diagrams, *tables])}</div>'


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _strata(axis: str, strata: Sequence[Stratum]) -> str:
    if are_unknown(strata):
        return f"<p>{escape(_UNKNOWN_AXIS[axis])}</p>"
    rows = (
        (
            " ".join(stratum.labels) + ("" if stratum.is_reportable else " *"),
            f"{stratum.n_proteins:,}",
            _number(stratum.micro_f),
            _number(stratum.precision),
            _number(stratum.recall),
        )
        for stratum in strata
    )
    return _table((axis, "proteins", "micro F", "precision", "recall"), rows)


def _provenance(report: Report) -> Iterable[tuple[str, str]]:
    yield from report.identifiers.items()
    for name, value in report.stamp.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}: {key}", str(each)) for key, each in value.items())
        else:
            yield name, _NOTHING if value is None else str(value)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #d0d7de}
table{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #eaeef2;overflow-wrap:anywhere}
.cell{display:flex;flex-wrap:wrap;gap:1.5rem;align-items:flex-start}figure{margin:0;width:17rem}svg{width:100%}
figcaption{font-size:.85rem;color:#57606a}svg text{font-size:11px;fill:#1b1f24}svg .tick{font-size:9px;fill:#57606a}
.frame{fill:none;stroke:#8c959f}.curve{fill:none;stroke:#0b5cad;stroke-width:1.8}.dot{fill:#c2410c}
.guide{stroke:#8c959f;stroke-dasharray:4 3}
.warning{background:#fff4e5;border-left:4px solid #c2410c;padding:.5rem .8rem}
"""
