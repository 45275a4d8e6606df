"""The demo's tables, as text."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from protea_cli.demo.highlights import Highlight, Prediction
from protea_cli.demo.tables import evaluation_table, highlights_table
from protea_common.domain.fasta import FastaRecord

MEASURES = {"fmax": 0.5124, "precision": 0.61, "recall": 0.4411, "tau": 0.3, "coverage": 1.0, "n_proteins": 30}


def as_text(table: Table) -> str:
    file = io.StringIO()
    Console(file=file, width=110).print(table)
    return file.getvalue()


def row_with(text: str, *words: str) -> str:
    return next(line for line in text.splitlines() if all(word in line for word in words))


def test_a_cell_with_fewer_than_thirty_proteins_is_marked() -> None:
    results = {"NK": {"MFO": MEASURES | {"cohort": 29}, "BPO": MEASURES | {"cohort": 30}}}

    text = as_text(evaluation_table(results))

    assert row_with(text, "nothing (NK)", "molecular function").split()[-6:] == [
        "29",
        "0.512",
        "0.610",
        "0.441",
        "1.000",
        "few",
    ]
    assert row_with(text, "biological process").split()[-1] == "1.000"


def test_what_was_not_measured_is_no_zero() -> None:
    text = as_text(evaluation_table({"NK": {}}))

    assert row_with(text, "some of this aspect (PK)", "molecular function").split()[-5:] == ["0", "-", "-", "-", "-"]


def test_proteins_have_their_gene_and_terms_their_confirmation() -> None:
    terms = (
        Prediction("Q9VB68", "GO:0004252", "serine-type endopeptidase activity", "F", 0.934),
        Prediction("Q9VB68", "GO:0006508", "proteolysis", "P", 0.7),
    )
    record = FastaRecord("Q9VB68", "MKV", None, None, "Drosophila melanogaster", 7227, "grass", "Serine protease")

    text = as_text(
        highlights_table(
            [Highlight("Q9VB68", terms)], {"Q9VB68": record}, learned={"Q9VB68": frozenset({"GO:0004252"})}
        )
    )

    assert row_with(text, "Q9VB68 grass", "GO:0004252", "molecular function", "0.93").rstrip().endswith("yes")
    assert row_with(text, "GO:0006508", "biological process").rstrip().endswith("0.70")
