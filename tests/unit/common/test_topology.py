"""The platform's exchanges, queues and bindings."""

from __future__ import annotations

import pytest

from protea_common.messaging.topology import (
    DEAD_LETTER_EXCHANGE,
    DEAD_LETTER_QUEUE,
    EVENTS_EXCHANGE,
    UNLIMITED_DELIVERIES,
    Binding,
    Exchange,
    ExchangeKind,
    Queue,
    WorkQueue,
    protea_topology,
)

OPERATIONS = {"ping": "protea.ping", "load_ontology": "protea.ingest", "load_proteins": "protea.ingest"}


def test_an_operation_is_bound_to_its_queue() -> None:
    bindings = protea_topology(OPERATIONS).bindings

    assert Binding(EVENTS_EXCHANGE, "protea.ping", "job.created.ping") in bindings
    assert Binding(EVENTS_EXCHANGE, "protea.ingest", "job.created.load_ontology") in bindings
    assert Binding(EVENTS_EXCHANGE, "protea.ingest", "job.created.load_proteins") in bindings


def test_batch_requests_are_bound_to_the_workers_queues() -> None:
    bound = {(b.routing_key, b.queue) for b in protea_topology({}).bindings if b.exchange == EVENTS_EXCHANGE}

    assert bound == {
        ("embeddings.batch.requested", "protea.embeddings.batch"),
        ("predictions.batch.requested", "protea.predictions.batch"),
    }


def test_a_pool_has_a_queue_that_hears_only_its_requests() -> None:
    topology = protea_topology({}, embedding_pools=("large", "huge"))

    pooled = {(b.routing_key, b.queue) for b in topology.bindings if "requested." in b.routing_key}
    assert pooled == {
        ("embeddings.batch.requested.huge", "protea.embeddings.batch.huge"),
        ("embeddings.batch.requested.large", "protea.embeddings.batch.large"),
    }
    assert {"protea.embeddings.batch.huge", "protea.embeddings.batch.large"} < {queue.name for queue in topology.queues}


def test_every_work_queue_exists_whatever_the_operations() -> None:
    assert {queue.name for queue in protea_topology({}).queues} == {
        "protea.ping",
        "protea.ingest",
        "protea.embeddings",
        "protea.embeddings.batch",
        "protea.predictions",
        "protea.predictions.batch",
        "protea.evaluations",
        "protea.training",
        "protea.dead-letter",
    }


def test_work_queues_dead_letter_at_least_once_and_guard_against_poison() -> None:
    queues = {queue.name: queue for queue in protea_topology({}).queues}

    for name in WorkQueue:
        assert queues[name].arguments == {
            "x-queue-type": "quorum",
            "x-delivery-limit": 50,
            "x-dead-letter-exchange": "protea.dlx",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }


def test_the_dead_letter_queue_hears_the_dead_letter_exchange_and_drops_nothing() -> None:
    topology = protea_topology({})

    assert Exchange(DEAD_LETTER_EXCHANGE, ExchangeKind.FANOUT) in topology.exchanges
    assert Binding(DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE, "") in topology.bindings
    assert Queue(DEAD_LETTER_QUEUE, delivery_limit=UNLIMITED_DELIVERIES) in topology.queues
    # RabbitMQ 3.10 takes a limit from 0 on, and 4.x would take 20 if none were given.
    assert Queue(DEAD_LETTER_QUEUE, delivery_limit=UNLIMITED_DELIVERIES).arguments == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1_000_000_000,
    }


def test_every_binding_joins_what_is_declared() -> None:
    topology = protea_topology(OPERATIONS)

    assert {binding.exchange for binding in topology.bindings} <= {exchange.name for exchange in topology.exchanges}
    assert {binding.queue for binding in topology.bindings} <= {queue.name for queue in topology.queues}


def test_the_order_of_operations_does_not_matter() -> None:
    assert protea_topology(OPERATIONS) == protea_topology(dict(reversed(OPERATIONS.items())))


def test_an_operation_cannot_have_a_queue_of_its_own_invention() -> None:
    with pytest.raises(ValueError, match=r"protea\.jobs"):
        protea_topology({"ping": "protea.jobs"})
