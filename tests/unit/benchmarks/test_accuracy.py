"""The accuracy benchmark's windows share nothing, and what is loaded for a day knows nothing of that day or later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations, pairwise
from typing import Any
from uuid import UUID

import pytest
from accuracy import DEMO
from accuracy import WINDOWS as OFFERED
from accuracy_choices import ALIGNMENT_ALL, ALIGNMENT_EXPERIMENTAL, COMPOSITE, KMERS, Method
from accuracy_jobs import Jobs
from accuracy_predicting import predict
from accuracy_results import CELLS, Difference, Measured, calibration_errors
from accuracy_table import as_json
from accuracy_windows import CAFA, REPORTING, SELECTION, TRAINING, Days, Files, Loaded, Window, open_window

from protea_cli.demo.data import read_lines
from protea_common.domain import temporal
from protea_common.domain.ontology import GoGraph
from protea_common.operations import GenerateEvaluationSet, PredictGoTerms
from protea_evaluator.domain.annotation_table import AnnotationTable
from protea_evaluator.domain.knowledge import Delta, split_by_knowledge
from protea_ingest.domain.gaf import GafRow, read_gaf
from protea_ingest.domain.obo import parse_obo

WINDOWS = [*TRAINING, SELECTION, REPORTING]
FILES = Files.of(None, demo=DEMO)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return list(read_lines(FILES.annotations))


@pytest.fixture(scope="module")
def graph() -> GoGraph:
    document = parse_obo(read_lines(FILES.ontology))
    return GoGraph.build(document.live_terms(), document.relations)


def known_before(lines: list[str], day: date) -> list[GafRow]:
    """Read what ``load_goa_annotations`` keeps of the file for a day."""
    return list(read_gaf(lines, annotated_before=day))


def gained(lines: list[str], graph: GoGraph, days: Days) -> set[tuple[str, str]]:
    """Compare two loads as ``generate_evaluation_set`` does."""

    def table(day: date) -> AnnotationTable:
        rows = ((row.accession, row.go_id, row.evidence_code, row.qualifier) for row in known_before(lines, day))
        return AnnotationTable.from_rows(rows)

    return set(named(split_by_knowledge(table(days.start), table(days.end), graph), graph))


def named(delta: Delta, graph: GoGraph) -> Iterator[tuple[str, str]]:
    for pairs in delta.truth.values():
        for protein, term in zip(pairs.proteins, pairs.terms, strict=True):
            yield delta.accessions[protein], graph.go_ids[term]


def test_windows_share_no_annotation(lines: list[str], graph: GoGraph) -> None:
    pairs = [gained(lines, graph, days) for days in WINDOWS]
    assert all(pairs)
    assert not any(one & other for one, other in combinations(pairs, 2))


def test_each_window_begins_when_the_one_before_it_has_ended() -> None:
    assert all(before.end <= after.start for before, after in pairwise(WINDOWS))
    assert max(days.end for days in TRAINING) <= date(2017, 1, 1)


def test_the_last_window_reaches_to_the_end_of_the_file(lines: list[str]) -> None:
    assert known_before(lines, REPORTING.end) == list(read_gaf(lines))


@pytest.mark.parametrize("days", WINDOWS, ids=lambda days: days.name)
def test_what_is_loaded_for_a_window_is_the_same_with_all_later_annotations_deleted(
    lines: list[str], days: Days
) -> None:
    first_day = days.start.strftime("%Y%m%d")
    earlier = [line for line in lines if line.startswith("!") or line.split("\t")[13] < first_day]
    assert len(earlier) < len(lines)
    assert known_before(lines, days.start) == list(read_gaf(earlier))


def test_the_platform_lets_these_windows_have_their_roles() -> None:
    windows = [
        temporal.Window(
            UUID(int=number),
            None if days.role is None else temporal.WindowRole(days.role),
            old=cut(days.start),
            new=cut(days.end),
        )
        for number, days in enumerate(WINDOWS)
    ]
    *training, selection, reporting = windows
    temporal.check_protocol(training, selection, waiver=None)
    temporal.require_order(reporting, [selection], waiver=None)
    with pytest.raises(temporal.TemporalProtocolError):
        temporal.require_selectable(reporting, waiver="it would be so convenient")
    with pytest.raises(temporal.TemporalProtocolError):
        temporal.check_protocol([reporting], selection, waiver=None)


def cut(day: date) -> temporal.SnapshotDates:
    return temporal.SnapshotDates(f"before {day}", annotated_before=day, published_on=None, newest_annotation=None)


class RecordedJobs(Jobs):
    """Keeps what is asked for, and gives ids."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def run(self, title: str, operation: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        del title
        self.asked.append((operation, payload))
        return {"prediction_set_id": "made", "evaluation_set_id": "made"}

    async def once(self, title: str, key: str, do: Any) -> Any:
        del title, key, do
        return str(UUID(int=7))


