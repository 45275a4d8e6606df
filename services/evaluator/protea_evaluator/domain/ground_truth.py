"""The ground truth of an evaluation set as tables, to be read by people and by other evaluators."""

from __future__ import annotations

from protea_common.domain.ontology import GoGraph
from protea_evaluator.domain.knowledge import Delta
from protea_evaluator.domain.protein_terms import ProteinTerms

__all__ = ["ground_truth_files"]


def ground_truth_files(delta: Delta, graph: GoGraph) -> dict[str, bytes]:
    """Write one file for each category and one for the known terms.

    Parameters
    ----------
    graph
        The ontology that ``delta`` was read in.

    Returns
    -------
    files
        By name: ``ground-truth-NK.tsv`` and so on, and ``known-terms.tsv``. Lines are ``accession TAB go_id``, sorted,
        without a header, terms as annotated. A category without pairs is an empty file.
    """
    truth = {f"ground-truth-{category}.tsv": pairs for category, pairs in delta.truth.items()}
    files = truth | {"known-terms.tsv": delta.known}
    return {name: _table(pairs, delta, graph) for name, pairs in files.items()}


def _table(pairs: ProteinTerms, delta: Delta, graph: GoGraph) -> bytes:
    rows = zip(pairs.proteins, pairs.terms, strict=True)
    return "".join(sorted(f"{delta.accessions[protein]}\t{graph.go_ids[term]}\n" for protein, term in rows)).encode()
