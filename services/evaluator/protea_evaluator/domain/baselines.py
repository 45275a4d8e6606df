"""What any method has to beat: predictions from term frequency, from alignment hits and from listed annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from protea_common.domain.ontology import ASPECTS, GoGraph
from protea_common.errors import PermanentError
from protea_evaluator.domain.prediction_table import PredictionTable
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys

__all__ = ["LEAST_SCORE", "Hit", "HitFileError", "listed_terms", "naive", "read_hits", "transfer_by_alignment"]

LEAST_SCORE = 0.01
"""Scores below it are left out: the thresholds of a grid begin there, and rare terms are most of the ontology."""

HITS_PER_QUERY = 50
"""Best hits that vote; more change little and let distant kin in."""

_MOST_HITS = 20_000_000
_COLUMNS = 3


class HitFileError(PermanentError):
    """A table of alignment hits cannot be read; says which line is wrong."""

    slug = "hit-file-invalid"

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(
            f"Line {line} {problem}. Give a table without a header: query, subject and bit score, separated by tabs."
        )
        self.line = line


@dataclass(frozen=True, slots=True)
class Hit:
    """An alignment of a query with an annotated protein; ``bits`` are above 0."""

    query: str
    subject: str
    bits: float


def naive(known: ProteinTerms, targets: Sequence[str], graph: GoGraph) -> PredictionTable:
    """Predict for all proteins the same: each term by how many of the proteins known in its aspect have it.

    Parameters
    ----------
    known
        Propagated pairs of t0.

    References
    ----------
    Radivojac et al. 2013, Nat Methods 10:221 (the Naive method).
    """
    counts = np.bincount(known.terms, minlength=len(graph.go_ids))
    cohorts = known.cohorts()
    n_known = np.array([cohorts.get(aspect, 0) for aspect in ASPECTS])[graph.aspects]
    shares = np.divide(counts, n_known, out=np.zeros(len(counts)), where=n_known > 0)
    terms = np.flatnonzero(shares >= LEAST_SCORE).astype(np.int32)
    proteins = np.repeat(np.arange(len(targets), dtype=np.int32), len(terms))
    keys = pair_keys(proteins, np.tile(terms, len(targets)), graph)
    return PredictionTable.best_of(keys, np.tile(shares[terms], len(targets)), graph)


def read_hits(lines: Iterable[str], targets: frozenset[str]) -> list[Hit]:
    """Read the hits of some queries; a protein's hit with itself is left out.

    Raises
    ------
    HitFileError
        If a line has no bit score above 0, or there are too many lines.
    """
    hits = []
    for number, line in enumerate(lines, start=1):
        if number > _MOST_HITS:
            raise HitFileError(number, f"is one too many: at most {_MOST_HITS} are read")
        fields = line.split("\t")
        if len(fields) < _COLUMNS:
            raise HitFileError(number, f"has {len(fields)} columns instead of 3")
        if fields[0] in targets and fields[0] != fields[1]:
            hits.append(Hit(fields[0], fields[1], _bits(fields[2], number)))
    return hits


def _bits(text: str, line: int) -> float:
    try:
        bits = float(text)
    except ValueError:
        bits = 0.0
    if not 0 < bits < float("inf"):
        raise HitFileError(line, "has no bit score above 0")
    return bits


def transfer_by_alignment(
    hits: Iterable[Hit], donors: Sequence[str], known: ProteinTerms, targets: Sequence[str], graph: GoGraph
) -> PredictionTable:
    """Let the best hits vote for their terms, each with its bit score.

    A term scores the bits of the hits that have it, as a share of the bits of all hits that are annotated in its
    aspect.

    Parameters
    ----------
    hits
        In any order; the `HITS_PER_QUERY` best of each query that are annotated count, the best of a repeated pair.
    donors
        Accessions that the proteins of ``known`` are positions in.
    known
        Propagated pairs of t0.
    """
    votes = _votes(hits, {name: row for row, name in enumerate(donors)}, targets)
    n_terms = len(graph.go_ids)
    annotated = sparse.csr_matrix((np.ones(len(known)), (known.proteins, known.terms)), (len(donors), n_terms))
    in_aspect = sparse.csr_matrix(
        (np.ones(len(known)), (known.proteins, known.aspects)), (len(donors), len(ASPECTS))
    ).minimum(1)
    bits, totals = (votes @ annotated).tocoo(), (votes @ in_aspect).toarray()
    scores = bits.data / totals[bits.row, graph.aspects[bits.col]]
    kept = scores >= LEAST_SCORE
    keys = pair_keys(bits.row[kept].astype(np.int32), bits.col[kept].astype(np.int32), graph)
    return PredictionTable.best_of(keys, np.minimum(scores[kept], 1.0), graph)


def _votes(hits: Iterable[Hit], row_of: Mapping[str, int], targets: Sequence[str]) -> sparse.csr_matrix:
    """Bits by query and donor."""
    best: dict[str, dict[int, float]] = {}
    for hit in hits:
        donor = row_of.get(hit.subject)
        if donor is not None:
            own = best.setdefault(hit.query, {})
            own[donor] = max(own.get(donor, 0.0), hit.bits)
    rows, columns, bits = [], [], []
    for row, target in enumerate(targets):
        ranked = sorted(best.get(target, {}).items(), key=lambda item: (-item[1], item[0]))[:HITS_PER_QUERY]
        rows += [row] * len(ranked)
        columns += [donor for donor, _ in ranked]
        bits += [value for _, value in ranked]
    return sparse.csr_matrix((bits, (rows, columns)), (len(targets), len(row_of)))


def listed_terms(proteins: NDArray[np.int32], terms: NDArray[np.int32], graph: GoGraph) -> PredictionTable:
    """Predict what a list says, with the score 1 for each pair, whether or not it repeats."""
    keys = pair_keys(proteins, terms, graph)
    return PredictionTable.best_of(keys, np.ones(len(keys)), graph)
