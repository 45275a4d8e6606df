"""The demo's two tables: what was predicted for a few proteins, and how all predictions did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from protea_cli.demo.highlights import Highlight
from protea_common.domain.fasta import FastaRecord
from protea_common.domain.ontology import ASPECTS, parse_aspect
from protea_evaluator.domain.knowledge import Category
from protea_evaluator.domain.results import SMALLEST_COHORT, is_too_small

__all__ = ["FEW", "SMALLEST_COHORT", "evaluation_table", "highlights_table"]

FEW: Final = "few"
"""Mark of a cell with too few proteins to be read as more than an indication."""

KNOWN_BEFORE: Final = {
    Category.NO_KNOWLEDGE: "nothing",
    Category.LIMITED_KNOWLEDGE: "another aspect",
    Category.PARTIAL_KNOWLEDGE: "some of this aspect",
}


def highlights_table(
    highlights: Sequence[Highlight], proteins: Mapping[str, FastaRecord], *, learned: Mapping[str, AbstractSet[str]]
) -> Table:
    """Show proteins with their terms; ``learned`` has what each was found to do later, with the terms above."""
    table = _table("protein", "GO term", "name", "aspect", "score", "learned later")
    table.columns[4].justify = "right"
    for highlight in highlights:
        told = _protein(proteins[highlight.accession])
        for term in highlight.terms:
            is_learned = term.go_id in learned.get(highlight.accession, frozenset())
            aspect = parse_aspect(term.aspect).value.replace("_", " ")
            row = (told, term.go_id, term.name, aspect, f"{term.score:.2f}", "yes" if is_learned else "")
            table.add_row(*map(Text, row))
            told = ""
        table.add_section()
    return table


def evaluation_table(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """Show the measures of each category and aspect, with the number of proteins behind them.

    Parameters
    ----------
    results
        As the API gives them: ``{"NK": {"BPO": {"fmax": ..., "cohort": ...}}}``; what was not measured is absent.
    """
    table = _table("known before", "aspect", "proteins", "Fmax", "precision", "recall", "coverage", "")
    for column in table.columns[2:7]:
        column.justify = "right"
    for category in Category:
        told = f"{KNOWN_BEFORE[category]} ({category})"
        for aspect in ASPECTS:
            measures = results.get(category, {}).get(aspect.cafa)
            table.add_row(*map(Text, (told, aspect.value.replace("_", " "), *_cells(measures))))
            told = ""
        table.add_section()
    return table


def _cells(measures: Mapping[str, Any] | None) -> tuple[str, ...]:
    if measures is None:
        return ("0", "-", "-", "-", "-", "")
    figures = (f"{measures[name]:.3f}" for name in ("fmax", "precision", "recall", "coverage"))
    return (f"{measures['cohort']:,}", *figures, FEW if is_too_small(measures["cohort"]) else "")


def _protein(record: FastaRecord) -> str:
    gene = f" {record.gene_name}" if record.gene_name else ""
    return f"{record.accession}{gene}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
