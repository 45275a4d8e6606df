"""The message bus as the rest of the platform sees it; RabbitMQ and the in-process bus live beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from protea_common.errors import PermanentError, TransientError
from protea_common.messaging.topology import Topology

__all__ = [
    "ATTEMPTS_HEADER",
    "DELIVERY_LIMIT_REASON",
    "ERROR_CODE_HEADER",
    "FIRST_DEATH_QUEUE_HEADER",
    "FIRST_DEATH_REASON_HEADER",
    "QUEUE_HEADER",
    "REASON_HEADER",
    "Acknowledged",
    "BrokerUnavailableError",
    "DeadLettered",
    "Disposition",
    "Handler",
    "HeaderValue",
    "IncomingMessage",
    "Listener",
    "MessageBus",
    "OutgoingMessage",
    "QueueState",
    "Requeued",
    "Subscription",
    "TopologyMismatchError",
    "UnknownQueueError",
    "UnroutableError",
]

REASON_HEADER = "x-protea-reason"
"""Why a consumer gave a message up; dead letters are listed by it, so renaming it orphans the stored ones."""

ERROR_CODE_HEADER = "x-protea-error-code"
"""Name of the error that ended the message; renaming it orphans stored dead letters."""

ATTEMPTS_HEADER = "x-protea-attempts"
"""How often the work was tried; renaming it orphans stored dead letters."""

QUEUE_HEADER = "x-protea-queue"
"""The queue the message was read from; renaming it orphans stored dead letters."""

FIRST_DEATH_REASON_HEADER = "x-first-death-reason"
"""RabbitMQ's own name for why the broker dead-lettered a message; not ours to change."""

FIRST_DEATH_QUEUE_HEADER = "x-first-death-queue"
"""RabbitMQ's own name for the queue a message died in; not ours to change."""

DELIVERY_LIMIT_REASON = "delivery_limit"
"""RabbitMQ's own word for a message that was handed out too often; not ours to change."""

HeaderValue = str | int


class BrokerUnavailableError(TransientError):
    """The message broker did not answer or did not confirm in time; check that it runs and can be reached."""

    slug = "broker-unavailable"


class UnroutableError(PermanentError):
    """No queue is bound for a published message, so nobody would ever have received it.

    Attributes
    ----------
    message_ids
        The messages without a queue. Every other message of the same ``publish`` was confirmed.
    """

    def __init__(self, messages: Sequence[OutgoingMessage]) -> None:
        self.message_ids = frozenset(message.message_id for message in messages)
        keys = ", ".join(sorted({message.routing_key for message in messages}))
        super().__init__(f"No queue is bound for routing key {keys}; declare the binding or start its subscriber")


class UnknownQueueError(PermanentError):
    """A queue was named that is not declared on the broker; declare the topology or correct the name."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        super().__init__(f"Queue {queue!r} is not declared; declare the topology first or correct the name")


class TopologyMismatchError(PermanentError):
    """An exchange or queue exists with other properties; drain and delete it, then start again."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to be published to the events exchange.

    Attributes
    ----------
    message_id
        Unique; consumers recognise a second delivery by it.
    routing_key
        Dot-separated words, at most 255 bytes of UTF-8.
    body
        JSON made by `protea_common.messaging.codec.encode`.
    headers
        Envelope and trace context, carried as they are.
    """

    message_id: str
    routing_key: str
    body: bytes
    headers: Mapping[str, HeaderValue]


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message as a handler receives it.

    Attributes
    ----------
    queue
        The queue it was read from.
    redelivered
        Whether it may have been delivered before.
    delivery_count
        How often it came back to the queue, 0 at first. RabbitMQ before 4.3 also counts what was handed back at a
        shutdown, later versions and the in-process bus count returned work only: a poison guard, not a retry counter.
    """

    message_id: str
    routing_key: str
    body: bytes
    headers: Mapping[str, HeaderValue]
    queue: str
    redelivered: bool
    delivery_count: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue as its broker counts it at one moment.

    Attributes
    ----------
    ready
        Messages that wait; those being handled are not included.
    consumers
        Subscriptions to it, of all processes.
    """

    ready: int
    consumers: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The message is done with; it leaves the queue."""


