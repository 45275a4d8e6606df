"""The ground truth of an evaluation set, as the evaluator leaves it in the artifact store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from protea_common.domain.ontology import GoGraph
from protea_common.errors import PermanentError
from protea_common.storage import ArtifactStore
from protea_predictor.domain.reranking.categories import CATEGORIES, Category
from protea_predictor.domain.reranking.truth import Pairs

__all__ = ["GroundTruth", "GroundTruthError", "read_ground_truth"]


class GroundTruthError(PermanentError):
    """The files of an evaluation set cannot be read; generate it again."""

    slug: ClassVar[str] = "ground-truth-unreadable"


@dataclass(frozen=True, slots=True, eq=False)
class GroundTruth:
    """What proteins gained, as annotated.

    Attributes
    ----------
    accessions
        Proteins that gained a term, ascending; pairs refer to positions in it.
    gained
        By category.
    known
        Pairs known at t0 in the aspects of partial knowledge.
    """

    accessions: tuple[str, ...]
    gained: Mapping[Category, Pairs]
    known: Pairs


async def read_ground_truth(artifacts: ArtifactStore, uri: str, graph: GoGraph) -> GroundTruth:
    """Read the files of an evaluation set.

    Parameters
    ----------
    uri
        Their folder.
    graph
        The graph that their terms are rows of; other terms are an error.

    Raises
    ------
    ArtifactNotFoundError
        If a file is gone.
    GroundTruthError
        If a file is not what the evaluator writes.
    """
    folder = artifacts.key_from_uri(uri)
    files = {category: await artifacts.get(f"{folder}/ground-truth-{category.upper()}.tsv") for category in CATEGORIES}
    known = await artifacts.get(f"{folder}/known-terms.tsv")
    lines = {category: list(_lines(content)) for category, content in files.items()}
    accessions = tuple(sorted({accession for listed in lines.values() for accession, _ in listed}))
    row_of = {accession: row for row, accession in enumerate(accessions)}
    return GroundTruth(
        accessions=accessions,
        gained={category: _pairs(listed, row_of, graph) for category, listed in lines.items()},
        known=_pairs([line for line in _lines(known) if line[0] in row_of], row_of, graph),
    )


def _lines(content: bytes) -> Iterator[tuple[str, str]]:
    for line in content.decode().splitlines():
        accession, separator, go_id = line.partition("\t")
        if not separator:
            raise GroundTruthError("A line of the ground truth is not 'accession TAB term'; generate it again.")
        yield accession, go_id


def _pairs(lines: list[tuple[str, str]], row_of: Mapping[str, int], graph: GoGraph) -> Pairs:
    try:
        terms = [graph.row_of[go_id] for _, go_id in lines]
    except KeyError as exc:
        raise GroundTruthError(
            f"The ground truth has the term {exc.args[0]}, which the ontology snapshot does not; give the snapshot "
            "that the evaluation set was made with."
        ) from None
    queries = [row_of[accession] for accession, _ in lines]
    return Pairs(np.array(queries, dtype=np.int64), np.array(terms, dtype=np.int64))
