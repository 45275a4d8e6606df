"""What every message bus promises, held against the in-process bus and a real RabbitMQ."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from protea_common.messaging.bus import (
    ATTEMPTS_HEADER,
    DELIVERY_LIMIT_REASON,
    ERROR_CODE_HEADER,
    FIRST_DEATH_QUEUE_HEADER,
    FIRST_DEATH_REASON_HEADER,
    QUEUE_HEADER,
    REASON_HEADER,
    Acknowledged,
    BrokerUnavailableError,
    DeadLettered,
    Disposition,
    HeaderValue,
    IncomingMessage,
    MessageBus,
    OutgoingMessage,
    QueueState,
    Requeued,
    TopologyMismatchError,
    UnknownQueueError,
    UnroutableError,
)
from protea_common.messaging.codec import MAX_BODY_BYTES
from protea_common.messaging.dispatch import MAX_REASON_CHARACTERS
from protea_common.messaging.memory import MemoryBroker, MemoryBus
from protea_common.messaging.rabbitmq import RabbitBus
from protea_common.messaging.topology import (
    DEAD_LETTER_EXCHANGE,
    DEAD_LETTER_QUEUE,
    EVENTS_EXCHANGE,
    UNLIMITED_DELIVERIES,
    Binding,
    Exchange,
    ExchangeKind,
    Queue,
    Topology,
    protea_topology,
)
from support.rabbitmq import RabbitServer, create_virtual_host, delete_virtual_host

PATIENCE_SECONDS = 30
NO_GRACE = timedelta(0)
LONG_GRACE = timedelta(seconds=PATIENCE_SECONDS)

TOPOLOGY = Topology(
    exchanges=(Exchange(EVENTS_EXCHANGE, ExchangeKind.TOPIC), Exchange(DEAD_LETTER_EXCHANGE, ExchangeKind.FANOUT)),
    queues=(
        Queue("work", dead_letter_exchange=DEAD_LETTER_EXCHANGE),
        Queue("fragile", delivery_limit=2, dead_letter_exchange=DEAD_LETTER_EXCHANGE),
        Queue(DEAD_LETTER_QUEUE, delivery_limit=UNLIMITED_DELIVERIES),
    ),
    bindings=(
        Binding(EVENTS_EXCHANGE, "work", "work.requested"),
        Binding(EVENTS_EXCHANGE, "work", "work.*"),
        Binding(EVENTS_EXCHANGE, "fragile", "fragile.requested"),
        Binding(DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE, ""),
    ),
)

BusMaker = Callable[[], Awaitable[MessageBus]]


class Recorder:
    """A handler that keeps what it gets and answers as told, with an acknowledgement when nothing is left to say."""

    def __init__(self, *answers: Disposition | BaseException, then: Disposition | None = None) -> None:
        self.seen: list[IncomingMessage] = []
        self._answers = list(answers)
        self._then = then or Acknowledged()
        self._arrivals: asyncio.Queue[IncomingMessage] = asyncio.Queue()

    async def __call__(self, message: IncomingMessage) -> Disposition:
        self.seen.append(message)
        self._arrivals.put_nowait(message)
        answer = self._answers.pop(0) if self._answers else self._then
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def next(self, number: int = 1) -> list[IncomingMessage]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [await self._arrivals.get() for _ in range(number)]


class Gate:
    """A handler that holds every message until it is opened, and knows how many it held at once."""

    def __init__(self) -> None:
        self.running = 0
        self.peak = 0
        self.finished: list[str] = []
        self._open = asyncio.Event()
        self._begun: asyncio.Queue[IncomingMessage] = asyncio.Queue()

    async def __call__(self, message: IncomingMessage) -> Disposition:
        self.running += 1
        self.peak = max(self.peak, self.running)
        self._begun.put_nowait(message)
        try:
            await self._open.wait()
        finally:
            self.running -= 1
        self.finished.append(message.message_id)
        return Acknowledged()

    def open(self) -> None:
        self._open.set()

    async def begun(self, number: int = 1) -> list[IncomingMessage]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [await self._begun.get() for _ in range(number)]


@pytest.fixture(params=["memory", "rabbitmq"])
async def unconnected_bus(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[], MessageBus]]:
    """Make buses that share one broker."""
    buses: list[MessageBus] = []
    broker = MemoryBroker()
    url = str(request.getfixturevalue("amqp_url")) if request.param == "rabbitmq" else None

    def make() -> MessageBus:
        buses.append(MemoryBus(broker) if url is None else RabbitBus(url, connection_name="test"))
        return buses[-1]

    yield make
    for bus in buses:
        await bus.aclose()


@pytest.fixture
def new_bus(unconnected_bus: Callable[[], MessageBus]) -> BusMaker:
    async def make() -> MessageBus:
        bus = unconnected_bus()
        await bus.connect()
        await bus.declare(TOPOLOGY)
        return bus

    return make


@pytest.fixture
async def bus(new_bus: BusMaker) -> MessageBus:
    return await new_bus()


class TestMessageBus:
    async def test_an_acknowledged_message_is_not_delivered_again(self, bus: MessageBus) -> None:
        handler = Recorder()
        await bus.publish([message("first")])
        subscription = await bus.subscribe("work", handler, prefetch=1)
        await handler.next()
        await subscription.stop(LONG_GRACE)

        later = Recorder()
        await bus.publish([message("second")])
        await bus.subscribe("work", later, prefetch=1)

        assert ids(await later.next()) == ["second"]
        assert ids(later.seen) == ["second"]

    async def test_a_message_arrives_as_it_was_sent(self, bus: MessageBus) -> None:
        headers: dict[str, HeaderValue] = {
            "traceparent": "00-ab-cd-03",
            "größe": "Σ-ἀμινοξύ 🧬",
            "attempt": -3,
            "big": 2**40,
        }
        body = '{"name":"Tyrosinkinase β"}'.encode()
        handler = Recorder()
        await bus.subscribe("work", handler, prefetch=1)

        await bus.publish([OutgoingMessage("id-ü", "work.requested", body, headers)])

        assert await handler.next() == [
            IncomingMessage("id-ü", "work.requested", body, headers, "work", redelivered=False, delivery_count=0)
        ]

    @pytest.mark.parametrize("size", [0, MAX_BODY_BYTES])
    async def test_the_smallest_and_the_largest_body_arrive_whole(self, bus: MessageBus, size: int) -> None:
        handler = Recorder()
        await bus.subscribe("work", handler, prefetch=1)

        await bus.publish([OutgoingMessage("sized", "work.requested", b"x" * size, {})])

        assert [len(received.body) for received in await handler.next()] == [size]

    async def test_one_queue_keeps_the_order_at_prefetch_one(self, bus: MessageBus) -> None:
        sent = [f"m{number:02}" for number in range(50)]
        handler = Recorder()

        await bus.publish([message(name) for name in sent])
        await bus.subscribe("work", handler, prefetch=1)

        assert ids(await handler.next(50)) == sent

    async def test_a_queue_gets_one_copy_when_two_of_its_bindings_match(self, bus: MessageBus) -> None:
        await bus.publish([message("once")])

        await until_depth(bus, "work", 1)

    async def test_a_requeued_message_comes_again_and_is_counted(self, bus: MessageBus) -> None:
        handler = Recorder(Requeued(), Requeued())
        await bus.subscribe("work", handler, prefetch=1)

        await bus.publish([message("again")])

        deliveries = await handler.next(3)
        assert ids(deliveries) == ["again"] * 3
        assert [delivery.redelivered for delivery in deliveries] == [False, True, True]
        assert [delivery.delivery_count for delivery in deliveries] == [0, 1, 2]

    async def test_a_requeued_message_comes_before_those_that_wait(self, bus: MessageBus) -> None:
        handler = Recorder(Requeued())
        await bus.publish([message("first"), message("second")])

        await bus.subscribe("work", handler, prefetch=1)

        assert ids(await handler.next(3)) == ["first", "first", "second"]

    async def test_the_message_of_a_cancelled_handler_comes_again(self, bus: MessageBus) -> None:
        handler = Recorder(asyncio.CancelledError())
        await bus.subscribe("work", handler, prefetch=1)

        await bus.publish([message("cancelled")])

        assert [(m.message_id, m.redelivered) for m in await handler.next(2)] == [
            ("cancelled", False),
            ("cancelled", True),
        ]

    async def test_a_handler_that_raises_never_loses_its_message(
        self, bus: MessageBus, caplog: pytest.LogCaptureFixture
    ) -> None:
        handler = Recorder(KeyError("a bug"))
        await bus.subscribe("work", handler, prefetch=1)

        await bus.publish([message("unlucky"), message("next")])

        assert ids(await handler.next(3)) == ["unlucky", "unlucky", "next"]
        assert "KeyError: 'a bug'" in caplog.text

    async def test_a_message_that_comes_back_too_often_is_dead_lettered(self, bus: MessageBus) -> None:
        handler, dead_letters = Recorder(then=Requeued()), Recorder()
        await bus.subscribe("fragile", handler, prefetch=1)
        await bus.subscribe(DEAD_LETTER_QUEUE, dead_letters, prefetch=1)

        await bus.publish([message("poison", key="fragile.requested", headers={"traceparent": "00-1"})])

        [dead] = await dead_letters.next()
        assert (dead.message_id, dead.routing_key, dead.body) == ("poison", "fragile.requested", b"{}")
        assert dead.headers["traceparent"] == "00-1"
        assert dead.headers[FIRST_DEATH_REASON_HEADER] == DELIVERY_LIMIT_REASON
        assert dead.headers[FIRST_DEATH_QUEUE_HEADER] == "fragile"
        # A limit of two allows two returns, which are three deliveries.
        assert [delivery.delivery_count for delivery in handler.seen] == [0, 1, 2]

    async def test_a_dead_letter_says_why(self, bus: MessageBus) -> None:
        verdict = DeadLettered(reason="Term GO:0000001 is obsolete", error_code="ObsoleteTermError", attempts=3)
        dead_letters = Recorder()
        await bus.subscribe("work", Recorder(verdict), prefetch=1)
        await bus.subscribe(DEAD_LETTER_QUEUE, dead_letters, prefetch=1)

        await bus.publish([message("hopeless", headers={"traceparent": "00-1"})])

        assert await dead_letters.next() == [
            IncomingMessage(
                message_id="hopeless",
                routing_key="work.requested",
                body=b"{}",
                headers={
                    "traceparent": "00-1",
                    REASON_HEADER: "Term GO:0000001 is obsolete",
                    ERROR_CODE_HEADER: "ObsoleteTermError",
                    ATTEMPTS_HEADER: 3,
                    QUEUE_HEADER: "work",
                },
                queue=DEAD_LETTER_QUEUE,
                redelivered=False,
                delivery_count=0,
            )
        ]
        await until_depth(bus, "work", 0)

    async def test_the_reason_of_a_dead_letter_is_cut_to_fit(self, bus: MessageBus) -> None:
        dead_letters = Recorder()
        await bus.subscribe("work", Recorder(DeadLettered("ß" * 1_000_000, "HugeError", 1)), prefetch=1)
        await bus.subscribe(DEAD_LETTER_QUEUE, dead_letters, prefetch=1)

        await bus.publish([message("wordy")])

        [dead] = await dead_letters.next()
        assert dead.headers[REASON_HEADER] == "ß" * MAX_REASON_CHARACTERS

    async def test_no_more_handlers_run_than_the_prefetch_allows(self, bus: MessageBus) -> None:
        gate = Gate()
        await bus.publish([message(f"m{number}") for number in range(10)])

        await bus.subscribe("work", gate, prefetch=3)

        await gate.begun(3)
        await until_depth(bus, "work", 7)
        gate.open()
        await gate.begun(7)
        assert gate.peak == 3

    async def test_subscribers_of_one_queue_share_its_messages(self, new_bus: BusMaker) -> None:
        one, other = Gate(), Gate()
        first, second = await new_bus(), await new_bus()
        await first.subscribe("work", one, prefetch=1)
        await second.subscribe("work", other, prefetch=1)

        await first.publish([message("a"), message("b")])

        assert sorted(ids(await one.begun() + await other.begun())) == ["a", "b"]

    async def test_stopping_waits_for_the_running_handler_and_takes_nothing_new(self, bus: MessageBus) -> None:
        gate = Gate()
        subscription = await bus.subscribe("work", gate, prefetch=1)
        await bus.publish([message("running"), message("waiting")])
        await gate.begun()

        stopping = asyncio.create_task(subscription.stop(LONG_GRACE))
        await until_depth(bus, "work", 1)
        assert not stopping.done()
        gate.open()
        await stopping

        later = Recorder()
        await bus.subscribe("work", later, prefetch=1)
        [received] = await later.next()
        assert (received.message_id, received.redelivered) == ("waiting", False)
        assert gate.finished == ["running"]

    async def test_a_handler_that_outlasts_the_grace_is_cancelled_and_its_message_returned(
        self, bus: MessageBus
    ) -> None:
        gate = Gate()
        subscription = await bus.subscribe("work", gate, prefetch=2)
        await bus.publish([message("a"), message("b"), message("c")])
        await gate.begun(2)

        await subscription.stop(NO_GRACE)

        assert (gate.running, gate.finished) == (0, [])
        later = Recorder()
        await bus.subscribe("work", later, prefetch=1)
        assert {m.message_id: m.redelivered for m in await later.next(3)} == {"a": True, "b": True, "c": False}

    async def test_stopping_twice_does_nothing_more(self, bus: MessageBus) -> None:
        subscription = await bus.subscribe("work", Recorder(), prefetch=1)

        await subscription.stop(NO_GRACE)
        await subscription.stop(NO_GRACE)

        assert await bus.is_connected()

    async def test_a_drain_does_not_wait_out_the_rest_after_a_failure(self, bus: MessageBus) -> None:
        handler = Recorder(*[RuntimeError("no database")] * 4)
        subscription = await bus.subscribe("work", handler, prefetch=1)
        await bus.publish([message("resting")])
        # The fourth rest is 0.2 s doubled three times.
        await handler.next(4)

        begun = time.monotonic()
        await subscription.stop(LONG_GRACE)

        assert time.monotonic() - begun < 1.0
        await until_depth(bus, "work", 1)

    async def test_a_closed_bus_returns_what_it_had_not_settled(self, new_bus: BusMaker) -> None:
        dying, surviving = await new_bus(), await new_bus()
        gate, handler = Gate(), Recorder()
        await dying.subscribe("work", gate, prefetch=1)
        await dying.publish([message("orphan")])
        await gate.begun()

        await dying.aclose()
        await surviving.subscribe("work", handler, prefetch=1)

        [received] = await handler.next()
        assert (received.message_id, received.redelivered) == ("orphan", True)

    async def test_every_broadcast_subscriber_hears_every_event(self, new_bus: BusMaker) -> None:
        here, there = Recorder(), Recorder()
        one, other = await new_bus(), await new_bus()
        await one.subscribe_broadcast(["job.*", "embeddings.#"], here)
        await other.subscribe_broadcast(["job.*"], there)

        await one.publish([message("started", key="job.started"), message("done", key="job.succeeded")])
        await one.publish([message("batch", key="embeddings.batch.done")])

        assert sorted(ids(await here.next(3))) == ["batch", "done", "started"]
        assert sorted(ids(await there.next(2))) == ["done", "started"]

    async def test_a_broadcast_is_not_repeated_when_its_listener_fails(
        self, bus: MessageBus, caplog: pytest.LogCaptureFixture
    ) -> None:
        listener = Recorder(KeyError("a bug"), Requeued())
        await bus.subscribe_broadcast(["job.*"], listener)

        await bus.publish([message("first", key="job.started")])
        await bus.publish([message("second", key="job.started")])
        await bus.publish([message("third", key="job.started")])

        await listener.next(3)
        assert sorted(ids(listener.seen)) == ["first", "second", "third"]
        assert "KeyError: 'a bug'" in caplog.text

    async def test_a_stopped_broadcast_leaves_no_queue_behind(self, bus: MessageBus) -> None:
        subscription = await bus.subscribe_broadcast(["job.*"], Recorder())
        await bus.publish([message("heard", key="job.started")])

        await subscription.stop(LONG_GRACE)

        with pytest.raises(UnroutableError):
            await bus.publish([message("unheard", key="job.started")])

    # AMQP 0-9-1, section 3.1.3.3: * matches one word, # none or more.
    @pytest.mark.parametrize(
        ("pattern", "key", "matches"),
        [
            ("job.started", "job.started", True),
            ("job.started", "job.started.now", False),
            ("job.*", "job.started", True),
            ("job.*", "job", False),
            ("job.*", "job.created.ping", False),
            ("*.batch.*", "embeddings.batch.done", True),
            ("job.#", "job", True),
            ("job.#", "job.created.ping", True),
            ("#", "anything.at.all", True),
            ("#.done", "done", True),
            ("#.done", "embeddings.batch.done", True),
            ("#.done", "embeddings.batch.failed", False),
            ("embeddings.#.done", "embeddings.done", True),
            ("embeddings.#.*", "embeddings", False),
            ("embeddings.#.*", "embeddings.batch", True),
            ("jobs", "job", False),
        ],
    )
    async def test_binding_keys_match_as_topics_do(
        self, bus: MessageBus, pattern: str, key: str, *, matches: bool
    ) -> None:
        listener = Recorder()
        await bus.subscribe_broadcast([pattern], listener)

        if matches:
            await bus.publish([message("matching", key=key)])
            assert ids(await listener.next()) == ["matching"]
        else:
            with pytest.raises(UnroutableError):
                await bus.publish([message("other", key=key)])

    async def test_an_unroutable_message_is_named_and_the_others_are_delivered(self, bus: MessageBus) -> None:
        handler = Recorder()
        await bus.subscribe("work", handler, prefetch=1)

        with pytest.raises(UnroutableError, match=r"nobody\.listens") as caught:
            await bus.publish([message("a"), message("lost", key="nobody.listens"), message("b")])

        assert caught.value.message_ids == {"lost"}
        assert ids(await handler.next(2)) == ["a", "b"]

    async def test_a_thousand_messages_are_confirmed_by_one_call(self, bus: MessageBus) -> None:
        await bus.publish([message(f"m{number}") for number in range(1000)])

        await until_depth(bus, "work", 1000)

    async def test_publishing_nothing_is_fine(self, bus: MessageBus) -> None:
        await bus.publish([])

        assert await bus.queue_depth("work") == 0

    async def test_a_queue_tells_what_waits_and_who_reads(self, bus: MessageBus) -> None:
        gate = Gate()
        await bus.publish([message("m1"), message("m2"), message("m3")])
        await until_depth(bus, "work", 3)
        assert await bus.queue_state("work") == QueueState(ready=3, consumers=0)

        readers = [await bus.subscribe("work", gate, prefetch=1) for _ in range(2)]
        await gate.begun(2)
        await until_depth(bus, "work", 1)

        assert await bus.queue_state("work") == QueueState(ready=1, consumers=2)
        gate.open()
        for reader in readers:
            await reader.stop(LONG_GRACE)
        assert (await bus.queue_state("work")).consumers == 0

    async def test_an_undeclared_queue_is_refused_and_the_bus_goes_on(self, bus: MessageBus) -> None:
        with pytest.raises(UnknownQueueError):
            await bus.subscribe("nowhere", Recorder(), prefetch=1)
        with pytest.raises(UnknownQueueError):
            await bus.queue_depth("nowhere")
        with pytest.raises(UnknownQueueError):
            await bus.queue_state("nowhere")

        await bus.publish([message("still here")])
        await until_depth(bus, "work", 1)

    async def test_declaring_again_changes_nothing(self, bus: MessageBus) -> None:
        await bus.publish([message("kept")])

        await bus.declare(TOPOLOGY)

        await until_depth(bus, "work", 1)

    @pytest.mark.parametrize(
        "other",
        [
            Topology((), (Queue("fragile", delivery_limit=7, dead_letter_exchange=DEAD_LETTER_EXCHANGE),), ()),
            Topology((Exchange(EVENTS_EXCHANGE, ExchangeKind.FANOUT),), (), ()),
        ],
        ids=["queue", "exchange"],
    )
    async def test_declaring_something_else_by_the_same_name_is_refused(self, bus: MessageBus, other: Topology) -> None:
        with pytest.raises(TopologyMismatchError):
            await bus.declare(other)

        await bus.declare(TOPOLOGY)
        assert await bus.queue_depth("fragile") == 0

    async def test_the_topology_of_the_platform_can_be_declared(
        self, unconnected_bus: Callable[[], MessageBus]
    ) -> None:
        bus = unconnected_bus()
        await bus.connect()

        await bus.declare(protea_topology({"ping": "protea.ping"}))

        await bus.publish([message("ping", key="job.created.ping")])
        await until_depth(bus, "protea.ping", 1)

    async def test_a_bus_is_connected_from_connect_to_close(self, unconnected_bus: Callable[[], MessageBus]) -> None:
        bus = unconnected_bus()
        before = await bus.is_connected()
        await bus.connect()
        await bus.connect()
        during = await bus.is_connected()
        await bus.aclose()
        await bus.aclose()

        assert (before, during, await bus.is_connected()) == (False, True, False)

    async def test_an_unconnected_bus_refuses_to_publish(self, unconnected_bus: Callable[[], MessageBus]) -> None:
        with pytest.raises(BrokerUnavailableError):
            await unconnected_bus().publish([message("early")])

    async def test_publishing_before_the_topology_is_declared_may_be_tried_again(
        self, unconnected_bus: Callable[[], MessageBus]
    ) -> None:
        bus = unconnected_bus()
        await bus.connect()

        with pytest.raises(BrokerUnavailableError):
            await bus.publish([message("early")])

        await bus.declare(TOPOLOGY)
        await bus.publish([message("in time")])
        await until_depth(bus, "work", 1)


class TestRabbitBus:
    @pytest.fixture
    async def bus(self, amqp_url: str) -> AsyncIterator[RabbitBus]:
        bus = RabbitBus(amqp_url, connection_name="test", answer_timeout=timedelta(seconds=2))
        await bus.connect()
        await bus.declare(TOPOLOGY)
        yield bus
        await bus.aclose()

    @pytest.mark.parametrize("halt", ["stop", "kill"])
    async def test_a_broker_restart_amid_consumption_loses_nothing(
        self, bus: RabbitBus, rabbitmq: RabbitServer, halt: str
    ) -> None:
        sent = [f"m{number}" for number in range(300)]
        handler = Recorder()
        await bus.publish([message(name) for name in sent])
        await bus.subscribe("work", handler, prefetch=5)
        await handler.next(50)

        async with away(rabbitmq, rabbitmq.stop if halt == "stop" else rabbitmq.kill):
            await until_disconnected(bus)

        await until_all_seen(handler, sent)
        await until_depth(bus, "work", 0)

    async def test_a_handler_outlives_a_broker_restart_and_is_not_run_beside_itself(
        self, bus: RabbitBus, rabbitmq: RabbitServer
    ) -> None:
        gate = Gate()
        await bus.subscribe("work", gate, prefetch=1)
        await bus.publish([message("long")])
        await gate.begun()

        async with away(rabbitmq, rabbitmq.kill):
            await until_disconnected(bus)
        # Back to its reconnected consumer, the message is no longer ready.
        await until_depth(bus, "work", 0)
        assert gate.running == 1
        gate.open()

        assert [m.redelivered for m in await gate.begun()] == [True]
        assert gate.peak == 1

    async def test_publishing_without_a_broker_fails_in_time_and_works_again_later(
        self, bus: RabbitBus, rabbitmq: RabbitServer
    ) -> None:
        async with away(rabbitmq, rabbitmq.kill):
            begun = time.monotonic()
            with pytest.raises(BrokerUnavailableError):
                await bus.publish([message("lost")])
            assert time.monotonic() - begun < 5
            with pytest.raises(BrokerUnavailableError):
                await bus.queue_depth("work")

        await until_published(bus, message("kept"))
        await until_depth(bus, "work", 1)

    async def test_a_broker_that_falls_silent_is_an_error_and_not_a_cancellation(
        self, rabbitmq: RabbitServer, amqp_url: str
    ) -> None:
        bus = RabbitBus(amqp_url, connection_name="test", answer_timeout=LONG_GRACE, heartbeat=timedelta(seconds=1))
        await bus.connect()
        await bus.declare(TOPOLOGY)
        await asyncio.to_thread(rabbitmq.pause)
        try:
            outcomes = await asyncio.gather(
                bus.publish([message("unheard")]),
                bus.queue_depth("work"),
                bus.subscribe("work", Recorder(), prefetch=1),
                return_exceptions=True,
            )
        finally:
            await asyncio.to_thread(rabbitmq.resume)

        assert [type(outcome) for outcome in outcomes] == [BrokerUnavailableError] * 3
        await until_published(bus, message("heard"))
        await bus.aclose()

    async def test_a_broadcast_is_heard_again_after_a_broker_restart(
        self, bus: RabbitBus, rabbitmq: RabbitServer
    ) -> None:
        listener = Recorder()
        await bus.subscribe_broadcast(["job.*"], listener)

        async with away(rabbitmq, rabbitmq.kill):
            await until_disconnected(bus)

        await until_published(bus, message("heard", key="job.started"))
        assert ids(await listener.next()) == ["heard"]

    async def test_a_broker_that_lost_everything_gets_its_topology_and_consumers_back(
        self, bus: RabbitBus, rabbitmq: RabbitServer, amqp_url: str
    ) -> None:
        handler = Recorder()
        await bus.subscribe("work", handler, prefetch=1)
        name = urlsplit(amqp_url).path.removeprefix("/")

        await asyncio.to_thread(delete_virtual_host, rabbitmq, name)
        await until_disconnected(bus)
        await asyncio.to_thread(create_virtual_host, rabbitmq, name)
        await until_published(bus, message("after"))

        assert ids(await handler.next()) == ["after"]

    async def test_closing_beside_a_dead_broker_does_not_hang(self, bus: RabbitBus, rabbitmq: RabbitServer) -> None:
        gate = Gate()
        await bus.subscribe("work", gate, prefetch=1)
        await bus.publish([message("running")])
        await gate.begun()

        async with away(rabbitmq, rabbitmq.kill), asyncio.timeout(PATIENCE_SECONDS):
            await bus.aclose()

        assert gate.running == 0

    async def test_connecting_waits_for_a_broker_that_starts_later(self, rabbitmq: RabbitServer, amqp_url: str) -> None:
        bus = RabbitBus(amqp_url, connection_name="test", connect_timeout=LONG_GRACE)
        async with away(rabbitmq, rabbitmq.kill):
            connecting = asyncio.create_task(bus.connect())
            await asyncio.sleep(0)

        await connecting
        assert await bus.is_connected()
        await bus.aclose()

    async def test_connecting_gives_up_in_time_and_never_shows_the_password(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        # Port 9 is the discard service, which nobody runs.
        bus = RabbitBus(
            "amqp://someone:open-sesame@127.0.0.1:9/", connection_name="test", connect_timeout=timedelta(seconds=1)
        )

        with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:9/ did not answer within 1 s") as caught:
            await bus.connect()

        assert "127.0.0.1:9/ does not answer" in caplog.text
        assert "open-sesame" not in caplog.text + str(caught.value)


def message(
    message_id: str, *, key: str = "work.requested", headers: dict[str, HeaderValue] | None = None
) -> OutgoingMessage:
    return OutgoingMessage(message_id, key, b"{}", headers or {})


def ids(messages: list[IncomingMessage]) -> list[str]:
    return [message.message_id for message in messages]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.02)


async def until_disconnected(bus: MessageBus) -> None:
    async def disconnected() -> bool:
        return not await bus.is_connected()

    await until(disconnected)


async def until_all_seen(handler: Recorder, expected: list[str]) -> None:
    async def all_seen() -> bool:
        return set(ids(handler.seen)) == set(expected)

    await until(all_seen)


async def until_published(bus: MessageBus, outgoing: OutgoingMessage) -> None:
    async def published() -> bool:
        try:
            await bus.publish([outgoing])
        except (BrokerUnavailableError, UnroutableError):
            return False
        return True

    await until(published)


async def until_depth(bus: MessageBus, queue: str, expected: int) -> None:
    async def reached() -> bool:
        try:
            return await bus.queue_depth(queue) == expected
        except BrokerUnavailableError:
            return False

    await until(reached)


@asynccontextmanager
async def away(server: RabbitServer, halt: Callable[[], None]) -> AsyncIterator[None]:
    """Without the server, which comes back afterwards with its ports and data."""
    await asyncio.to_thread(halt)
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)
