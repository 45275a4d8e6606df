"""Neighbours that PostgreSQL finds: an HNSW index of pgvector over the vectors of one recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.domain.distance import DistanceMetric
from protea_common.errors import PermanentError
from protea_predictor.domain.distances import Vectors

__all__ = ["NotIndexableError", "VectorIndexStore"]

_MOST_DIMENSIONS = 4_000
"""What pgvector indexes of half-precision vectors."""

_MOST_SCANNED = 200_000
"""Vectors that the search for one query looks at, at most, until enough are of the pool; fewer lose recall in small
pools, more make a query slow whose pool is far away."""

_MOST_EF_SEARCH = 1_000
"""What pgvector allows."""

_LOCKS = 0x564543
"""Space of the advisory locks under which indexes are made, one per index."""

_OPERATORS = {DistanceMetric.COSINE: ("<=>", "halfvec_cosine_ops"), DistanceMetric.L2: ("<->", "halfvec_l2_ops")}


class NotIndexableError(PermanentError):
    """The vectors of the recipe are longer than pgvector can index; search with another backend."""

    slug: ClassVar[str] = "not-indexable"


@dataclass(frozen=True, slots=True)
class VectorIndexStore:
    """The index of a recipe's vectors for one metric.

    Attributes
    ----------
    session
        A session in a transaction.
    embedding_config_id, dimension, metric
        What is indexed, and for which distance.
    """

    session: AsyncSession
    embedding_config_id: UUID
    dimension: int
    metric: DistanceMetric

    @property
    def name(self) -> str:
        """Name of the index."""
        return f"ix_hnsw_{self.embedding_config_id.hex}_{self.metric.value}"

    def using(self, session: AsyncSession) -> VectorIndexStore:
        """Give the same in another transaction."""
        return replace(self, session=session)

    async def ensure(self) -> None:
        """Make the index if there is none; others who want it wait, and so do writers of vectors.

        Raises
        ------
        NotIndexableError
            If the vectors are too long.
        """
        if self.dimension > _MOST_DIMENSIONS:
            raise NotIndexableError(
                f"Vectors of recipe {self.embedding_config_id} have {self.dimension} dimensions, and pgvector indexes "
                f"up to {_MOST_DIMENSIONS}; choose search_backend=numpy or faiss."
            )
        if await self._exists():
            return
        lock = text("SELECT pg_advisory_xact_lock(:space, hashtext(:name))")
        await self.session.execute(lock, {"space": _LOCKS, "name": self.name})
        _, operators = _OPERATORS[self.metric]
        await self.session.execute(
            text(
                f"CREATE INDEX IF NOT EXISTS {self.name} ON sequence_embedding "
                f"USING hnsw ((embedding::halfvec({self.dimension})) {operators}) WHERE {self._condition}"
            )
        )

    async def nearest(
        self, queries: Vectors, members: NDArray[np.int64], *, count: int, ef_search: int
    ) -> NDArray[np.int64]:
        """Find sequences near each query among the members of a pool.

        Parameters
        ----------
        queries
            Shape ``(n, D)``.
        members
            Sequences that may be found.
        count
            How many for each query.
        ef_search
            Vectors that a search keeps at hand, up to 1,000; at least ``count`` are.

        Returns
        -------
        sequence_ids
            The nearest first, padded with -1, shape ``(n, count)``.
        """
        found = np.full((len(queries), count), -1, dtype=np.int64)
        if members.size == 0:
            return found
        await self._configure(min(max(ef_search, count), _MOST_EF_SEARCH))
        parameters = {
            "vectors": [HalfVector(vector).to_text() for vector in queries],
            "members": members.tolist(),
            "count": count,
        }
        rows = (await self.session.execute(text(self._query), parameters)).all()
        if rows:
            query_rows, places, sequence_ids = np.array(rows, dtype=np.int64).T
            found[query_rows - 1, places - 1] = sequence_ids
        return found

    async def _exists(self) -> bool:
        statement = text("SELECT to_regclass(:name) IS NOT NULL")
        return bool(await self.session.scalar(statement, {"name": self.name}))

    async def _configure(self, ef_search: int) -> None:
        settings = {
            "hnsw.ef_search": ef_search,
            "hnsw.iterative_scan": "strict_order",
            "hnsw.max_scan_tuples": _MOST_SCANNED,
            # Without sorts only the index gives the order; otherwise a filter on many members looks cheaper.
            "enable_sort": "off",
        }
        statement = text("SELECT set_config(:name, :value, true)")
        await self.session.execute(statement, [{"name": name, "value": str(value)} for name, value in settings.items()])

    @property
    def _condition(self) -> str:
        return f"embedding_config_id = '{self.embedding_config_id}' AND chunk_index_e IS NULL"

    @property
    def _query(self) -> str:
        operator, _ = _OPERATORS[self.metric]
        return f"""
            SELECT asked.n, found.place, found.sequence_id
            FROM unnest(CAST(:vectors AS text[])) WITH ORDINALITY AS asked (vector, n)
            CROSS JOIN LATERAL (
                SELECT sequence_id, row_number() OVER () AS place FROM (
                    SELECT sequence_id FROM sequence_embedding
                    WHERE {self._condition} AND sequence_id = ANY (CAST(:members AS bigint[]))
                    ORDER BY embedding::halfvec({self.dimension})
                        {operator} asked.vector::halfvec({self.dimension})
                    LIMIT :count
                ) AS nearest
            ) AS found
        """  # noqa: S608 - made of a UUID, a number and an operator of this module
