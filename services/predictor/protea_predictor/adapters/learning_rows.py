"""The rows of a cell from a dataset's file into arrays that a booster learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_predictor.adapters.dataset_files import ReadBlock, read_blocks
from protea_predictor.domain.reranking.categories import Cell
from protea_predictor.domain.reranking.columns import ColumnPlan
from protea_predictor.domain.reranking.rows import LearningRows, thin_negatives

__all__ = ["CellRows", "TooManyRowsError", "load_cell"]


class TooManyRowsError(PermanentError):
    """More rows than may be learnt from at once."""

    slug: ClassVar[str] = "too-many-rows"


Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class CellRows:
    """Rows of a cell.

    Attributes
    ----------
    rows
        What is learnt from.
    accessions, aspects
        Protein, and position in `ASPECTS`, of each row, shape ``(n,)``.
    scores
        What the recipe of the dataset says of each, same shape.
    """

    rows: LearningRows
    accessions: NDArray[np.object_]
    aspects: NDArray[np.int8]
    scores: NDArray[np.float32]


def load_cell(
    path: Path,
    *,
    plan: ColumnPlan,
    cell: Cell,
    max_rows: int,
    negatives_per_positive: float | None = None,
    seed: int = 0,
) -> CellRows:
    """Read the rows of a cell; false ones are thinned block by block, so that they need not all fit into memory.

    Parameters
    ----------
    plan
        Which features.
    max_rows
        Rows that are held at most, after thinning.
    negatives_per_positive
        False rows kept for each true one of a block; ``None`` for all.
    seed
        Of the thinning.

    Raises
    ------
    TooManyRowsError
        If there are more.
    """
    parts: list[_Part] = []
    held = 0
    for number, block in enumerate(read_blocks(path, features=plan.names, cell=cell)):
        parts.append(_thinned(block, plan, ratio=negatives_per_positive, seed=seed + number))
        held += len(parts[-1].labels)
        if held > max_rows:
            raise TooManyRowsError(
                f"Cell {cell.name} has more than {max_rows} rows; set negatives_per_positive, or raise max_rows if "
                "there is memory for them."
            )
    return _joined(parts, n_columns=len(plan.names))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Rows of a block that are kept; ``n_proteins`` are those of the whole block."""

    features: NDArray[np.float32]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float32]
    multiplicities: NDArray[np.float32]
    scores: NDArray[np.float32]
    proteins: NDArray[np.int64]
    accessions: NDArray[np.object_]
    aspects: NDArray[np.int8]
    n_proteins: int


def _thinned(block: ReadBlock, plan: ColumnPlan, *, ratio: float | None, seed: int) -> _Part:
    kept, multiplicity = thin_negatives(block.labels, ratio=ratio, seed=seed)
    labels = block.labels[kept]
    return _Part(
        features=plan.matrix(block)[kept],
        labels=labels,
        weights=block.weights[kept],
        multiplicities=block.multiplicities[kept] * np.where(labels, 1.0, multiplicity).astype(np.float32),
        scores=block.scores[kept],
        proteins=block.proteins[kept],
        accessions=block.accessions[kept],
        aspects=block.aspects[kept],
        n_proteins=int(block.proteins[-1]) + 1,
    )


def _joined(parts: Sequence[_Part], *, n_columns: int) -> CellRows:
    def column(name: str, dtype: type[Scalar]) -> NDArray[Scalar]:
        return np.concatenate([np.empty(0, dtype), *(getattr(part, name) for part in parts)])

    firsts = np.concatenate(([0], np.cumsum([part.n_proteins for part in parts]))).astype(np.int64)
    numbers = [first + part.proteins for first, part in zip(firsts, parts, strict=False)]  # the last begins no part
    rows = LearningRows(
        features=np.concatenate([np.empty((0, n_columns), np.float32), *(part.features for part in parts)]),
        labels=column("labels", np.bool_),
        weights=column("weights", np.float32),
        proteins=np.concatenate([np.empty(0, np.int64), *numbers]),
        multiplicities=column("multiplicities", np.float32),
    )
    return CellRows(
        rows=rows,
        accessions=column("accessions", np.object_),
        aspects=column("aspects", np.int8),
        scores=column("scores", np.float32),
    )