@pytest.mark.parametrize("method", [ALIGNMENT_EXPERIMENTAL, ALIGNMENT_ALL, KMERS, COMPOSITE], ids=lambda m: m.name)
def test_a_prediction_is_asked_for_with_what_was_known_on_the_first_day_and_nothing_else(method: Method) -> None:
    old, new, other = (UUID(int=number) for number in (1, 2, 3))
    loaded = Loaded(str(other), str(other), {REPORTING.start: str(old), REPORTING.end: str(new)}, {})
    window = Window(REPORTING, str(other), str(old), str(other))
    jobs = RecordedJobs()

    assert asyncio.run(predict(jobs, loaded, window, method)) == "made"

    ((operation, payload),) = jobs.asked
    assert operation == "predict_go_terms"
    assert PredictGoTerms.read(payload, operation=operation).annotation_set_id == old
    assert str(new) not in str(payload)


@pytest.mark.parametrize("days", OFFERED.values(), ids=lambda days: days.name)
def test_only_the_window_by_cafas_rule_is_asked_for_without_protein_binding_alone(days: Days) -> None:
    ids = {day: str(UUID(int=number)) for number, day in enumerate((days.start, days.end))}
    jobs = RecordedJobs()

    window = asyncio.run(open_window(jobs, Loaded("", "", ids, {}), days))

    ((operation, payload),) = jobs.asked
    asked = GenerateEvaluationSet.read(payload, operation=operation)
    assert window.annotation_set_id == str(asked.old_annotation_set_id) == ids[days.start]
    assert str(asked.new_annotation_set_id) == ids[days.end]
    assert (asked.window_role, asked.drop_binding_only) == (days.role, days is CAFA)


def test_cafas_window_is_of_the_days_that_are_reported() -> None:
    assert (CAFA.start, CAFA.end, CAFA.role) == (REPORTING.start, REPORTING.end, REPORTING.role)


def measured(cells: Mapping[tuple[str, str], Mapping[str, Any]]) -> Measured:
    every = {name: cells.get(name, {}) for name in CELLS}
    figures = {name: cell.get("fmax", 0.0) for name, cell in every.items()}
    return Measured("result", {"fmax": figures, "weighted_fmax": figures}, dict.fromkeys(CELLS, 50), every)


def test_calibration_errors_take_the_cells_of_an_aspect_together() -> None:
    def cell(score: float, observed: float, n: int) -> dict[str, Any]:
        bins = [{"score": score, "observed": observed, "n_predictions": n}]
        return {"reliability": {"bins": bins, "below": {"score": 0.0, "observed": 0.01, "n_predictions": 100}}}

    # In one bin too much was promised by .2 for 100 predictions and too little by .2 for 50; in another .3 for 50.
    found = measured(
        {("NK", "MFO"): cell(0.55, 0.35, 100), ("LK", "MFO"): cell(0.55, 0.75, 50)}
        | {("PK", "MFO"): cell(0.95, 0.65, 50)}
    )
    assert calibration_errors(found, of_all=False) == {"MFO": pytest.approx((10 + 15) / 200)}
    assert calibration_errors(found, of_all=True) == {"MFO": pytest.approx((10 + 15 + 3) / 500)}


def test_the_line_of_figures_names_cells_that_are_below() -> None:
    ours = measured({name: {"fmax": 0.5} for name in CELLS})
    gain = {name: Difference(0.1, 0.05, 0.15) for name in CELLS} | {("LK", "CCO"): Difference(-0.1, -0.15, -0.05)}
    line = as_json({"composite": ours}, {"over": {"fmax": gain, "weighted_fmax": gain}}, {})
    assert line["means"] == {"composite": [pytest.approx(0.5)] * 2}
    assert line["cells_below"] == {"over": ["LK-CCO fmax", "LK-CCO weighted_fmax"]}
    assert line["gains"]["over"]["fmax"] == pytest.approx(0.7 / 9)
