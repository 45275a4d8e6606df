"""The bus on RabbitMQ, 3.10 to 4.x: robust connections, publisher confirms, consumption by callback."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4
from weakref import WeakSet

from aio_pika import Channel, DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustQueue
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    PublishError,
)
from aio_pika.robust_connection import RobustConnection
from yarl import URL

from protea_common.messaging.bus import (
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
from protea_common.messaging.topology import DEAD_LETTER_EXCHANGE, EVENTS_EXCHANGE, Topology

__all__ = ["RabbitBus"]

_DELIVERY_COUNT_HEADER = "x-delivery-count"

_RECONNECT_SECONDS = 1.0
"""Rest between tries after a lost connection; lower hammers a starting broker, higher idles after it is back."""

_FIRST_RETRY_SECONDS = 0.2
"""Rest after the first failed try at the start, doubled each time."""

_LONGEST_TRY_SECONDS = 10.0
"""Patience for one handshake at the start; lower than a slow network's, and no try succeeds."""

_LONGEST_RETRY_SECONDS = 2.0
"""Longest rest between tries at the start; higher idles after the broker is back."""

_SETTLE_SECONDS = 5.0
"""Patience for an acknowledgement or a goodbye to leave this machine.

Lower, and a busy network costs redeliveries; higher, and a shutdown beside a dead broker takes longer.
"""

logger = logging.getLogger(__name__)


