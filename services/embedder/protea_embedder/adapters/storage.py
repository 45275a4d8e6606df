"""All SQL of the embedder: recipes, sequences, vectors, and the sums over a job's batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeAlias
from uuid import UUID

import numpy as np
from sqlalchemy import ARRAY, BigInteger, Exists, Row, Select, Text, any_, cast, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from protea_common.db import copy_binary
from protea_common.errors import PermanentError
from protea_common.orm import EmbeddingConfig as ConfigRow
from protea_common.orm import JobBatch, Protein, QuerySet, QuerySetEntry, SequenceEmbedding
from protea_common.orm import Sequence as SequenceRow
from protea_embedder.adapters.binary_copy import COPY_COLUMNS, copy_chunks
from protea_embedder.domain.embedding_config import ConfigText, EmbeddingConfig
from protea_embedder.domain.job_cut import SequenceLengths
from protea_embedder.domain.recipe import EmbeddingRecipe
from protea_embedder.domain.stored_vectors import StoredVectors
from protea_embedder.domain.vector_rows import VectorRow

__all__ = [
    "ConfigStore",
    "EmbeddingConfigNotFoundError",
    "EmbeddingStore",
    "JobTotals",
    "NamedSequence",
    "QuerySetNotFoundError",
    "SequenceSelection",
    "SequenceStore",
    "UnknownAccessionsError",
]

SequenceSelection: TypeAlias = Select[int] | Select[int | None]
"""Ids of sequences as a query, so that no list of them has to travel."""

_NAMED_ACCESSIONS = 5
"""Unknown accessions that an error names; more would bury its message."""

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""

_VECTORS_PER_FETCH = 1_000
"""Vectors read at a time: some megabytes."""

_RECIPE_COLUMNS = tuple(getattr(ConfigRow, field.name) for field in fields(EmbeddingRecipe))

_COLUMNS = ", ".join(COPY_COLUMNS)

_CREATE_INCOMING = text(f"""
    CREATE TEMPORARY TABLE incoming_embedding WITH (toast_tuple_target = 8160) ON COMMIT DROP AS
    SELECT {_COLUMNS} FROM sequence_embedding WITH NO DATA