@dataclass(frozen=True, slots=True)
class Requeued:
    """The message goes back to its queue and is delivered again at once, until the queue's delivery limit."""


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The message will never succeed; a copy that says why goes to the dead-letter queue.

    Attributes
    ----------
    reason
        One sentence for the operator; cut to a length that fits a header.
    error_code
        Name of the error.
    attempts
        How often the work was tried, 1 or more.
    """

    reason: str
    error_code: str
    attempts: int


Disposition = Acknowledged | Requeued | DeadLettered

Handler = Callable[[IncomingMessage], Awaitable[Disposition]]
"""Handles one delivery and says what becomes of it.

A handler that is cancelled, or that raises, puts the message back: first at once, then after growing pauses.
"""

Listener = Callable[[IncomingMessage], Awaitable[object]]
"""Hears one broadcast; the result is ignored and a failure is logged, for a broadcast is never repeated."""


class Subscription(Protocol):
    """A consumer of one queue."""

    async def stop(self, grace: timedelta) -> None:
        """Take no more messages, wait for running handlers, then cancel them.

        Parameters
        ----------
        grace
            How long running handlers may go on. The messages of those cancelled afterwards, and the ones no handler
            had begun, go back to the queue. A second call does nothing.
        """


class MessageBus(Protocol):
    """Publish with confirmation, consume with acknowledgement: at-least-once, in order per queue at prefetch 1."""

    async def connect(self) -> None:
        """Wait until the broker answers.

        Raises
        ------
        BrokerUnavailableError
            If it does not within the connect timeout.
        """

    async def declare(self, topology: Topology) -> None:
        """Create the exchanges, queues and bindings that are missing; may be repeated.

        Raises
        ------
        TopologyMismatchError
            If one exists with other properties.
        BrokerUnavailableError
            If the broker does not answer in time.
        """

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish to the events exchange and return when every message is safely queued; none is fine.

        Raises
        ------
        BrokerUnavailableError
            If a confirmation is missing after the publish timeout. Any of the messages may have arrived all the same.
        UnroutableError
            If a message reached no queue. All others were confirmed.
        """

    async def subscribe(self, queue: str, handler: Handler, *, prefetch: int) -> Subscription:
        """Hand the messages of a queue to ``handler``, at most ``prefetch`` (1 or more) at a time.

        Raises
        ------
        UnknownQueueError
            If the queue is not declared.
        BrokerUnavailableError
            If the broker does not answer in time.
        """

    async def subscribe_broadcast(self, binding_keys: Sequence[str], listener: Listener) -> Subscription:
        """Hear a copy of every event that matches, from now until the subscription stops.

        Parameters
        ----------
        binding_keys
            Topic patterns: ``*`` stands for one word, ``#`` for any number of words.
        listener
            Called for several messages at a time and in no certain order. What is published while the broker is away
            is not repeated: take a broadcast as a wake-up and read the truth from the database.

        Raises
        ------
        BrokerUnavailableError
            If the broker does not answer in time.
        """

    async def is_connected(self) -> bool:
        """Whether the broker can be spoken to at this moment."""

    async def queue_depth(self, queue: str) -> int:
        """Count the messages that wait in a queue; those being handled are not included.

        Raises
        ------
        UnknownQueueError
            If the queue is not declared.
        BrokerUnavailableError
            If the broker does not answer in time.
        """

    async def queue_state(self, queue: str) -> QueueState:
        """Count the messages that wait in a queue, and its consumers.

        Raises
        ------
        UnknownQueueError
            If the queue is not declared.
        BrokerUnavailableError
            If the broker does not answer in time.
        """

    async def aclose(self) -> None:
        """Stop every subscription without grace, then disconnect. A second call does nothing."""
