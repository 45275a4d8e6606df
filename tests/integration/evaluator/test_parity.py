"""Our measures against those of two evaluators that we did not write, to nine decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from protea_common.domain.ontology import Aspect, GoGraph, Relation
from protea_evaluator.domain.measures.cell import Cell, split_into_cells
from protea_evaluator.domain.measures.curve import Curve, draw_curve
from protea_evaluator.domain.measures.sums import count_by_protein, grid, sum_at_every_score, sum_counts
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_scores, propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_evaluator.domain.recipe import Cohort, Normalisation, Propagation
from support.peer_evaluators import EvaluationCase, PeerEvaluator, cafaeval, random_case

ASPECT = Aspect.BIOLOGICAL_PROCESS
STEP = 0.01
NORMALISATIONS = tuple(Normalisation)

COLUMNS = {
    "n": "n_predicted",
    "cov": "coverage",
    "pr": "precision",
    "rc": "recall",
    "f": "f",
    "mi": "misinformation",
    "ru": "remaining_uncertainty",
    "s": "semantic_distance",
    "pr_micro": "micro_precision",
    "rc_micro": "micro_recall",
    "f_micro": "micro_f",
}
"""What the programs call our measures; with ``_w`` behind for those weighted by information accretion."""


def pairs_of(rows: Iterable[tuple[int, int]], graph: GoGraph) -> ProteinTerms:
    table = np.array(sorted(rows), dtype=np.int32).reshape(-1, 2)
    return ProteinTerms.from_keys(pair_keys(table[:, 0], table[:, 1], graph), graph)


def graph_of(case: EvaluationCase) -> GoGraph:
    return GoGraph.build(
        [(f"GO:{term:07d}", ASPECT) for term in case.parents],
        [
            Relation(f"GO:{term:07d}", f"GO:{parent:07d}", "is_a")
            for term, parents in case.parents.items()
            for parent in parents
        ],
    )


def cell_of(
    case: EvaluationCase,
    weights: NDArray[np.float64],
    *,
    propagation: Propagation,
    cohort: Cohort,
    known: Iterable[tuple[int, int]] = (),
) -> Cell:
    graph = graph_of(case)
    scored = pairs_of(case.scores, graph)
    keys = zip(scored.proteins.tolist(), scored.terms.tolist(), strict=True)
    predictions = PredictionTable(scored, np.array([case.scores[key] for key in keys]))
    return split_into_cells(
        propagate_terms(pairs_of(case.truth, graph), graph),
        propagate_scores(predictions, graph, propagation),
        graph,
        weights=weights,
        known=propagate_terms(pairs_of(known, graph), graph),
        cohort=cohort,
    )[ASPECT]


def both_weightings(
    case: EvaluationCase, *, drops_root: bool, only_of_interest: bool = False
) -> dict[str, NDArray[np.float64]]:
    weightings = {"": np.ones(len(case.parents)), "_w": np.array(case.accretion)}
    dropped = [0] if drops_root else []
    dropped += [term for term in case.parents if only_of_interest and term not in case.of_interest]
    for weights in weightings.values():
        weights[dropped] = 0
    return weightings


def assert_equal(rows: list[dict[str, float | str]], curves: Mapping[str, Curve]) -> None:
    position = [round(float(row["tau"]) / STEP) - 1 for row in rows]
    assert rows
    for suffix, (theirs, ours) in product(curves, COLUMNS.items()):
        expected = np.array([row[theirs + suffix] or 0.0 for row in rows], dtype=np.float64)
        actual = getattr(curves[suffix], ours)[position]
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9, err_msg=theirs + suffix)


@pytest.mark.parametrize("drops_root", [True, False])
@pytest.mark.parametrize("propagation", [Propagation.FILL, Propagation.MAX])
def test_the_grid_equals_cafaeval(propagation: Propagation, drops_root: bool, tmp_path: Path) -> None:
    for seed, normalisation in enumerate(NORMALISATIONS, start=1):
        case = random_case(seed)
        folder = case.write(tmp_path / f"{seed}-{normalisation}")
        rows = cafaeval().run(
            folder, ia=str(folder / "ia.tsv"), norm=normalisation, prop=propagation, no_orphans=drops_root
        )

        curves = {
            suffix: draw_curve(sum_counts(count_by_protein(cell, grid(STEP))), normalisation)
            for suffix, weights in both_weightings(case, drops_root=drops_root).items()
            for cell in [cell_of(case, weights, propagation=propagation, cohort=Cohort.ANNOTATED)]
        }

        assert_equal(rows, curves)


@pytest.mark.parametrize("drops_root", [True, False])
@pytest.mark.parametrize("propagation", [Propagation.FILL_CLOSURE, Propagation.MAX])
@pytest.mark.parametrize("only_of_interest", [True, False])
def test_the_grid_equals_cafaeval_protea_with_known_terms(
    propagation: Propagation, drops_root: bool, only_of_interest: bool, tmp_path: Path, fork: PeerEvaluator
) -> None:
    for seed, normalisation in enumerate(NORMALISATIONS, start=1):
        case = random_case(seed)
        folder = case.write(tmp_path / f"{seed}-{normalisation}")
        rows = fork.run(
            folder,
            ia=str(folder / "ia.tsv"),
            norm=normalisation,
            prop="fill" if propagation is Propagation.FILL_CLOSURE else propagation,
            no_orphans=drops_root,
            exclude=str(folder / "known.tsv"),
            toi_file=str(folder / "interest.tsv") if only_of_interest else None,
        )

        weightings = both_weightings(case, drops_root=drops_root, only_of_interest=only_of_interest)
        curves = {
            suffix: draw_curve(sum_counts(count_by_protein(cell, grid(STEP))), normalisation)
            for suffix, weights in weightings.items()
            for cell in [cell_of(case, weights, propagation=propagation, cohort=Cohort.MIXED, known=case.known)]
        }

        assert_equal(rows, curves)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_of_the_grid_beats_the_exact_mode(seed: int) -> None:
    case = random_case(seed)
    for weights in both_weightings(case, drops_root=True).values():
        cell = cell_of(case, weights, propagation=Propagation.FILL, cohort=Cohort.MEASURABLE, known=case.known)

        exact = draw_curve(sum_at_every_score(cell))
        coarse = draw_curve(sum_counts(count_by_protein(cell, grid(STEP))))

        assert exact.f.max() >= coarse.f.max() - 1e-12
        assert exact.micro_f.max() >= coarse.micro_f.max() - 1e-12
        assert exact.semantic_distance.min() <= coarse.semantic_distance[coarse.n_predicted > 0].min() + 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_the_exact_mode_is_the_grid_at_every_score(seed: int) -> None:
    case = random_case(seed)
    weights = both_weightings(case, drops_root=True)["_w"]
    cell = cell_of(case, weights, propagation=Propagation.MAX, cohort=Cohort.MEASURABLE)

    one_pass = sum_at_every_score(cell)
    by_protein = sum_counts(count_by_protein(cell, np.unique(cell.scores)))

    for name in ("thresholds", "n_predicted", "precision", "recall", "true", "predicted"):
        np.testing.assert_allclose(getattr(one_pass, name), getattr(by_protein, name), rtol=0, atol=1e-9)