""")  # noqa: S608 - names of columns, no input

# In the order of the key: of two jobs that write the same sequences the second waits, and neither deadlocks.
_INSERT_MISSING = text(f"""
    WITH written AS (
        INSERT INTO sequence_embedding ({_COLUMNS})
        SELECT {_COLUMNS} FROM incoming_embedding ORDER BY sequence_id, chunk_index_s
        ON CONFLICT (sequence_id, embedding_config_id, chunk_index_s) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM written
""")  # noqa: S608 - as above

_INSERT_OR_REPLACE = text(f"""
    WITH written AS (
        INSERT INTO sequence_embedding ({_COLUMNS})
        SELECT {_COLUMNS} FROM incoming_embedding ORDER BY sequence_id, chunk_index_s
        ON CONFLICT (sequence_id, embedding_config_id, chunk_index_s) DO UPDATE SET
            embedding = EXCLUDED.embedding, embedding_dim = EXCLUDED.embedding_dim, residues = EXCLUDED.residues,
            chunk_index_e = EXCLUDED.chunk_index_e, truncated = EXCLUDED.truncated,
            convention_version = EXCLUDED.convention_version, created_at = now()
        RETURNING 1
    )
    SELECT count(*) FROM written
""")  # noqa: S608 - as above


class EmbeddingConfigNotFoundError(PermanentError):
    """No embedding recipe has this id."""

    slug: ClassVar[str] = "embedding-config-not-found"
    status: ClassVar[int] = 404


class QuerySetNotFoundError(PermanentError):
    """No query set has this id."""

    slug: ClassVar[str] = "query-set-not-found"
    status: ClassVar[int] = 404


class UnknownAccessionsError(PermanentError):
    """Some of the accessions have no sequence in the database.

    Attributes
    ----------
    accessions
        Those accessions, sorted.
    """

    slug: ClassVar[str] = "unknown-accessions"

    def __init__(self, accessions: Sequence[str]) -> None:
        named = ", ".join(accessions[:_NAMED_ACCESSIONS])
        more = f" and {len(accessions) - _NAMED_ACCESSIONS} more" if len(accessions) > _NAMED_ACCESSIONS else ""
        super().__init__(
            f"{len(accessions)} of the accessions have no sequence in the database: {named}{more}. "
            "Load these proteins first, or leave them out."
        )
        self.accessions = tuple(accessions)


@dataclass(frozen=True, slots=True)
class NamedSequence:
    """A sequence with its id; the residues stay out of ``repr``, so that no log shows them."""

    id: int
    residues: str

    def __repr__(self) -> str:
        return f"NamedSequence(id={self.id}, {len(self.residues)} residues)"


@dataclass(frozen=True, slots=True)
class JobTotals:
    """What the batches of a job came to.

    Attributes
    ----------
    batches
        All of the job's batches.
    sequences, residues
        Embedded by them.
    vectors_written
        Rows that they added or replaced; fewer than ``sequences`` when another job was faster, more with chunks.
    truncated
        Sequences of which the recipe lets the model see only the start.
    in_windows
        Sequences that were too long for the device and seen part by part.
    """

    batches: int
    sequences: int
    residues: int
    vectors_written: int
    truncated: int = 0
    in_windows: int = 0


class ConfigStore:
    """Table ``embedding_config``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, config_id: UUID) -> EmbeddingConfig:
        """Read a recipe.

        Raises
        ------
        EmbeddingConfigNotFoundError
            If there is none.
        InvalidRecipeError
            If the row contradicts itself.
        """
        columns = (ConfigRow.weights_uri, ConfigRow.dimension, ConfigRow.param_count, *_RECIPE_COLUMNS)
        statement = select(*columns).where(ConfigRow.id == config_id)
        row = (await self._session.execute(statement)).mappings().one_or_none()
        if row is None:
            raise EmbeddingConfigNotFoundError(
                f"There is no embedding recipe {config_id}; fit a k-mer encoder or choose one that exists."
            )
        return _embedding_config(config_id, dict(row))

    async def add(self, config: EmbeddingConfig, shown: ConfigText) -> None:
        """Keep a recipe; one that is there already stays as it is."""
        values = asdict(config.recipe) | {
            "id": config.id,
            "layer_indices": list(config.recipe.layer_indices),
            "weights_uri": config.weights_uri,
            "dimension": config.dimension,
        }
        statement = upsert(ConfigRow).values(**values, **asdict(shown))
        await self._session.execute(statement.on_conflict_do_nothing(index_elements=[ConfigRow.id]))

    async def licence(self, config_id: UUID) -> str:
        """Read the licence of a recipe's weights; nothing if none was stated."""
        return await self._session.scalar(select(ConfigRow.licence).where(ConfigRow.id == config_id)) or ""

    async def learn_dimension(self, config: EmbeddingConfig, dimension: int) -> None:
        """Remember the length of a recipe's vectors if it was not known before the first of them."""
        if config.dimension is None:
            await self._session.execute(
                update(ConfigRow)
                .where(ConfigRow.id == config.id, ConfigRow.dimension.is_(None))
                .values(dimension=dimension)
                .execution_options(synchronize_session=False)
            )


