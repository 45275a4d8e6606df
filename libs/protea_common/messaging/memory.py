"""The bus inside one process, for the laptop edition and for tests: RabbitMQ's semantics without its durability."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from weakref import WeakSet

from protea_common.messaging.bus import (
    DELIVERY_LIMIT_REASON,
    FIRST_DEATH_QUEUE_HEADER,
    FIRST_DEATH_REASON_HEADER,
    BrokerUnavailableError,
    DeadLettered,
    Handler,
    IncomingMessage,
    Listener,
    OutgoingMessage,
    QueueState,
    TopologyMismatchError,
    UnknownQueueError,
    UnroutableError,
)
from protea_common.messaging.dispatch import BROADCAST_PREFETCH, Dispatcher, dead_letter_copy, heard_once
from protea_common.messaging.topics import topic_matches
from protea_common.messaging.topology import (
    DEAD_LETTER_EXCHANGE,
    EVENTS_EXCHANGE,
    UNLIMITED_DELIVERIES,
    Binding,
    Exchange,
    ExchangeKind,
    Queue,
    Topology,
)

__all__ = ["MemoryBroker", "MemoryBus"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A message in a queue and how it fared so far."""

    message: OutgoingMessage
    redelivered: bool = False
    delivery_count: int = 0


class MemoryBroker:
    """Exchanges, queues and messages shared by the buses of one process and one event loop.

    Messages live as long as the broker. A bus that closes gives back what it had not settled, as a lost connection
    does.
    """

    def __init__(self) -> None:
        self._exchanges: dict[str, Exchange] = {}
        self._queues: dict[str, _MemoryQueue] = {}
        self._bindings: dict[Binding, None] = {}
        self._broadcast_numbers = count(1)

    def declare(self, topology: Topology) -> None:
        """Create what is missing, see `protea_common.messaging.bus.MessageBus.declare`."""
        for exchange in topology.exchanges:
            if self._exchanges.setdefault(exchange.name, exchange) != exchange:
                raise TopologyMismatchError(f"Exchange {exchange.name!r} exists with another kind")
        for queue in topology.queues:
            if self._queues.setdefault(queue.name, _MemoryQueue(queue, self)).declared != queue:
                raise TopologyMismatchError(f"Queue {queue.name!r} exists with other arguments")
        self._bindings.update(dict.fromkeys(topology.bindings))

    def declare_broadcast(self, binding_keys: Sequence[str]) -> _MemoryQueue:
        """Add a queue for one listener, which goes when its listener does."""
        name = f"broadcast-{next(self._broadcast_numbers)}"
        queue = self._queues[name] = _MemoryQueue(Queue(name, UNLIMITED_DELIVERIES), self, auto_delete=True)
        self._bindings.update({Binding(EVENTS_EXCHANGE, name, key): None for key in binding_keys})
        return queue

    def delete(self, queue: str) -> None:
        """Remove a queue with its bindings and messages."""
        del self._queues[queue]
        self._bindings = {binding: None for binding in self._bindings if binding.queue != queue}

    def queue(self, name: str) -> _MemoryQueue:
        """Look a queue up, or raise `UnknownQueueError`."""
        try:
            return self._queues[name]
        except KeyError:
            raise UnknownQueueError(name) from None

    def publish(self, exchange: str, message: OutgoingMessage) -> bool:
        """Put a copy into each queue that is bound to the routing key, and tell whether there was any."""
        if exchange not in self._exchanges:
            raise BrokerUnavailableError(f"Exchange {exchange!r} is not declared yet; declare the topology first")
        kind = self._exchanges[exchange].kind
        bound = (binding for binding in self._bindings if binding.exchange == exchange)
        # One copy per queue, however many of its bindings match.
        matching = dict.fromkeys(b.queue for b in bound if _routes(kind, b.routing_key, message.routing_key))
        for queue in matching:
            self._queues[queue].put(message)
        return bool(matching)


