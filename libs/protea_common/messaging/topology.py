"""Exchanges, queues and bindings as values, and the platform's own set of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "DEAD_LETTER_EXCHANGE",
    "DEAD_LETTER_QUEUE",
    "DELIVERY_LIMIT",
    "EVENTS_EXCHANGE",
    "UNLIMITED_DELIVERIES",
    "Binding",
    "Exchange",
    "ExchangeKind",
    "Queue",
    "Topology",
    "WorkQueue",
    "embedding_pool_queue",
    "protea_topology",
]

EVENTS_EXCHANGE = "protea.events"
"""Every event is published here; another name separates old publishers from new consumers."""

DEAD_LETTER_EXCHANGE = "protea.dlx"
"""Receives what no consumer could do; it is an argument of the live queues, which a new name would have to replace."""

DEAD_LETTER_QUEUE = "protea.dead-letter"
"""Holds dead letters until they are written to the database."""

DELIVERY_LIMIT = 50
"""Returns after which a message is taken for poison and dead-lettered.

Lower, and polite returns at shutdowns (which count before RabbitMQ 4.3) look like poison. Higher, and a message that
kills its worker takes more workers with it. Attempts are counted in the database, not here.
"""

UNLIMITED_DELIVERIES = 1_000_000_000
"""Limit of the dead-letter queue, where a lost message is lost for good.

Said as a number, since RabbitMQ 4 takes 20 where nothing is said, and 3.10 refuses the -1 that turns the limit off.
"""


class ExchangeKind(StrEnum):
    """How an exchange chooses queues: by topic pattern, or all of them."""

    TOPIC = "topic"
    FANOUT = "fanout"


class WorkQueue(StrEnum):
    """The queues that services take work from."""

    PING = "protea.ping"
    INGEST = "protea.ingest"
    EMBEDDINGS = "protea.embeddings"
    EMBEDDINGS_BATCH = "protea.embeddings.batch"
    PREDICTIONS = "protea.predictions"
    PREDICTIONS_BATCH = "protea.predictions.batch"
    EVALUATIONS = "protea.evaluations"
    TRAINING = "protea.training"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: ExchangeKind


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable, replicated (quorum) queue.

    Attributes
    ----------
    delivery_limit
        Times a message may come back; at the next return it is dead-lettered, or dropped if there is nowhere to.
    dead_letter_exchange
        Where such messages go.
    """

    name: str
    delivery_limit: int = DELIVERY_LIMIT
    dead_letter_exchange: str | None = None

    @property
    def arguments(self) -> dict[str, str | int]:
        """The declaration's arguments as RabbitMQ 3.10 to 4.x spells them."""
        arguments: dict[str, str | int] = {"x-queue-type": "quorum", "x-delivery-limit": self.delivery_limit}
        if self.dead_letter_exchange is not None:
            # At-least-once dead-lettering is only to be had together with reject-publish.
            arguments["x-dead-letter-exchange"] = self.dead_letter_exchange
            arguments["x-dead-letter-strategy"] = "at-least-once"
            arguments["x-overflow"] = "reject-publish"
        return arguments


@dataclass(frozen=True, slots=True)
class Binding:
    """Messages of ``exchange`` whose routing key matches the pattern go to ``queue``."""

    exchange: str
    queue: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """What must exist on the broker before anyone publishes."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


def embedding_pool_queue(pool: str) -> str:
    """Name the queue of a pool of embedder workers."""
    return f"{WorkQueue.EMBEDDINGS_BATCH}.{pool}"


def protea_topology(operations: Mapping[str, str], *, embedding_pools: Collection[str] = ()) -> Topology:
    """Describe the platform's exchanges, queues and bindings.

    Parameters
    ----------
    operations
        The queue of each operation, by the operation's name; queues are those of `WorkQueue`.
    embedding_pools
        Pools of embedder workers that have a queue of their own, for models of a size class.

    Returns
    -------
    topology
        The same value for the same operations in any order.

    Raises
    ------
    ValueError
        If an operation names a queue that is not a `WorkQueue`.
    """
    pools = {pool: embedding_pool_queue(pool) for pool in sorted(embedding_pools)}
    names = (*WorkQueue, *pools.values())
    work_queues = tuple(Queue(name, dead_letter_exchange=DEAD_LETTER_EXCHANGE) for name in names)
    return Topology(
        exchanges=(
            Exchange(EVENTS_EXCHANGE, ExchangeKind.TOPIC),
            Exchange(DEAD_LETTER_EXCHANGE, ExchangeKind.FANOUT),
        ),
        queues=(*work_queues, Queue(DEAD_LETTER_QUEUE, delivery_limit=UNLIMITED_DELIVERIES)),
        bindings=(
            *_operation_bindings(operations),
            *_batch_bindings(pools),
            Binding(DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE, ""),
        ),
    )


def _operation_bindings(operations: Mapping[str, str]) -> Iterator[Binding]:
    for operation, queue in sorted(operations.items()):
        yield Binding(EVENTS_EXCHANGE, WorkQueue(queue), f"job.created.{operation}")


def _batch_bindings(pools: Mapping[str, str]) -> Iterator[Binding]:
    yield Binding(EVENTS_EXCHANGE, WorkQueue.EMBEDDINGS_BATCH, "embeddings.batch.requested")
    # Each pool by its name: a pattern for all would give the queue of no pool a copy of everything.
    for pool, queue in pools.items():
        yield Binding(EVENTS_EXCHANGE, queue, f"embeddings.batch.requested.{pool}")
    yield Binding(EVENTS_EXCHANGE, WorkQueue.PREDICTIONS_BATCH, "predictions.batch.requested")
