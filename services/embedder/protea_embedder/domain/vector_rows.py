"""Vectors with the accessions that they belong to, as files hold them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

__all__ = ["FileHead", "VectorRow"]


@dataclass(frozen=True, slots=True, eq=False)
class VectorRow:
    """A stored vector.

    Attributes
    ----------
    accession
        Of the protein, or as the query set calls it.
    start, end
        Residues that it covers, 0-based, end exclusive; ``(0, None)`` for the whole sequence.
    residues
        How many of them the model saw.
    truncated
        Whether the sequence is longer than that.
    vector
        float16, shape ``(D,)``.
    """

    accession: str
    start: int
    end: int | None
    residues: int | None
    truncated: bool
    vector: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class FileHead:
    """What a file says about all its vectors.

    Attributes
    ----------
    embedding_config_id
        Recipe of the vectors.
    recipe
        It, as JSON.
    licence
        Of the weights that made them.
    dimension
        Length of a vector.
    """

    embedding_config_id: UUID
    recipe: str
    licence: str
    dimension: int