class MemoryBus:
    """A `MessageBus` on a `MemoryBroker`; without one it makes its own."""

    def __init__(self, broker: MemoryBroker | None = None) -> None:
        self._broker = broker or MemoryBroker()
        self._connected = False
        self._subscriptions: WeakSet[_MemorySubscription] = WeakSet()

    async def connect(self) -> None:
        """Be usable from now on."""
        self._connected = True

    async def declare(self, topology: Topology) -> None:
        """Create what is missing on the broker."""
        self._require_connection()
        self._broker.declare(topology)

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Put the messages into their queues."""
        self._require_connection()
        unroutable = [message for message in messages if not self._broker.publish(EVENTS_EXCHANGE, message)]
        # A loop that only publishes must not keep the consumers from running.
        await asyncio.sleep(0)
        if unroutable:
            raise UnroutableError(unroutable)

    async def subscribe(self, queue: str, handler: Handler, *, prefetch: int) -> _MemorySubscription:
        """Hand the messages of a queue to ``handler``."""
        self._require_connection()
        return self._consume(self._broker.queue(queue), handler, prefetch=prefetch)

    async def subscribe_broadcast(self, binding_keys: Sequence[str], listener: Listener) -> _MemorySubscription:
        """Hear a copy of every matching event."""
        self._require_connection()
        queue = self._broker.declare_broadcast(binding_keys)
        return self._consume(queue, heard_once(listener), prefetch=BROADCAST_PREFETCH)

    async def is_connected(self) -> bool:
        """Whether `connect` was called and `aclose` was not."""
        return self._connected

    async def queue_depth(self, queue: str) -> int:
        """Count the messages that wait in a queue."""
        return (await self.queue_state(queue)).ready

    async def queue_state(self, queue: str) -> QueueState:
        """Count the messages that wait in a queue, and its consumers."""
        self._require_connection()
        found = self._broker.queue(queue)
        return QueueState(ready=found.depth, consumers=found.consumers)

    async def aclose(self) -> None:
        """Stop every subscription without grace."""
        self._connected = False
        async with asyncio.TaskGroup() as stopping:
            for subscription in list(self._subscriptions):
                stopping.create_task(subscription.stop(timedelta(0)))

    def _consume(self, queue: _MemoryQueue, handler: Handler, *, prefetch: int) -> _MemorySubscription:
        subscription = _MemorySubscription(queue, handler, prefetch=prefetch)
        self._subscriptions.add(subscription)
        queue.add(subscription)
        return subscription

    def _require_connection(self) -> None:
        if not self._connected:
            raise BrokerUnavailableError("The in-process bus is not connected; call connect() first")


class _MemoryQueue:
    """Messages in order, returned ones first as in a quorum queue, shared out to subscriptions in turn."""

    def __init__(self, declared: Queue, broker: MemoryBroker, *, auto_delete: bool = False) -> None:
        self.declared = declared
        self._broker = broker
        self._auto_delete = auto_delete
        self._ready: deque[_Entry] = deque()
        self._returned: deque[_Entry] = deque()
        self._subscriptions: deque[_MemorySubscription] = deque()

    @property
    def depth(self) -> int:
        return len(self._ready) + len(self._returned)

    @property
    def consumers(self) -> int:
        return len(self._subscriptions)

    def add(self, subscription: _MemorySubscription) -> None:
        self._subscriptions.append(subscription)
        self.share_out()

    def remove(self, subscription: _MemorySubscription) -> None:
        if subscription not in self._subscriptions:
            return
        self._subscriptions.remove(subscription)
        if self._auto_delete and not self._subscriptions:
            self._broker.delete(self.declared.name)

    def put(self, message: OutgoingMessage) -> None:
        self._ready.append(_Entry(message))
        self.share_out()

    def put_back(self, entry: _Entry) -> None:
        self._returned.append(replace(entry, redelivered=True))
        self.share_out()

    def put_back_failed(self, entry: _Entry) -> None:
        """Put a message back and count it, or dead-letter it when it came back too often."""
        if entry.delivery_count < self.declared.delivery_limit:
            self.put_back(replace(entry, delivery_count=entry.delivery_count + 1))
        else:
            self._expel(entry.message)

    def dead_letter(self, entry: _Entry, verdict: DeadLettered) -> None:
        """Move a message to the dead-letter exchange; if nothing is bound there it is put back."""
        if not self._broker.publish(DEAD_LETTER_EXCHANGE, dead_letter_copy(self.incoming(entry), verdict)):
            self.put_back_failed(entry)

    def incoming(self, entry: _Entry) -> IncomingMessage:
        return IncomingMessage(
            message_id=entry.message.message_id,
            routing_key=entry.message.routing_key,
            body=entry.message.body,
            headers=dict(entry.message.headers),
            queue=self.declared.name,
            redelivered=entry.redelivered,
            delivery_count=entry.delivery_count,
        )

    def share_out(self) -> None:
        """Deliver while there is a message and a subscription with room for it."""
        while self.depth and (subscription := self._next_with_room()) is not None:
            subscription.deliver((self._returned or self._ready).popleft())

    def _next_with_room(self) -> _MemorySubscription | None:
        for _ in range(len(self._subscriptions)):
            self._subscriptions.rotate(-1)
            if self._subscriptions[-1].has_room:
                return self._subscriptions[-1]
        return None

    def _expel(self, message: OutgoingMessage) -> None:
        died = {FIRST_DEATH_REASON_HEADER: DELIVERY_LIMIT_REASON, FIRST_DEATH_QUEUE_HEADER: self.declared.name}
        exchange = self.declared.dead_letter_exchange
        dead = replace(message, headers={**message.headers, **died})
        if exchange is None or not self._broker.publish(exchange, dead):
            logger.warning(
                "A message came back too often and no dead-letter queue is declared; it is dropped",
                extra={"queue": self.declared.name, "message_id": message.message_id},
            )


class _MemorySubscription:
    """A consumer of a `_MemoryQueue`."""

    def __init__(self, queue: _MemoryQueue, handler: Handler, *, prefetch: int) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._dispatcher = Dispatcher(handler, prefetch=prefetch)
        self._unsettled = 0

    @property
    def has_room(self) -> bool:
        return self._unsettled < self._prefetch

    def deliver(self, entry: _Entry) -> None:
        self._unsettled += 1
        self._dispatcher.start(_MemoryDelivery(self._queue, entry)).add_done_callback(self._make_room)

    async def stop(self, grace: timedelta) -> None:
        """Take no more messages and drain."""
        self._queue.remove(self)
        await self._dispatcher.drain(grace)

    def _make_room(self, _settled: asyncio.Task[None]) -> None:
        self._unsettled -= 1
        self._queue.share_out()


class _MemoryDelivery:
    """A message taken from a `_MemoryQueue`."""

    is_live = True

    def __init__(self, queue: _MemoryQueue, entry: _Entry) -> None:
        self.message = queue.incoming(entry)
        self._queue = queue
        self._entry = entry

    async def acknowledge(self) -> None:
        """Do nothing: delivering took the message off the queue."""

    async def requeue(self) -> None:
        self._queue.put_back_failed(self._entry)

    async def hand_back(self) -> None:
        self._queue.put_back(self._entry)

    async def dead_letter(self, verdict: DeadLettered) -> None:
        self._queue.dead_letter(self._entry, verdict)


def _routes(kind: ExchangeKind, pattern: str, routing_key: str) -> bool:
    match kind:
        case ExchangeKind.FANOUT:
            return True
        case ExchangeKind.TOPIC:
            return topic_matches(pattern, routing_key)
