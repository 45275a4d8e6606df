"""Whole categories of real data through our engine and through two evaluators that we did not write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from protea_common.domain.ontology import Aspect, GoGraph, Relation
from protea_evaluator.domain.information_accretion import information_accretion
from protea_evaluator.domain.knowledge import Category, Delta
from protea_evaluator.domain.measurement import Measurement, measure_category
from protea_evaluator.domain.ontology_cut import cut_to_closure, write_obo
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_evaluator.domain.recipe import Cohort, EvaluatorRecipe, Propagation, Thresholds
from protea_evaluator.domain.results import NamespaceResult
from support.evaluation import fly_delta, go_graph
from support.peer_evaluators import PeerEvaluator, cafaeval

EXAMPLES = Path(__file__).parents[2] / "data" / "cafa_evaluator"
N_PROTEINS, N_PREDICTED = 120, 40


@dataclass(frozen=True, slots=True)
class RealCase:
    """What is measured, and the files that say the same."""

    delta: Delta
    graph: GoGraph
    predictions: PredictionTable

    @property
    def accretion(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return information_accretion(propagate_terms(self.delta.known, self.graph), self.graph)

    def write(self, folder: Path, category: Category) -> Path:
        """Write the files of one category, the ontology cut to what they use."""
        (folder / "predictions").mkdir(parents=True)
        truth, scored = self.delta.truth[category], self.predictions
        used = cut_to_closure(self.graph, np.concatenate([truth.terms, self.delta.known.terms, scored.pairs.terms]))
        (folder / "ontology.obo").write_text("".join(write_obo(self.graph, used)))
        (folder / "truth.tsv").write_text(self._lines(truth))
        (folder / "known.tsv").write_text(self._lines(self.delta.known))
        scores = (f"\t{float(score)!r}" for score in scored.scores)
        (folder / "predictions" / "predictions.tsv").write_text(self._lines(scored.pairs, scores))
        go_ids, bits = self.graph.go_ids, self.accretion
        (folder / "ia.tsv").write_text("".join(f"{go_ids[row]}\t{float(bits[row])!r}\n" for row in used))
        return folder

    def _lines(self, pairs: ProteinTerms, last: Iterable[str] | None = None) -> str:
        rows = zip(pairs.proteins, pairs.terms, last or [""] * len(pairs), strict=True)
        return "".join(
            f"{self.delta.accessions[protein]}\t{self.graph.go_ids[term]}{rest}\n" for protein, term, rest in rows
        )


def fly_case(category: Category) -> RealCase:
    """Predict for the fly's proteins some of what they gained, what they had, and terms of others."""
    delta, graph, rng = fly_delta(), go_graph(), np.random.default_rng(5)
    pool = np.concatenate([pairs.terms for pairs in delta.truth.values()])
    proteins = np.unique(delta.truth[category].proteins)[:N_PROTEINS]
    own = [pairs.where(np.isin(pairs.proteins, proteins)) for pairs in (delta.truth[category], delta.known)]
    keys = [pairs.keys(graph) for pairs in own]
    guessed = pair_keys(np.repeat(proteins, N_PREDICTED), rng.choice(pool, len(proteins) * N_PREDICTED), graph)
    predicted = np.concatenate([*keys, guessed])
    scores = np.round(rng.beta(1, 2, len(predicted)) * 0.99 + 0.005, 3)
    return RealCase(delta, graph, PredictionTable.best_of(predicted, scores, graph))


def best_of(rows: Iterable[Mapping[str, float | str]], suffix: str) -> dict[str, tuple[float, ...]]:
    """Best F, micro F and least distance of a program's table, by namespace."""
    kept = [row for row in rows if row["n"]]
    namespaces = {str(row["ns"]) for row in kept}

    def column(namespace: str, name: str) -> list[float]:
        return [float(row[name + suffix] or 0.0) for row in kept if row["ns"] == namespace]

    return {
        namespace: (
            max(column(namespace, "f")),
            max(column(namespace, "f_micro")),
            min(column(namespace, "s")),
        )
        for namespace in namespaces
    }


