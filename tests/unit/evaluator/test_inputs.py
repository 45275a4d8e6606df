from __future__ import annotations

from protea_evaluator.domain.inputs import EvaluationInputs, prepare_inputs
from protea_evaluator.domain.knowledge import Category, Delta, split_by_knowledge
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.recipe import EvaluatorRecipe
from support.evaluation import (
    BINDING,
    CATALYSIS,
    CELLULAR_PROCESS,
    COMPONENT,
    FUNCTION,
    KINASE,
    NUCLEOLUS,
    NUCLEUS,
    PHOSPHORYLATION,
    PROCESS,
    WITHIN_CELL,
    small_graph,
    table,
)

GRAPH = small_graph()
NK, LK, PK = Category.NO_KNOWLEDGE, Category.LIMITED_KNOWLEDGE, Category.PARTIAL_KNOWLEDGE

DELTA = split_by_knowledge(
    table(("P2", BINDING), ("P3", WITHIN_CELL)),
    table(("P1", KINASE), ("P2", PHOSPHORYLATION), ("P3", NUCLEOLUS), ("P3", WITHIN_CELL)),
    GRAPH,
)
"""P1 is of no knowledge, P2 of limited knowledge in BPO, P3 of partial knowledge in CCO."""


def prepared(category: Category, *rows: tuple[str, str, float], delta: Delta = DELTA) -> EvaluationInputs:
    predictions = PredictionTable.from_rows(rows, targets=delta.accessions, graph=GRAPH, live_ids={})
    return prepare_inputs(delta, category, predictions=predictions, graph=GRAPH)


def terms_in(inputs: EvaluationInputs) -> set[str]:
    lines = "".join(inputs.ontology).splitlines()
    return {line.removeprefix("id: ") for line in lines if line.startswith("id: ")}


def test_truth_of_no_knowledge_is_written_as_annotated() -> None:
    inputs = prepared(NK)

    assert list(inputs.truth) == [f"P1\t{KINASE}\n"]
    assert inputs.cohorts == {"molecular_function": 1}


def test_predictions_are_kept_for_the_proteins_and_aspects_of_the_category() -> None:
    rows = [("P1", KINASE, 0.9), ("P2", PHOSPHORYLATION, 0.8), ("P2", BINDING, 0.7), ("P3", NUCLEUS, 0.6)]

    assert list(prepared(LK, *rows).predictions) == [f"P2\t{PHOSPHORYLATION}\t0.8000\n"]


def test_scores_are_written_with_four_decimals() -> None:
    assert list(prepared(NK, ("P1", KINASE, 0.123456)).predictions) == [f"P1\t{KINASE}\t0.1235\n"]


def test_the_ontology_holds_truth_and_predictions_with_their_ancestors() -> None:
    assert terms_in(prepared(NK, ("P1", BINDING, 0.5))) == {FUNCTION, BINDING, CATALYSIS, KINASE}


def test_a_protein_with_nothing_but_a_root_is_not_in_the_cohort() -> None:
    new = table(("P1", PROCESS), ("P2", PROCESS), ("P2", CELLULAR_PROCESS))
    delta = split_by_knowledge(table(), new, GRAPH)

    inputs = prepared(NK, delta=delta)

    assert list(inputs.truth) == [f"P2\t{CELLULAR_PROCESS}\n"]
    assert inputs.cohorts == {"biological_process": 1}


def test_known_terms_and_their_ancestors_are_no_truth_of_partial_knowledge() -> None:
    assert set(prepared(PK).truth) == {f"P3\t{NUCLEUS}\n", f"P3\t{NUCLEOLUS}\n"}


def test_known_terms_are_taken_out_of_predictions_after_propagation() -> None:
    inputs = prepared(PK, ("P3", NUCLEOLUS, 0.9), ("P3", WITHIN_CELL, 0.4))

    assert set(inputs.predictions) == {f"P3\t{NUCLEUS}\t0.9000\n", f"P3\t{NUCLEOLUS}\t0.9000\n"}


def test_partial_knowledge_is_measured_on_a_flat_ontology() -> None:
    text = "".join(prepared(PK).ontology)

    assert f"id: {NUCLEOLUS}\nnamespace: cellular_component\nis_a: {COMPONENT}\n" in text


def test_a_protein_that_gained_only_ancestors_of_known_terms_is_not_in_the_cohort_of_partial_knowledge() -> None:
    old = table(("P1", NUCLEOLUS), ("P2", NUCLEUS))
    new = table(("P1", NUCLEUS), ("P2", NUCLEOLUS))
    delta = split_by_knowledge(old, new, GRAPH)

    inputs = prepared(PK, ("P1", NUCLEUS, 0.9), delta=delta)

    assert delta.stats["pk_proteins"] == 2
    assert inputs.cohorts == {"cellular_component": 1}
    assert list(inputs.predictions) == []


def test_what_is_prepared_is_measured_by_proteas_recipe() -> None:
    assert prepared(NK).recipe == EvaluatorRecipe()