class RabbitBus:
    """A `MessageBus` on RabbitMQ, with one connection to consume and one to publish.

    Lost connections are restored together with exchanges, queues, bindings and subscriptions; what was not
    acknowledged is delivered again.

    Parameters
    ----------
    amqp_url
        ``amqp://user:password@host:port/virtual-host``; ``amqps`` for TLS. The password is never logged.
    connection_name
        Shown by the broker's management page, with ``consume`` or ``publish`` behind it.
    connect_timeout
        How long `connect` waits for the broker.
    answer_timeout
        How long any other call waits for confirmation or answer, a reconnection included. Some ten thousand messages
        can be confirmed within the default; publish more in several calls.
    heartbeat
        Whole seconds; a silent peer is given up after two to three of them. An event loop that is blocked for longer
        loses its connection.
    """

    def __init__(
        self,
        amqp_url: str,
        *,
        connection_name: str,
        connect_timeout: timedelta = timedelta(seconds=30),
        answer_timeout: timedelta = timedelta(seconds=10),
        heartbeat: timedelta = timedelta(seconds=30),
    ) -> None:
        self._url = URL(amqp_url).update_query(heartbeat=int(heartbeat.total_seconds()))
        self._connection_name = connection_name
        self._connect_timeout = connect_timeout
        self._answer_timeout = answer_timeout
        self._link: _Link | None = None
        self._subscriptions: WeakSet[_RabbitSubscription] = WeakSet()

    async def connect(self) -> None:
        """Wait until the broker answers, trying again with growing rests; connected already, do nothing."""
        if self._link is not None:
            return
        try:
            async with asyncio.timeout(self._connect_timeout.total_seconds()):
                self._link = await self._open_link()
        except TimeoutError as exc:
            seconds = self._connect_timeout.total_seconds()
            raise BrokerUnavailableError(
                f"RabbitMQ at {self._endpoint} did not answer within {seconds:g} s; "
                "check the broker and PROTEA_AMQP_URL"
            ) from exc

    async def declare(self, topology: Topology) -> None:
        """Create what is missing, now and after each lost connection."""
        async with self._answering() as link:
            channel = await link.consuming.channel()
            try:
                await _declare(channel, topology)
            except ChannelPreconditionFailed as exc:
                raise TopologyMismatchError(f"RabbitMQ has something else by the same name: {exc}") from exc
            link.topologies.append(channel)

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish with all confirmations under way at once."""
        await self._publish(EVENTS_EXCHANGE, messages)

    async def subscribe(self, queue: str, handler: Handler, *, prefetch: int) -> _RabbitSubscription:
        """Hand the messages of a queue to ``handler``."""
        async with self._answering() as link:
            await _inspect(link.consuming, queue)
            channel = await _consumer_channel(link.consuming, prefetch=prefetch)
            declared = await channel.declare_queue(queue, passive=True)
            return await self._consume(channel, declared, Dispatcher(handler, prefetch=prefetch))

    async def subscribe_broadcast(self, binding_keys: Sequence[str], listener: Listener) -> _RabbitSubscription:
        """Hear a copy of every matching event, through a queue that lives as long as the connection."""
        async with self._answering() as link:
            channel = await _consumer_channel(link.consuming, prefetch=BROADCAST_PREFETCH)
            queue = await channel.declare_queue(
                f"{self._connection_name}.broadcast.{uuid4().hex}",
                exclusive=True,
                auto_delete=True,
                # Said aloud, since a virtual host may make quorum queues its default, which cannot be exclusive.
                arguments={"x-queue-type": "classic"},
            )
            for key in binding_keys:
                await queue.bind(EVENTS_EXCHANGE, key)
            dispatcher = Dispatcher(heard_once(listener), prefetch=BROADCAST_PREFETCH)
            return await self._consume(channel, queue, dispatcher)

    async def is_connected(self) -> bool:
        """Whether both connections are open."""
        link = self._link
        return link is not None and link.consuming.connected.is_set() and link.publishing.connected.is_set()

    async def queue_depth(self, queue: str) -> int:
        """Count the messages that wait in a queue."""
        return (await self.queue_state(queue)).ready

    async def queue_state(self, queue: str) -> QueueState:
        """Count the messages that wait in a queue, and its consumers."""
        async with self._answering() as link:
            return await _inspect(link.publishing, queue)

    async def aclose(self) -> None:
        """Stop every subscription without grace, then close both connections."""
        async with asyncio.TaskGroup() as stopping:
            for subscription in list(self._subscriptions):
                stopping.create_task(subscription.stop(timedelta(0)))
        if self._link is not None:
            await _close(self._link.consuming)
            await _close(self._link.publishing)
        self._link = None

    @property
    def _endpoint(self) -> str:
        return f"{self._url.host}:{self._url.port or 5672}{self._url.path}"

    async def _open_link(self) -> _Link:
        async with AsyncExitStack() as undo:
            consuming = await self._open("consume")
            undo.push_async_callback(_close, consuming)
            publishing = await self._open("publish")
            undo.push_async_callback(_close, publishing)
            link = _Link(
                consuming=consuming,
                publishing=publishing,
                confirmed=await publishing.channel(on_return_raises=True),
                topologies=[],
            )
            undo.pop_all()
        return link

    async def _open(self, role: str) -> RobustConnection:
        """Try until the connection stands; the caller sets the deadline."""
        rests = _growing_rests()
        while True:
            try:
                return await self._try_once(role)
            except CONNECTION_EXCEPTIONS as exc:
                rest = next(rests)
                logger.warning(
                    "RabbitMQ at %s does not answer, next try in %.1f s: %s", self._endpoint, rest, _said(exc)
                )
            await asyncio.sleep(rest)

    async def _try_once(self, role: str) -> RobustConnection:
        url = self._url.update_query(name=f"{self._connection_name}-{role}")
        connection = RobustConnection(url, reconnect_interval=_RECONNECT_SECONDS)
        try:
            await connection.connect(timeout=_LONGEST_TRY_SECONDS)
        except BaseException:
            # A connection that was given up goes on trying in the background until it is closed.
            await _close(connection)
            raise
        return connection

    async def _consume(
        self, channel: AbstractRobustChannel, queue: AbstractRobustQueue, dispatcher: Dispatcher
    ) -> _RabbitSubscription:
        subscription = _RabbitSubscription(channel, queue, dispatcher, self._publish_dead_letter)
        await subscription.start()
        self._subscriptions.add(subscription)
        return subscription

    async def _publish_dead_letter(self, message: OutgoingMessage) -> None:
        await self._publish(DEAD_LETTER_EXCHANGE, [message])

    async def _publish(self, exchange: str, messages: Sequence[OutgoingMessage]) -> None:
        async with self._answering() as link:
            await link.confirmed.ready()
            target = await link.confirmed.get_exchange(exchange, ensure=False)
            outcomes = await asyncio.gather(
                *(target.publish(_amqp_message(message), message.routing_key) for message in messages),
                return_exceptions=True,
            )
            _raise_unconfirmed(outcomes)
        returned = [m for m, outcome in zip(messages, outcomes, strict=True) if isinstance(outcome, PublishError)]
        if returned:
            raise UnroutableError(returned)

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[_Link]:
        """Lend the connections for one request, with a deadline and our own errors."""
        if self._link is None:
            raise BrokerUnavailableError(f"The bus to RabbitMQ at {self._endpoint} is not connected; call connect()")
        try:
            async with asyncio.timeout(self._answer_timeout.total_seconds()):
                with _silence_as_error():
                    yield self._link
        except CONNECTION_EXCEPTIONS as exc:
            raise BrokerUnavailableError(f"RabbitMQ at {self._endpoint} did not answer: {_said(exc)}") from exc


@dataclass(frozen=True, slots=True)
class _Link:
    """Both connections, and the channels that live as long as they do.

    Attributes
    ----------
    confirmed
        Everything is published here.
    topologies
        A channel remembers what was declared on it and declares it again on a new connection.
    """

    consuming: RobustConnection
    publishing: RobustConnection
    confirmed: AbstractRobustChannel
    topologies: list[AbstractRobustChannel]


class _RabbitSubscription:
    """A consumer on a channel of its own, since the prefetch limit belongs to the channel."""

    def __init__(
        self,
        channel: AbstractRobustChannel,
        queue: AbstractRobustQueue,
        dispatcher: Dispatcher,
        publish_dead_letter: Callable[[OutgoingMessage], Awaitable[None]],
    ) -> None:
        self._channel = channel
        self._queue = queue
        self._dispatcher = dispatcher
        self._publish_dead_letter = publish_dead_letter
        self._consumer_tag = uuid4().hex
        self._consuming = True

    async def start(self) -> None:
        """Begin to consume."""
        await self._queue.consume(self._on_message, consumer_tag=self._consumer_tag)

    async def stop(self, grace: timedelta) -> None:
        """Take no more messages and drain; closing the channel returns what was never begun."""
        first_call, self._consuming = self._consuming, False
        self._dispatcher.close()
        if first_call:
            await _unless_lost(self._queue.cancel(self._consumer_tag))
        await self._dispatcher.drain(grace)
        if first_call:
            await _unless_lost(self._channel.close())

    async def _on_message(self, incoming: AbstractIncomingMessage) -> None:
        message = _incoming_message(incoming, self._queue.name)
        handling = self._dispatcher.start(_RabbitDelivery(incoming, message, self._publish_dead_letter))
        # Instrumentation wraps this callback, so it must last as long as the handler; and a lost channel cancels it,
        # which must not reach the handler.
        await asyncio.wait({handling})


class _RabbitDelivery:
    """A message that is settled on the channel it came from."""

    def __init__(
        self,
        incoming: AbstractIncomingMessage,
        message: IncomingMessage,
        publish_dead_letter: Callable[[OutgoingMessage], Awaitable[None]],
    ) -> None:
        self.message = message
        self._incoming = incoming
        self._publish_dead_letter = publish_dead_letter

    @property
    def is_live(self) -> bool:
        try:
            return not self._incoming.channel.is_closed
        except ChannelInvalidStateError:
            return False

    async def acknowledge(self) -> None:
        await _unless_lost(self._incoming.ack())

    async def requeue(self) -> None:
        # From 4.3 on only a reject counts towards the delivery limit; before, reject and nack both do.
        await _unless_lost(self._incoming.reject(requeue=True))

    async def hand_back(self) -> None:
        await _unless_lost(self._incoming.nack(requeue=True))

    async def dead_letter(self, verdict: DeadLettered) -> None:
        try:
            await self._publish_dead_letter(dead_letter_copy(self.message, verdict))
        except (BrokerUnavailableError, UnroutableError):
            logger.exception(
                "A dead letter could not be stored; its message goes back to the queue",
                extra={"queue": self.message.queue, "message_id": self.message.message_id},
            )
            await self.requeue()
        else:
            await self.acknowledge()


def _growing_rests() -> Iterator[float]:
    """Seconds between tries, doubled with jitter and without end."""
    rest = _FIRST_RETRY_SECONDS
    while True:
        yield rest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        rest = min(2 * rest, _LONGEST_RETRY_SECONDS)


async def _declare(channel: AbstractRobustChannel, topology: Topology) -> None:
    for exchange in topology.exchanges:
        await channel.declare_exchange(exchange.name, exchange.kind.value, durable=True)
    queues = {
        queue.name: await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments)
        for queue in topology.queues
    }
    for binding in topology.bindings:
        await queues[binding.queue].bind(binding.exchange, binding.routing_key)


async def _consumer_channel(connection: RobustConnection, *, prefetch: int) -> AbstractRobustChannel:
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=prefetch)
    return channel


async def _inspect(connection: RobustConnection, queue: str) -> QueueState:
    """Count what a queue holds on a channel that may break, as it does when there is no such queue."""
    async with Channel(connection) as channel:
        try:
            declared = await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity as exc:
            raise UnknownQueueError(queue) from exc
    counted = declared.declaration_result
    return QueueState(ready=counted.message_count or 0, consumers=counted.consumer_count or 0)


async def _unless_lost(action: Awaitable[object]) -> None:
    """Say something to the broker; on a lost channel it goes unsaid, for the broker delivers again by itself."""
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            with _silence_as_error():
                await action
    except CONNECTION_EXCEPTIONS as exc:
        logger.info("A channel was lost before RabbitMQ heard an answer; it will deliver again: %r", exc)


async def _close(connection: RobustConnection) -> None:
    await _unless_lost(connection.close())


@contextmanager
def _silence_as_error() -> Iterator[None]:
    """Make an error of the cancellation by which aiormq ends the calls on a connection without heartbeat.

    A cancellation that is meant for us passes through.
    """
    try:
        yield
    except asyncio.CancelledError as exc:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the connection fell silent and was given up") from exc


def _raise_unconfirmed(outcomes: Iterable[object]) -> None:
    """Raise the first reason why a message was not confirmed; a returned one was."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, PublishError):
            raise outcome


def _said(exc: BaseException) -> str:
    return str(exc) or repr(exc)


def _amqp_message(message: OutgoingMessage) -> Message:
    return Message(
        message.body,
        message_id=message.message_id,
        headers=dict(message.headers),
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def _incoming_message(incoming: AbstractIncomingMessage, queue: str) -> IncomingMessage:
    headers = {name: value for name, value in (incoming.headers or {}).items() if isinstance(value, str | int)}
    return IncomingMessage(
        message_id=incoming.message_id or "",
        routing_key=incoming.routing_key or "",
        body=incoming.body,
        queue=queue,
        redelivered=bool(incoming.redelivered),
        delivery_count=int(headers.pop(_DELIVERY_COUNT_HEADER, 0)),
        headers=headers,
    )
