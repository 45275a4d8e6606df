"""Which predictions are shown, on a small ontology drawn by hand.

ROOT -- binding -- dna -- enhancer
                \\- atp
"""

from __future__ import annotations

import pytest

from protea_cli.demo.ancestry import Ancestry
from protea_cli.demo.highlights import Prediction, choose_highlights, read_pairs, read_predictions
from protea_common.domain.ontology import Aspect, Relation, Term
from protea_ingest.domain.obo import OntologyDocument

PARENTS = {"binding": "ROOT", "dna": "binding", "enhancer": "dna", "atp": "binding"}


def ancestry() -> Ancestry:
    return Ancestry({child: frozenset({parent}) for child, parent in PARENTS.items()}, {})


def predicted(accession: str, **scores: float) -> list[Prediction]:
    return [Prediction(accession, go_id, go_id, "F", score) for go_id, score in scores.items()]


def shown(predictions: list[Prediction], *, targets: set[tuple[str, str]] | None = None) -> dict[str, list[str]]:
    wanted = {(prediction.accession, "F") for prediction in predictions} if targets is None else targets
    chosen = choose_highlights(predictions, ancestry(), targets=wanted, n_proteins=5, n_terms=3)
    return {highlight.accession: [term.go_id for term in highlight.terms] for highlight in chosen}


# ROOT and binding are predicted for all three, dna for two of them, the rest for one each.
PREDICTIONS = [
    *predicted("P1", ROOT=1.0, binding=1.0, dna=0.9, enhancer=0.8),
    *predicted("P2", ROOT=1.0, binding=1.0, atp=0.9),
    *predicted("P3", ROOT=0.9, binding=0.9, dna=0.6),
]


def test_rare_terms_come_first_and_roots_never() -> None:
    # ln 3 x 0.81 = 0.89 for atp, ln 3 x 0.64 = 0.70 for enhancer, ln 1.5 x 0.36 = 0.15 for dna of P3.
    assert shown(PREDICTIONS) == {"P2": ["atp"], "P1": ["enhancer"], "P3": ["dna"]}
    assert list(shown(PREDICTIONS)) == ["P2", "P1", "P3"]


def test_only_the_wanted_aspects_of_proteins_are_shown_and_all_are_counted() -> None:
    # Were P1 and P3 not counted, every term of P2 would be predicted for all and weigh nothing.
    assert shown(PREDICTIONS, targets={("P2", "F"), ("P1", "C")}) == {"P2": ["atp"]}


def test_a_term_with_faint_support_gives_way_to_a_strong_one() -> None:
    predictions = [*predicted("P1", dna=0.9, atp=0.44), *predicted("P2", ROOT=1.0)]

    # atp is as rare as dna, but has less than half of the protein's best score.
    assert shown(predictions)["P1"] == ["dna"]


def test_unrelated_terms_of_one_protein_are_shown_together() -> None:
    predictions = [*predicted("P1", enhancer=0.9, dna=0.9, atp=0.8), *predicted("P2", ROOT=1.0)]

    assert shown(predictions)["P1"] == ["dna", "atp"]


def test_members_of_a_family_are_shown_once() -> None:
    predictions = [*predicted("P1", atp=0.9), *predicted("P2", atp=0.8), *predicted("P3", dna=0.7)]

    # ln 3 x 0.49 = 0.54 for dna, ln 1.5 x 0.81 = 0.33 for atp of P1.
    assert shown(predictions) == {"P3": ["dna"], "P1": ["atp"]}
    assert list(shown(predictions)) == ["P3", "P1"]


def test_no_predictions_give_nothing_to_show() -> None:
    assert shown([]) == {}


def test_the_table_is_read_by_its_header() -> None:
    lines = [
        "protein_accession\tgo_id\tgo_name\tgo_aspect\tscore\tdistance",
        "Q9VB68\tGO:0003677\tDNA binding\tF\t0.912345\t0.1",
    ]

    assert list(read_predictions(lines)) == [Prediction("Q9VB68", "GO:0003677", "DNA binding", "F", 0.912345)]


def test_pairs_are_gathered_by_protein() -> None:
    assert read_pairs(["P1\tGO:1", "P2\tGO:1", "P1\tGO:2"]) == {"P1": {"GO:1", "GO:2"}, "P2": {"GO:1"}}


def test_ancestors_are_those_by_is_a_and_part_of_inside_an_aspect() -> None:
    terms = [
        Term(go_id, go_id, aspect, None, is_obsolete=False)
        for go_id, aspect in [
            ("GO:1", Aspect.MOLECULAR_FUNCTION),
            ("GO:2", Aspect.MOLECULAR_FUNCTION),
            ("GO:3", Aspect.MOLECULAR_FUNCTION),
            ("GO:9", Aspect.BIOLOGICAL_PROCESS),
        ]
    ]
    relations = [
        Relation("GO:3", "GO:2", "part_of"),
        Relation("GO:2", "GO:1", "is_a"),
        Relation("GO:3", "GO:9", "part_of"),
        Relation("GO:1", "GO:9", "regulates"),
    ]
    document = OntologyDocument("releases/2019-01-27", tuple(terms), tuple(relations), dropped_relations=0)

    found = Ancestry.of(document)

    assert found.with_ancestors("GO:3") == {"GO:1", "GO:2", "GO:3"}
    assert found.all_with_ancestors(["GO:2", "GO:9"]) == {"GO:1", "GO:2", "GO:9"}
    assert found.all_with_ancestors([]) == frozenset()
    assert found.aspect("GO:9") is Aspect.BIOLOGICAL_PROCESS
    assert found.aspect("GO:404") is None


@pytest.mark.parametrize("go_id", ["GO:404", ""])
def test_an_unknown_term_has_only_itself_above(go_id: str) -> None:
    assert ancestry().with_ancestors(go_id) == {go_id}
