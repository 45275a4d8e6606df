"""Predictions as the evaluator takes them: of the target proteins only, one score for each term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_common.errors import PermanentError
from protea_evaluator.domain.protein_terms import ProteinTerms, pair_keys
from protea_evaluator.domain.term_rows import UNKNOWN_ROW, rows_of_terms

__all__ = ["LEAST_SCORE", "PredictionTable", "ScoreOutOfRangeError"]

LEAST_SCORE = 0.00005
"""Scores below it are written 0.0000 and left out.

No threshold reaches them; lowered, a namespace with nothing but zeros would crash cafaeval 1.3.0.
"""


class ScoreOutOfRangeError(PermanentError):
    """A prediction has a score that is not a number in [0, 1]."""

    slug = "score-out-of-range"

    def __init__(self, accession: str, go_id: str, score: float) -> None:
        super().__init__(f"{accession} has the score {score} for {go_id}; predict again with scores in [0, 1].")
        self.accession = accession
        self.go_id = go_id


@dataclass(frozen=True, slots=True, eq=False)
class PredictionTable:
    """Scored pairs of a protein and a term.

    Attributes
    ----------
    pairs
        Distinct pairs; proteins are positions in the accessions of a `Delta`.
    scores
        Score of each pair, in [`LEAST_SCORE`, 1], shape ``(n_pairs,)``.
    """

    pairs: ProteinTerms
    scores: NDArray[np.float64]

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[tuple[str, str, float]],
        *,
        targets: Sequence[str],
        graph: GoGraph,
        live_ids: Mapping[str, str],
    ) -> PredictionTable:
        """Keep what concerns the targets, with the best score where a term repeats.

        Parameters
        ----------
        rows
            Accession, GO identifier and score, in any order.
        targets
            Accessions of the proteins to keep, see `Delta`.
        graph
            The ontology of the ground truth; terms it does not hold are left out.
        live_ids
            Live identifier of each merged one, for terms that the graph does not hold.

        Raises
        ------
        ScoreOutOfRangeError
            If the score of a target's term is not in [0, 1].
        """
        position_of = {accession: position for position, accession in enumerate(targets)}
        kept = [row for row in rows if row[0] in position_of]
        number_of = {go_id: number for number, go_id in enumerate(dict.fromkeys(go_id for _, go_id, _ in kept))}
        return cls.from_columns(
            np.array([position_of[accession] for accession, _, _ in kept], dtype=np.int64),
            np.array([number_of[go_id] for _, go_id, _ in kept], dtype=np.int64),
            np.array([score for _, _, score in kept], dtype=np.float64),
            names={number: go_id for go_id, number in number_of.items()},
            targets=targets,
            graph=graph,
            live_ids=live_ids,
        )

    @classmethod
    def from_columns(
        cls,
        proteins: NDArray[np.int64],
        term_ids: NDArray[np.int64],
        scores: NDArray[np.float64],
        *,
        names: Mapping[int, str],
        targets: Sequence[str],
        graph: GoGraph,
        live_ids: Mapping[str, str],
    ) -> PredictionTable:
        """Build the table as `from_rows` does, from millions of predictions.

        Parameters
        ----------
        proteins, term_ids, scores
            Position among the targets, number of the term and score of each, in any order, shape ``(n,)``.
        names
            GO identifier of each number; a number without one is left out.
        """
        distinct, position = np.unique(term_ids, return_inverse=True)
        go_ids = [names.get(number, "") for number in distinct.tolist()]
        wrong = np.flatnonzero(~((scores >= 0.0) & (scores <= 1.0)))
        if len(wrong):
            first = wrong[0]
            raise ScoreOutOfRangeError(targets[proteins[first]], go_ids[position[first]], float(scores[first]))
        terms = rows_of_terms(go_ids, graph, live_ids)[position]
        counts = (terms != UNKNOWN_ROW) & (scores >= LEAST_SCORE)
        return cls.best_of(pair_keys(proteins[counts], terms[counts], graph), scores[counts], graph)

    @classmethod
    def best_of(cls, keys: NDArray[np.int64], scores: NDArray[np.float64], graph: GoGraph) -> PredictionTable:
        """Build the table from keys, see `pair_keys`, in any order, with the best score of repeated ones."""
        order = np.argsort(keys, kind="stable")
        ascending = keys[order]
        starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])[: len(keys)])
        best = np.maximum.reduceat(scores[order], starts) if len(keys) else scores
        pairs = ProteinTerms.from_keys(ascending[starts], graph)
        return cls(pairs, best[np.searchsorted(ascending[starts], pairs.keys(graph))])

    def where(self, mask: NDArray[np.bool_]) -> PredictionTable:
        """Keep the pairs that the mask marks, shape ``(n_pairs,)``."""
        return PredictionTable(self.pairs.where(mask), self.scores[mask])