def assert_equal(rows: list[dict[str, float | str]], results: Mapping[str, NamespaceResult]) -> None:
    for suffix, expected in (("", best_of(rows, "")), ("_w", best_of(rows, "_w"))):
        assert sorted(expected) == sorted(results)
        for namespace, figures in expected.items():
            summary = results[namespace].weighted if suffix else results[namespace].unweighted
            assert summary is not None
            np.testing.assert_allclose((summary.fmax, summary.micro_fmax, summary.smin), figures, rtol=0, atol=1e-9)


@pytest.mark.parametrize("category", [Category.NO_KNOWLEDGE, Category.LIMITED_KNOWLEDGE])
def test_the_fly_is_measured_as_by_cafaeval(category: Category, tmp_path: Path) -> None:
    case = fly_case(category)
    for propagation in (Propagation.FILL, Propagation.MAX):
        folder = case.write(tmp_path / propagation, category)
        recipe = EvaluatorRecipe(propagation=propagation, cohort=Cohort.ANNOTATED, n_resamples=0)

        rows = cafaeval().run(folder, ia=str(folder / "ia.tsv"), prop=propagation, no_orphans=True)
        results = measure_category(
            case.delta, category, case.predictions, Measurement(case.graph, case.accretion, recipe)
        )

        assert_equal(rows, results)


def test_the_fly_is_measured_as_by_cafaeval_protea_where_something_was_known(
    tmp_path: Path, fork: PeerEvaluator
) -> None:
    category = Category.PARTIAL_KNOWLEDGE
    case = fly_case(category)
    for propagation, name in ((Propagation.FILL_CLOSURE, "fill"), (Propagation.MAX, "max")):
        folder = case.write(tmp_path / propagation, category)
        recipe = EvaluatorRecipe(propagation=propagation, cohort=Cohort.MIXED, n_resamples=0)

        rows = fork.run(
            folder, ia=str(folder / "ia.tsv"), prop=name, no_orphans=True, exclude=str(folder / "known.tsv")
        )
        results = measure_category(
            case.delta, category, case.predictions, Measurement(case.graph, case.accretion, recipe)
        )

        assert_equal(rows, results)


def read_example(folder: Path, *, ontology: str, truth: str, known: str | None) -> tuple[Delta, GoGraph]:
    """Read an example whose terms all lie in one namespace, whatever it is called."""
    graph = read_graph(folder / ontology)
    pairs = {name: read_pairs(folder / name) for name in (truth, known) if name is not None}
    accessions = tuple(sorted({accession for rows in pairs.values() for accession, _ in rows}))

    def coded(rows: list[tuple[str, str]]) -> ProteinTerms:
        proteins = np.array([accessions.index(accession) for accession, _ in rows], dtype=np.int32)
        terms = np.array([graph.row_of[go_id] for _, go_id in rows], dtype=np.int32)
        return ProteinTerms.from_keys(pair_keys(proteins, terms, graph), graph)

    category = Category.NO_KNOWLEDGE if known is None else Category.PARTIAL_KNOWLEDGE
    return Delta(accessions, {category: coded(pairs[truth])}, coded(pairs[known] if known else []), 0), graph


def read_graph(path: Path) -> GoGraph:
    tags = [line.split(": ", maxsplit=1) for line in path.read_text().splitlines() if ": " in line]
    go_ids, edges = list[str](), list[Relation]()
    for tag, value in tags:
        if tag == "id":
            go_ids.append(value)
        elif tag == "is_a":
            edges.append(Relation(go_ids[-1], value.split()[0], "is_a"))
    return GoGraph.build([(go_id, Aspect.BIOLOGICAL_PROCESS) for go_id in go_ids], edges)


def read_pairs(path: Path) -> list[tuple[str, str]]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(row[0], row[1]) for row in rows]


