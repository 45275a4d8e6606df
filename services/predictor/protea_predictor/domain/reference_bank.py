"""The bank of references that queries are compared with: what it is chosen by, its version, and its arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.reference_annotations import ReferenceAnnotations

__all__ = ["ReferenceBank", "ReferenceProteins", "ReferenceSelection", "ReferenceVersion", "bank_digest"]

_LAYOUT = 2
"""Part of every digest: raise it when the same selection and version come to mean other arrays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSelection:
    """Which proteins are references, and which of their annotations they give.

    Attributes
    ----------
    embedding_config_id
        Recipe of the vectors; a protein without one is no reference.
    annotation_set_id, ontology_snapshot_id
        The annotations, and the release of GO that interprets them.
    votes_reach_ancestors
        Whether an annotation counts for the terms above it too.
    evidence_codes
        Annotations with other codes are left out; sorted and distinct, ``None`` where all are given.
    reviewed_only
        Whether proteins that no curator reviewed are left out.
    taxon_ids
        Proteins of other taxa are left out, and those of none; sorted and distinct, ``None`` where all are let in.
    excluded_taxon_ids
        Proteins of these taxa are left out; sorted and distinct.
    annotated_until
        Annotations dated later or not at all are left out; ``None`` where all are given.
    """

    embedding_config_id: UUID
    annotation_set_id: UUID
    ontology_snapshot_id: UUID
    votes_reach_ancestors: bool
    evidence_codes: tuple[str, ...] | None = None
    reviewed_only: bool = False
    taxon_ids: tuple[int, ...] | None = None
    excluded_taxon_ids: tuple[int, ...] = ()
    annotated_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceVersion:
    """What a selection held when a job was cut: annotations never change, proteins and embeddings may.

    Attributes
    ----------
    references
        Proteins.
    newest_embedding_id
        Greatest id among their embeddings; later ones are not looked at.
    fingerprint
        Sum of hashes over each protein with its embedding and the time that was written.
    dimension
        Length of the vectors.
    """

    references: int
    newest_embedding_id: int
    fingerprint: str
    dimension: int


def bank_digest(selection: ReferenceSelection, version: ReferenceVersion) -> str:
    """Name the bank of a selection and version: 32 hex digits that no other bank has."""
    parts = {"layout": _LAYOUT, "selection": asdict(selection), "version": asdict(version)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceProteins:
    """The proteins of a bank, in the order of its rows.

    Attributes
    ----------
    accessions
        UTF-8, ascending by bytes and distinct, shape ``(n,)``.
    sequence_ids
        Sequence of each; several proteins may share one, int64, same shape.
    lengths
        Residues, int32, same shape.
    taxon_ids
        NCBI ids, int32, 0 where the database has none, same shape.
    """

    accessions: NDArray[np.bytes_]
    sequence_ids: NDArray[np.int64]
    lengths: NDArray[np.int32]
    taxon_ids: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.accessions)

    def rows_of(self, accessions: Sequence[str]) -> NDArray[np.int64]:
        """Find the row of each accession; -1 for one that is no reference."""
        wanted = np.array([accession.encode() for accession in accessions], dtype=np.bytes_)
        if len(self) == 0:
            return np.full(len(wanted), -1, dtype=np.int64)
        rows = np.minimum(np.searchsorted(self.accessions, wanted), len(self) - 1)
        return np.where(self.accessions[rows] == wanted, rows, -1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceBank:
    """References with their vectors and annotations; the arrays may be mapped from a file.

    Attributes
    ----------
    proteins
        Who they are.
    vectors
        Half precision, shape ``(n, D)``.
    annotations
        What they give to queries.
    """

    proteins: ReferenceProteins
    vectors: NDArray[np.float16]
    annotations: ReferenceAnnotations
