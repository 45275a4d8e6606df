"""The proteins of a query set: which of them have a vector, and those of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, Text, any_, cast, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import read_binary
from protea_common.errors import PermanentError
from protea_common.orm import Protein, QuerySet, QuerySetEntry, SequenceEmbedding
from protea_common.orm import Sequence as SequenceRow
from protea_predictor.adapters.storage.inputs import NotFoundError
from protea_predictor.adapters.storage.references import whole_vectors
from protea_predictor.adapters.vector_stream import VectorStream
from protea_predictor.domain.prediction import Queries

__all__ = ["QueriesGoneError", "QueryCoverage", "QueryStore"]


class QueriesGoneError(PermanentError):
    """Queries or their embeddings were deleted while the job ran; submit it again."""

    slug: ClassVar[str] = "queries-gone"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class QueryCoverage:
    """Which proteins of a query set can be predicted.

    Attributes
    ----------
    entry_ids
        Entries whose sequence has a vector, ascending.
    skipped
        Accessions of the others, in the order of the query set.
    """

    entry_ids: tuple[int, ...]
    skipped: tuple[str, ...]


class QueryStore:
    """Tables ``query_set`` and ``query_set_entry``, which the gateway writes."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def coverage(self, query_set_id: UUID, *, embedding_config_id: UUID) -> QueryCoverage:
        """Divide a query set into the proteins that a recipe has embedded and the others.

        Raises
        ------
        NotFoundError
            If there is no such query set.
        """
        if await self._session.scalar(select(QuerySet.id).where(QuerySet.id == query_set_id)) is None:
            raise NotFoundError("query set", query_set_id)
        is_embedded = exists().where(
            SequenceEmbedding.sequence_id == QuerySetEntry.sequence_id, whole_vectors(embedding_config_id)
        )
        statement = select(QuerySetEntry.id, QuerySetEntry.accession, is_embedded).order_by(QuerySetEntry.id)
        rows = (await self._session.execute(statement.where(QuerySetEntry.query_set_id == query_set_id))).all()
        return QueryCoverage(
            entry_ids=tuple(entry_id for entry_id, _, embedded in rows if embedded),
            skipped=tuple(accession for _, accession, embedded in rows if not embedded),
        )

    async def read(self, entry_ids: Sequence[int], *, embedding_config_id: UUID, dimension: int) -> Queries:
        """Read queries with their vectors, by accession.

        Raises
        ------
        QueriesGoneError
            If an entry or its vector is not there any more.
        MixedDimensionsError
            If the vectors have not the dimension of the references.
        """
        statement = (
            select(QuerySetEntry.accession, QuerySetEntry.sequence_id, SequenceRow.length)
            .join(SequenceRow, SequenceRow.id == QuerySetEntry.sequence_id)
            .where(QuerySetEntry.id == any_(cast(list(entry_ids), ARRAY(BigInteger))))
            .order_by(QuerySetEntry.accession.collate("C"))
        )
        rows = (await self._session.execute(statement)).all()
        return await self._queries(rows, len(entry_ids), embedding_config_id, dimension=dimension)

    async def embedded(self, accessions: Sequence[str], *, embedding_config_id: UUID) -> frozenset[str]:
        """Tell which proteins of the database have a vector under a recipe."""
        statement = (
            select(Protein.accession)
            .join(SequenceEmbedding, SequenceEmbedding.sequence_id == Protein.sequence_id)
            .where(whole_vectors(embedding_config_id), Protein.accession == any_(cast(list(accessions), ARRAY(Text))))
        )
        return frozenset(await self._session.scalars(statement))

    async def read_proteins(self, accessions: Sequence[str], *, embedding_config_id: UUID, dimension: int) -> Queries:
        """Read proteins of the database as queries, in the order given; otherwise as `read`."""
        statement = (
            select(Protein.accession, Protein.sequence_id, SequenceRow.length)
            .join(SequenceRow, SequenceRow.id == Protein.sequence_id)
            .where(Protein.accession == any_(cast(list(accessions), ARRAY(Text))))
        )
        row_of = {row.accession: row for row in await self._session.execute(statement)}
        rows = [row_of[accession] for accession in accessions if accession in row_of]
        return await self._queries(rows, len(accessions), embedding_config_id, dimension=dimension)

    async def _queries(self, rows: Sequence[Any], wanted: int, embedding_config_id: UUID, *, dimension: int) -> Queries:
        vectors = await self._vectors({row.sequence_id for row in rows}, embedding_config_id, dimension=dimension)
        gone = wanted - sum(row.sequence_id in vectors for row in rows)
        if gone:
            raise QueriesGoneError(
                f"{gone} of {wanted} queries, or their embeddings, were deleted while the job ran; submit it again for "
                "what is left."
            )
        return Queries(
            accessions=tuple(row.accession for row in rows),
            sequence_ids=np.array([row.sequence_id for row in rows], dtype=np.int64),
            lengths=np.array([row.length for row in rows], dtype=np.int32),
            vectors=np.stack([vectors[row.sequence_id] for row in rows]),
        )

    async def _vectors(
        self, sequence_ids: set[int], embedding_config_id: UUID, *, dimension: int
    ) -> dict[int, NDArray[np.float16]]:
        found: dict[int, NDArray[np.float16]] = {}

        def keep(ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
            found.update(zip(ids.tolist(), vectors, strict=True))

        statement = select(SequenceEmbedding.sequence_id, SequenceEmbedding.embedding).where(
            whole_vectors(embedding_config_id), SequenceEmbedding.sequence_id.in_(sorted(sequence_ids))
        )
        stream = VectorStream(dimension, keep)
        await read_binary(self._session, statement, stream.feed)
        stream.finish()
        return found