def read_scores(path: Path, delta: Delta, graph: GoGraph) -> PredictionTable:
    rows = [line.split() for line in path.read_text().splitlines()]
    return PredictionTable.from_rows(
        [(accession, go_id, float(score)) for accession, go_id, score in rows],
        targets=delta.accessions,
        graph=graph,
        live_ids={},
    )


def copy_example(folder: Path, *, ontology: str, truth: str, predictions: str, to: Path) -> Path:
    (to / "predictions").mkdir(parents=True)
    for source, name in ((ontology, "ontology.obo"), (truth, "truth.tsv"), (predictions, "predictions/p.tsv")):
        (to / name).write_bytes((folder / source).read_bytes())
    return to


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_the_disorder_example_is_measured_as_by_cafaeval(number: int, tmp_path: Path) -> None:
    example, predictions = EXAMPLES / "idpo", f"predictions/pred_{number}.tsv"
    names = {"ontology": "IDPO_disorder_function.obo", "truth": "ground_truth.tsv"}
    delta, graph = read_example(example, **names, known=None)
    rows = cafaeval().run(copy_example(example, **names, predictions=predictions, to=tmp_path / "case"))
    recipe = EvaluatorRecipe(propagation=Propagation.MAX, drops_orphans=False, cohort=Cohort.ANNOTATED, n_resamples=0)

    (result,) = measure_category(
        delta,
        Category.NO_KNOWLEDGE,
        read_scores(example / predictions, delta, graph),
        Measurement(graph, None, recipe),
    ).values()

    ((expected),) = best_of(rows, "").values()
    assert result.unweighted is not None
    actual = (result.fmax, result.unweighted.micro_fmax, result.unweighted.smin)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("number", "with_interest"), list(product([1, 2], [True, False])))
def test_the_partial_knowledge_toy_is_measured_as_by_cafaeval_protea(
    number: int, with_interest: bool, tmp_path: Path, fork: PeerEvaluator
) -> None:
    example, predictions = EXAMPLES / "pk", f"predictions/pred_{number}.tsv"
    delta, graph = read_example(
        example, ontology="go-sample.obo", truth="ground_truth_partial.tsv", known="known_t0.tsv"
    )
    case = RealCase(delta, graph, read_scores(example / predictions, delta, graph))
    folder = case.write(tmp_path / "case", Category.PARTIAL_KNOWLEDGE)
    interest = np.array([go_id not in {"GO:0008150", "GO:0050879"} for go_id in graph.go_ids])
    (folder / "interest.tsv").write_text("".join(f"{graph.go_ids[row]}\n" for row in np.flatnonzero(interest)))
    rows = fork.run(
        folder,
        exclude=str(folder / "known.tsv"),
        no_orphans=True,
        toi_file=str(folder / "interest.tsv") if with_interest else None,
    )
    recipe = EvaluatorRecipe(propagation=Propagation.MAX, cohort=Cohort.MIXED, n_resamples=0)
    measurement = Measurement(graph, None, recipe, of_interest=interest if with_interest else None)

    (result,) = measure_category(delta, Category.PARTIAL_KNOWLEDGE, case.predictions, measurement).values()

    ((expected),) = best_of(rows, "").values()
    assert result.unweighted is not None
    actual = (result.fmax, result.unweighted.micro_fmax, result.unweighted.smin)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9)


def test_the_exact_mode_is_never_below_the_grid_on_the_fly() -> None:
    for category in Category:
        case = fly_case(category)
        coarse, exact = (
            measure_category(
                case.delta,
                category,
                case.predictions,
                Measurement(case.graph, case.accretion, EvaluatorRecipe(thresholds=thresholds, n_resamples=0)),
            )
            for thresholds in Thresholds
        )
        assert sorted(exact) == sorted(coarse)
        for namespace, result in coarse.items():
            assert exact[namespace].fmax >= result.fmax - 1e-12
            ours, theirs = exact[namespace].weighted, result.weighted
            assert ours is not None
            assert theirs is not None
            assert ours.fmax >= theirs.fmax - 1e-12