class SequenceStore:
    """Tables ``sequence``, ``protein`` and ``query_set``, which others write."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def of_all_proteins(self) -> SequenceSelection:
        """Select the sequences of all proteins."""
        return select(Protein.sequence_id).where(Protein.sequence_id.is_not(None))

    async def of_query_set(self, query_set_id: UUID) -> SequenceSelection:
        """Select the sequences of a query set.

        Raises
        ------
        QuerySetNotFoundError
            If there is no such query set.
        """
        if await self._session.scalar(select(QuerySet.id).where(QuerySet.id == query_set_id)) is None:
            raise QuerySetNotFoundError(f"There is no query set {query_set_id}; it may have been deleted.")
        return select(QuerySetEntry.sequence_id).where(QuerySetEntry.query_set_id == query_set_id)

    async def of_accessions(self, accessions: Sequence[str]) -> SequenceSelection:
        """Select the sequences of proteins.

        Raises
        ------
        UnknownAccessionsError
            If one of them is no protein, or one without a sequence.
        """
        wanted = cast(list(accessions), ARRAY(Text))
        has_sequence = Protein.accession == any_(wanted), Protein.sequence_id.is_not(None)
        known = await self._session.scalars(select(Protein.accession).where(*has_sequence))
        if unknown := sorted(set(accessions).difference(known)):
            raise UnknownAccessionsError(unknown)
        return select(Protein.sequence_id).where(*has_sequence)

    async def count_embedded(self, selection: SequenceSelection, *, config_id: UUID) -> int:
        """Count the distinct sequences of a selection that a recipe has embedded already."""
        embedded = SequenceRow.id.in_(selection) & _is_embedded(config_id)
        return await self._session.scalar(select(func.count(SequenceRow.id)).where(embedded)) or 0

    async def lengths(self, selection: SequenceSelection, *, without_vectors_of: UUID | None) -> SequenceLengths:
        """Read the lengths of a selection's sequences, by ascending id.

        Parameters
        ----------
        selection
            Which sequences; repeats count once.
        without_vectors_of
            Leave out what this recipe has embedded already; None leaves out nothing.
        """
        statement = select(SequenceRow.id, SequenceRow.length).where(SequenceRow.id.in_(selection))
        if without_vectors_of is not None:
            statement = statement.where(~_is_embedded(without_vectors_of))
        stream = await self._session.stream(statement.order_by(SequenceRow.id))
        parts = [np.array(rows, dtype=np.int64) async for rows in stream.partitions(_ROWS_PER_FETCH)]
        table = np.concatenate([np.empty((0, 2), dtype=np.int64), *parts])  # (n, 2)
        return SequenceLengths(ids=table[:, 0], residues=table[:, 1])

    async def read(self, ids: Sequence[int]) -> list[NamedSequence]:
        """Read sequences, by ascending id; one that is gone is left out."""
        # One array, not a parameter an id: the statement stays the same for any number of them.
        wanted = any_(cast(list(ids), ARRAY(BigInteger)))
        statement = select(SequenceRow.id, SequenceRow.sequence).where(SequenceRow.id == wanted)
        return [NamedSequence(*row) for row in await self._session.execute(statement.order_by(SequenceRow.id))]

    async def by_accession(self, accessions: Sequence[str], *, query_set_id: UUID | None) -> dict[str, tuple[int, int]]:
        """Find the sequence of each accession, of proteins or of a query set: its id and its length.

        Those that have none are left out.
        """
        named: Any = Protein if query_set_id is None else QuerySetEntry
        statement = select(named.accession, SequenceRow.id, SequenceRow.length).join(
            SequenceRow, SequenceRow.id == named.sequence_id
        )
        if query_set_id is not None:
            statement = statement.where(QuerySetEntry.query_set_id == query_set_id)
        wanted = any_(cast(list(accessions), ARRAY(Text)))
        rows = await self._session.execute(statement.where(named.accession == wanted))
        return {accession: (sequence_id, length) for accession, sequence_id, length in rows}

    async def residues_of_proteins(self, *, limit: int) -> list[str]:
        """Read the distinct sequences of all proteins, lowest hash first, at most ``limit``."""
        statement = (
            select(SequenceRow.sequence)
            .where(SequenceRow.id.in_(self.of_all_proteins()))
            .order_by(SequenceRow.sequence_hash)
            .limit(limit)
        )
        stream = await self._session.stream_scalars(statement)
        return [residues async for rows in stream.partitions(_ROWS_PER_FETCH) for residues in rows]


class EmbeddingStore:
    """Table ``sequence_embedding``, and the counts of the batches that fill it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def write(self, rows: StoredVectors, *, config: EmbeddingConfig, replace: bool) -> int:
        """Write vectors; give how many rows that added or replaced. Once in a transaction.

        Parameters
        ----------
        rows
            Vectors of whole sequences or of chunks.
        config
            Recipe that made them.
        replace
            Whether a vector that is there already is replaced; it is left alone otherwise.
        """
        await self._session.execute(_CREATE_INCOMING)
        chunks = copy_chunks(rows, embedding_config_id=config.id, convention_version=config.recipe.convention_version)
        await copy_binary(self._session, "incoming_embedding", COPY_COLUMNS, chunks)
        return await self._session.scalar(_INSERT_OR_REPLACE if replace else _INSERT_MISSING) or 0

    async def of_proteins(self, config_id: UUID) -> AsyncIterator[list[VectorRow]]:
        """Stream the vectors of all proteins, by accession."""
        statement = _vectors(Protein.accession).join(Protein, Protein.sequence_id == SequenceEmbedding.sequence_id)
        async for rows in self._stream(statement, config_id):
            yield rows

    async def of_query_set(self, config_id: UUID, query_set_id: UUID) -> AsyncIterator[list[VectorRow]]:
        """Stream the vectors of a query set, by accession."""
        statement = (
            _vectors(QuerySetEntry.accession)
            .join(QuerySetEntry, QuerySetEntry.sequence_id == SequenceEmbedding.sequence_id)
            .where(QuerySetEntry.query_set_id == query_set_id)
        )
        async for rows in self._stream(statement, config_id):
            yield rows

    async def _stream(self, statement: Select[Any], config_id: UUID) -> AsyncIterator[list[VectorRow]]:
        chosen = statement.where(SequenceEmbedding.embedding_config_id == config_id)
        stream = await self._session.stream(chosen.order_by(text("1"), SequenceEmbedding.chunk_index_s))
        async for rows in stream.partitions(_VECTORS_PER_FETCH):
            yield [_vector_row(row) for row in rows]

    async def totals(self, job_id: UUID) -> JobTotals:
        """Add up what the batches of a job counted."""
        counted = (
            func.coalesce(func.sum(JobBatch.counts[name].as_integer()), 0)
            for name in ("sequences", "residues", "vectors_written", "truncated", "in_windows")
        )
        row = (await self._session.execute(select(func.count(), *counted).where(JobBatch.job_id == job_id))).one()
        return JobTotals(*row)


