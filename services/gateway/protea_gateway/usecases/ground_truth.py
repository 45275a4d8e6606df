"""The files of an evaluation set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final
from uuid import UUID

from protea_common.db import UnitOfWork
from protea_common.storage import ArtifactStore
from protea_gateway.adapters.storage.evaluations import EvaluationStore
from protea_gateway.adapters.storage.proteins import ProteinStore
from protea_gateway.domain.errors import NotFoundError
from protea_gateway.domain.fasta_lines import fasta_entry

__all__ = [
    "CATEGORIES",
    "GROUND_TRUTH_FILES",
    "DeleteEvaluationSet",
    "ReadDeltaProteins",
    "ReadGroundTruth",
    "ReadReport",
]

CATEGORIES: Final = ("NK", "LK", "PK")
"""Categories of knowledge, in the order in which they are told."""

GROUND_TRUTH_FILES: Final = (
    "ground-truth-NK.tsv",
    "ground-truth-LK.tsv",
    "ground-truth-PK.tsv",
    "known-terms.tsv",
    "ground-truth.parquet",
)
"""What the evaluator keeps in a set's folder of the artifact store."""


class ReadGroundTruth:
    """Reads one file of an evaluation set."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, set_id: UUID, filename: str) -> AsyncIterator[bytes]:
        """Give the file's bytes.

        Raises
        ------
        NotFoundError
            If there is no such set.
        ArtifactNotFoundError
            If the set's files are gone.
        """
        async with self._unit_of_work() as work:
            folder = (await EvaluationStore(work.session).get(set_id)).groundtruth_uri
        if folder is None:
            raise NotFoundError("ground truth of evaluation set", set_id)
        return _whole(await self._artifacts.get(f"{self._artifacts.key_from_uri(folder)}/{filename}"))


class ReadDeltaProteins:
    """Writes the proteins that gained terms as FASTA, so that they can be asked about."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], read_ground_truth: ReadGroundTruth) -> None:
        self._unit_of_work = unit_of_work
        self._read_ground_truth = read_ground_truth

    async def __call__(self, set_id: UUID, categories: Sequence[str]) -> AsyncIterator[bytes]:
        """Give the entries in the order of the accessions; proteins without a stored sequence are left out.

        Parameters
        ----------
        categories
            Of `CATEGORIES`; each header names those of its protein.

        Raises
        ------
        NotFoundError, ArtifactNotFoundError
            If there is no such set, or its files are gone.
        """
        members: dict[str, list[str]] = {}
        for category in categories:
            pairs = b"".join(
                [part async for part in await self._read_ground_truth(set_id, f"ground-truth-{category}.tsv")]
            )
            for accession in sorted({line.partition("\t")[0] for line in pairs.decode().splitlines()}):
                members.setdefault(accession, []).append(category)
        return self._entries(members)

    async def _entries(self, members: dict[str, list[str]]) -> AsyncIterator[bytes]:
        async with self._unit_of_work() as work:
            async for proteins in ProteinStore(work.session).with_sequences(sorted(members)):
                yield b"".join(fasta_entry(protein, members[protein.accession]) for protein in proteins)


class ReadReport:
    """Reads the report of a result."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, set_id: UUID, result_id: UUID) -> AsyncIterator[bytes]:
        """Give the file's bytes.

        Raises
        ------
        NotFoundError
            If the set has no such result.
        ArtifactNotFoundError
            If no report was written yet.
        """
        async with self._unit_of_work() as work:
            await EvaluationStore(work.session).get_result(set_id, result_id)
        return _whole(await self._artifacts.get(f"evaluations/results/{result_id}/report.html"))


class DeleteEvaluationSet:
    """Deletes an evaluation set, then its files: files without a set do no harm, a set without files would."""

    def __init__(self, *, unit_of_work: Callable[[], UnitOfWork], artifacts: ArtifactStore) -> None:
        self._unit_of_work = unit_of_work
        self._artifacts = artifacts

    async def __call__(self, set_id: UUID) -> None:
        """Delete, or raise `NotFoundError`."""
        async with self._unit_of_work() as work:
            store = EvaluationStore(work.session)
            folder = (await store.get(set_id)).groundtruth_uri
            await store.delete(set_id)
        if folder is not None:
            for filename in GROUND_TRUTH_FILES:
                await self._artifacts.delete(f"{self._artifacts.key_from_uri(folder)}/{filename}")


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
