"""Our evaluator on files, as a program of its own; `evaluation.py` starts it beside the others.

python benchmarks/evaluation_worker.py ONTOLOGY.obo PREDICTIONS.tsv TRUTH.tsv
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.measures.cell import split_into_cells
from protea_evaluator.domain.measures.curve import draw_curve
from protea_evaluator.domain.measures.summary import summarise
from protea_evaluator.domain.measures.sums import count_by_protein, grid, sum_counts
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.propagation import propagate_scores, propagate_terms
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_evaluator.domain.recipe import Propagation
from protea_ingest.domain.obo import parse_obo

THRESHOLD_STEP = 0.01
BLOCK_CHARACTERS = 2**18


def read_graph(path: Path) -> GoGraph:
    """Read the live terms of an OBO file."""
    with path.open(encoding="utf-8") as lines:
        document = parse_obo(lines)
    return GoGraph.build(document.live_terms(), document.relations)


def read_columns(path: Path, *, n_columns: int) -> Iterator[list[list[str]]]:
    """Read a table without a header, as columns, a quarter of a mebibyte of it at a time."""
    with path.open(encoding="utf-8") as file:
        while text := file.read(BLOCK_CHARACTERS):
            fields = (text + file.readline()).replace("\n", "\t").split("\t")[:-1]
            yield [fields[column::n_columns] for column in range(n_columns)]


def keys_of(columns: Sequence[Sequence[str]], code_of: dict[str, int], graph: GoGraph) -> NDArray[np.int64]:
    """Give each row the number of its protein and term."""
    proteins = np.fromiter(map(code_of.__getitem__, columns[0]), dtype=np.int32, count=len(columns[0]))
    terms = np.fromiter(map(graph.row_of.__getitem__, columns[1]), dtype=np.int32, count=len(columns[1]))
    return pair_keys(proteins, terms, graph)


def read_predictions(path: Path, code_of: dict[str, int], graph: GoGraph) -> PredictionTable:
    """Read scored pairs, the best score where a term repeats."""
    blocks = [
        (keys_of(columns, code_of, graph), np.fromiter(map(float, columns[2]), dtype=np.float64))
        for columns in read_columns(path, n_columns=3)
    ]
    keys, scores = zip(*blocks, strict=True)
    return PredictionTable.best_of(np.concatenate(keys), np.concatenate(scores), graph)


def measure(ontology: Path, predictions: Path, truth: Path) -> dict[str, float]:
    """Fmax by namespace: scores raised to ancestors by the best child, roots left out, CAFA's averages."""
    graph = read_graph(ontology)
    accessions, terms = map(list, map(chain.from_iterable, zip(*read_columns(truth, n_columns=2), strict=True)))
    code_of = {accession: code for code, accession in enumerate(sorted(set(accessions)))}
    true = ProteinTerms.from_keys(keys_of([accessions, terms], code_of, graph), graph)
    cells = split_into_cells(
        propagate_terms(true, graph),
        propagate_scores(read_predictions(predictions, code_of, graph), graph, Propagation.MAX),
        graph,
        weights=(np.diff(graph.closure_indptr) > 1).astype(np.float64),
    )
    curves = {
        aspect.value: (draw_curve(sum_counts(count_by_protein(cell, grid(THRESHOLD_STEP)))), cell.cohort)
        for aspect, cell in cells.items()
    }
    summaries = {name: summarise(curve, cohort=cohort) for name, (curve, cohort) in curves.items()}
    return {name: summary.fmax for name, summary in summaries.items() if summary is not None}


if __name__ == "__main__":
    print(json.dumps(measure(*map(Path, sys.argv[1:4]))))