def _vector_row(row: Row[Any]) -> VectorRow:
    return VectorRow(
        accession=row.accession,
        start=row.chunk_index_s,
        end=row.chunk_index_e,
        residues=row.residues,
        truncated=row.truncated,
        vector=np.array(row.embedding, dtype=np.float16),
    )


def _vectors(accession: InstrumentedAttribute[str]) -> Select[Any]:
    columns: tuple[Any, ...] = (
        accession,
        SequenceEmbedding.chunk_index_s,
        SequenceEmbedding.chunk_index_e,
        SequenceEmbedding.residues,
        SequenceEmbedding.truncated,
        SequenceEmbedding.embedding,
    )
    return select(*columns).select_from(SequenceEmbedding)


def _is_embedded(config_id: UUID) -> Exists:
    return exists().where(
        SequenceEmbedding.sequence_id == SequenceRow.id, SequenceEmbedding.embedding_config_id == config_id
    )


def _embedding_config(config_id: UUID, row: dict[str, Any]) -> EmbeddingConfig:
    kept = {name: row.pop(name) for name in ("weights_uri", "dimension", "param_count")}
    recipe = EmbeddingRecipe(**row | {"layer_indices": tuple(row["layer_indices"])})
    return EmbeddingConfig(id=config_id, recipe=recipe, **kept)
