"""Recipes of embeddings, and the vectors made by them."""

from __future__ import annotations

from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from protea_common.orm.base import Base, CreatedAt, Digest, IdentityKey
from protea_common.orm.sequence import Sequence

__all__ = ["EmbeddingConfig", "SequenceEmbedding"]


class EmbeddingConfig(Base):
    """A recipe for embeddings, never changed: another value in any field is another recipe.

    Written by the embedder.

    Attributes
    ----------
    id
        Follows from the recipe's fields, so that the same recipe has the same id on every machine.
    model_name, model_backend
        The model, and the code that runs it.
    weights_uri, weights_digest
        Where the weights lie, when not at a public model hub, and their SHA-256.
    layer_indices
        Layers counted from the end: 0 is the last one.
    layer_agg
        How layers become one: mean, last, concat.
    pooling
        How residues become one vector: mean, max, cls, mean_max.
    normalize_residues, normalize
        Scale each residue's vector (before pooling) and the pooled vector to unit length.
    max_length
        Residues of a sequence, or of a chunk, that the model sees; the rest is cut off.
    chunk_size, chunk_overlap
        Residues per chunk and shared with the next one, when ``use_chunking``.
    embedding_scale
        Divisor applied before vectors are stored in half precision, whose greatest number is 65,504.
    convention_version
        Raised when our own code turns the same weights into other vectors.
    dimension
        Length of the vectors; null until the first one is known.
    is_language_model
        Whether a protein language model makes the vectors, as opposed to counted k-mers.
    licence
        Licence of the weights, shown to whoever chooses the recipe.
    description, display_name, family, param_count
        For display only.
    """

    __tablename__ = "embedding_config"
    __table_args__ = (CheckConstraint("chunk_overlap >= 0 AND chunk_overlap < chunk_size", name="overlap_below_size"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    model_name: Mapped[str] = mapped_column(index=True)
    model_backend: Mapped[str] = mapped_column(server_default="esm")
    weights_uri: Mapped[str | None]
    weights_digest: Mapped[Digest | None]
    layer_indices: Mapped[list[int]] = mapped_column(JSONB)
    layer_agg: Mapped[str] = mapped_column(server_default="mean")
    pooling: Mapped[str] = mapped_column(server_default="mean")
    normalize_residues: Mapped[bool] = mapped_column(server_default=text("false"))
    normalize: Mapped[bool] = mapped_column(server_default=text("true"))
    max_length: Mapped[int] = mapped_column(server_default=text("1022"))
    use_chunking: Mapped[bool] = mapped_column(server_default=text("false"))
    chunk_size: Mapped[int] = mapped_column(server_default=text("512"))
    chunk_overlap: Mapped[int] = mapped_column(server_default=text("0"))
    embedding_scale: Mapped[float] = mapped_column(server_default=text("1.0"))
    convention_version: Mapped[int] = mapped_column(server_default=text("1"))
    dimension: Mapped[int | None]
    is_language_model: Mapped[bool] = mapped_column(server_default=text("true"))
    licence: Mapped[str | None]
    description: Mapped[str | None]
    display_name: Mapped[str | None]
    family: Mapped[str | None]
    param_count: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]


class SequenceEmbedding(Base):
    """The vector of a sequence, or of one chunk of it, under a recipe.

    Written by the embedder.

    Attributes
    ----------
    chunk_index_s, chunk_index_e
        Residues the vector covers, 0-based, end exclusive; ``(0, NULL)`` for the whole sequence.
    embedding
        Half precision, shape ``(embedding_dim,)``. The column has no fixed dimension, since each recipe has its own.
    residues
        Residues that the model saw.
    truncated
        Whether residues were cut off because the sequence is longer than ``max_length``.
    """

    __tablename__ = "sequence_embedding"
    __table_args__ = (
        UniqueConstraint(
            "sequence_id", "embedding_config_id", "chunk_index_s", name="uq_sequence_embedding_sequence_config_chunk"
        ),
        # A vector stays in its row as long as the row fits a page, and only beyond that goes out of line. Storage
        # PLAIN reads and loads alike, but refuses vectors over 4,000 dimensions.
        {"postgresql_with": {"toast_tuple_target": 8160}},
    )

    id: Mapped[IdentityKey]
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequence.id", ondelete="CASCADE"))
    embedding_config_id: Mapped[UUID] = mapped_column(
        ForeignKey("embedding_config.id", ondelete="RESTRICT"), index=True
    )
    chunk_index_s: Mapped[int] = mapped_column(server_default=text("0"))
    chunk_index_e: Mapped[int | None]
    embedding: Mapped[list[float]] = mapped_column(HALFVEC())
    embedding_dim: Mapped[int]
    convention_version: Mapped[int] = mapped_column(server_default=text("1"))
    residues: Mapped[int | None]
    truncated: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]

    sequence: Mapped[Sequence] = relationship(lazy="raise")
    embedding_config: Mapped[EmbeddingConfig] = relationship(lazy="raise")
