"""Reading a benchmark file: what it says, and whether it agrees with itself, before anything is asked of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from protea_cli.benchmark.lines import LinedDocument, Place
from protea_cli.benchmark.plan import Method, Plan
from protea_common.domain.scoring import PRESETS, InvalidScoringError, ScoringRecipe
from protea_common.operations import OperationPayload, PredictBaseline, PredictGoTerms, RunCafaEvaluation

__all__ = ["read_plan"]

_NOBODY: Final = UUID(int=0)
"""In place of ids that the server gives later."""

_EVALUATION_IS_OURS: Final = frozenset({"evaluation_set_id", "prediction_set_id", "purpose", "ia_uri"})
_CHOICES_ARE_OURS: Final = frozenset(
    {
        "embedding_config_id",
        "ontology_snapshot_id",
        "annotation_set_id",
        "query_set_id",
        "scoring_config_id",
        "reranker_model_ids",
        "calibration_id",
    }
)
"""Parameters that follow from other parts of the file."""


def read_plan(path: Path) -> tuple[Plan, LinedDocument]:
    """Read and check a file; give it as a plan, and as it stands.

    Raises
    ------
    BenchmarkFileError
        Naming the line of the first mistake, and what to write instead.
    """
    document = LinedDocument.read(path)
    try:
        plan = Plan.model_validate(dict(document.content))
    except ValidationError as exc:
        document.refuse(*_first_mistake(exc))
    for place, message in _contradictions(plan, path.parent):
        document.refuse(place, message)
    return plan, document


def _first_mistake(exc: ValidationError) -> tuple[Place, str]:
    """Say where the first mistake is, and what is wrong there."""
    first = exc.errors()[0]
    # A key that is none is told as `name.[key]`.
    place: Place = tuple(part for part in first["loc"] if part != "[key]")
    match first["type"]:
        case "extra_forbidden":
            return place, f"there is no {place[-1]} here; remove it or correct its spelling"
        case "missing":
            return place, f"{place[-1]} is missing"
        case _:
            return place, first["msg"].removeprefix("Value error, ")


def _contradictions(plan: Plan, folder: Path) -> Iterator[tuple[Place, str]]:
    """Say what does not fit together, the first mistake first."""
    yield from _missing_files(plan, folder)
    yield from _windows(plan)
    for name, scoring in plan.scoring.items():
        if name in PRESETS:
            yield ("scoring", name), f"{name} is a preset; call yours otherwise"
        try:
            ScoringRecipe.parse(**scoring.model_dump())
        except InvalidScoringError as exc:
            yield ("scoring", name), str(exc)
    for name, method in plan.methods.items():
        yield from _method(plan, name, method)
    yield from _measuring(plan)


def _missing_files(plan: Plan, folder: Path) -> Iterator[tuple[Place, str]]:
    files: dict[Place, Path | None] = {
        ("ontology", "file"): plan.ontology.file,
        ("proteins",): plan.proteins,
        ("ia_file",): plan.ia_file,
    }
    files |= {("annotations", name, "file"): each.file for name, each in plan.annotations.items()}
    files |= {("methods", name, "hits"): each.hits for name, each in plan.methods.items()}
    for place, file in files.items():
        if file is not None and not (folder / file).is_file():
            yield place, f"there is no file {folder / file}"


def _windows(plan: Plan) -> Iterator[tuple[Place, str]]:
    for name, window in plan.windows.items():
        for end, named in (("from", window.old), ("to", window.new)):
            if named not in plan.annotations:
                yield ("windows", name, end), f"there are no annotations {named}; there are {_list(plan.annotations)}"
        if window.old == window.new:
            yield ("windows", name, "to"), f"nothing is learnt from {window.old} to itself; name a later set"
    if plan.choose is not None:
        place = ("choose", "window")
        chosen = plan.windows.get(plan.choose.window)
        if chosen is None:
            yield place, f"there is no window {plan.choose.window}; there are {_list(plan.windows)}"
        elif chosen.role == "test":
            yield place, f"{plan.choose.window} is a test window: nothing may be selected on it; name a valid one"


def _method(plan: Plan, name: str, method: Method) -> Iterator[tuple[Place, str]]:
    place = ("methods", name)
    if method.encoder is not None and method.encoder not in plan.encoders:
        yield (*place, "encoder"), f"there is no encoder {method.encoder}; there are {_list(plan.encoders)}"
    if method.scoring is not None and method.scoring not in {*plan.scoring, *PRESETS}:
        known = _list({**plan.scoring, **PRESETS})
        yield (*place, "scoring"), f"there is no scoring {method.scoring}; there are {known}"
    if method.encoder is not None:
        yield from _payload((*place, "choices"), PredictGoTerms, method.choices, _CHOICES_ARE_OURS)
        return
    baseline = {
        "method": method.baseline,
        "donors": method.donors,
        "hits_uri": None if method.hits is None else "artifact:hits",
        "source_version": method.source_version,
    }
    yield from _payload(place, PredictBaseline, baseline, frozenset({"evaluation_set_id"}))


def _measuring(plan: Plan) -> Iterator[tuple[Place, str]]:
    yield from _payload(("evaluation",), RunCafaEvaluation, plan.evaluation, _EVALUATION_IS_OURS)
    if plan.ia_file is not None and "information_accretion_set_id" in plan.evaluation:
        yield ("ia_file",), "ia_file and information_accretion_set_id are two answers to one question; leave one out"
    if plan.compare is None:
        return
    if plan.compare.baseline not in plan.methods:
        known = _list(plan.methods)
        yield ("compare", "baseline"), f"there is no method {plan.compare.baseline}; there are {known}"
    uncounted = plan.evaluation.get("engine", "protea") != "protea"
    if uncounted or plan.evaluation.get("cohort") == "mixed" or plan.evaluation.get("normalisation", "cafa") != "cafa":
        yield ("compare",), "results compare with engine protea, normalisation cafa and a cohort other than mixed"


def _payload(
    place: Place, kind: type[OperationPayload], given: Mapping[str, Any], ours: frozenset[str]
) -> Iterator[tuple[Place, str]]:
    """Check parameters of an operation as the server will, with ids that are not known yet."""
    for name in ours & set(given):
        yield (*place, name), f"{name} follows from the rest of the file; remove it"
    required = {name: _NOBODY for name, field in kind.model_fields.items() if name in ours and field.is_required()}
    try:
        kind.model_validate({**required, **given})
    except ValidationError as exc:
        within, message = _first_mistake(exc)
        yield (*place, *within), message


def _list(names: Mapping[str, Any]) -> str:
    return ", ".join(sorted(names)) or "none"
