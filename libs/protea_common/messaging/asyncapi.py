"""Writes the AsyncAPI document: who may publish what, and which queue hears it. Run by ``make contracts``.

It follows from the event contracts, the operations and the topology, so it cannot say anything else than the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from protea_common.events import EVENT_TYPES, EmbeddingsBatchRequested
from protea_common.events.envelope import Event
from protea_common.messaging.topics import topic_matches
from protea_common.messaging.topology import EVENTS_EXCHANGE, Topology, protea_topology
from protea_common.operations import OPERATIONS, operation_queues

__all__ = ["asyncapi_document", "main"]

VERSION: Final = "3.0.0"

DESCRIPTION: Final = """\
What the services tell each other over RabbitMQ. Every event is a fact, published to one durable topic exchange, and the
channels are its routing keys. Delivery is at least once: consumers know an event by its id. Any process may also listen
in with a queue of its own, as the gateways do for their live streams.
"""

HEADERS: Final = {
    "cloudEvents_specversion": ("CloudEvents version.", {"type": "string", "const": "1.0"}),
    "cloudEvents_id": ("UUIDv7 by which consumers know the event again.", {"type": "string", "format": "uuid"}),
    "cloudEvents_source": ("Service that sent it.", {"type": "string"}),
    "cloudEvents_type": ("Name of the event.", {"type": "string"}),
    "cloudEvents_time": ("When it happened, UTC.", {"type": "string", "format": "date-time"}),
    "cloudEvents_subject": ("Job that it is about.", {"type": "string", "format": "uuid"}),
    "cloudEvents_dataschema": ("Contract and version of the body.", {"type": "string"}),
    "traceparent": ("W3C Trace Context of the sender.", {"type": "string"}),
    "tracestate": ("W3C Trace Context of the sender.", {"type": "string"}),
}
"""Headers of every message, what they say and their schemas."""

POOL: Final = "{pool}"
"""Stands for a pool of embedder workers, which each installation names itself."""

POOL_TEXT: Final = "Pool of embedder workers for models of a size class: one of PROTEA_EMBEDDING_POOLS."

OPTIONAL_HEADERS: Final = frozenset({"cloudEvents_subject", "traceparent", "tracestate"})


def asyncapi_document() -> dict[str, Any]:
    """Describe the bus.

    References
    ----------
    AsyncAPI 3.0.0; AMQP bindings 0.3.0; CloudEvents AMQP binding 1.0.2.
    """
    topology = protea_topology(operation_queues(), embedding_pools=[POOL])
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "PROTEA events",
            "version": f"{max(event.schema_version for event in EVENT_TYPES.values())}.0.0",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "RabbitMQ 3.10 to 4.x.",
                "variables": {"host": {"description": "Host and port; PROTEA_AMQP_URL names them."}},
            }
        },
        "channels": {_name(key): _channel(key, event) for key, event in _routing_keys()},
        "operations": {**_sends(), **_receives(topology)},
        "components": {
            "messages": {event.__name__: _message(event) for event in EVENT_TYPES.values()},
            "messageTraits": {"envelope": {"headers": _headers()}},
        },
    }


def _routing_keys() -> Iterator[tuple[str, type[Event]]]:
    """Give every key that is published: the event's type, for new jobs with each operation that has a queue."""
    for name, event in EVENT_TYPES.items():
        if name == "job.created":
            yield from ((f"{name}.{operation}", event) for operation in operation_queues())
        else:
            yield name, event
        if name == EmbeddingsBatchRequested.type:
            yield f"{name}.{POOL}", event


def _name(routing_key: str) -> str:
    """Make a key of the document, whose names may hold letters, digits and underscores."""
    return routing_key.replace(".", "_").replace(POOL, "pool")


def _channel(routing_key: str, event: type[Event]) -> dict[str, Any]:
    exchange = {"name": EVENTS_EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
    return {
        "address": routing_key,
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
        **({"parameters": {"pool": {"description": POOL_TEXT}}} if POOL in routing_key else {}),
    }


def _sends() -> dict[str, Any]:
    return {
        f"send_{_name(key)}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{_name(key)}"},
            "summary": _what(key, event),
            "bindings": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}},
        }
        for key, event in _routing_keys()
    }


def _receives(topology: Topology) -> dict[str, Any]:
    """Describe who takes work: for each key the queues that are bound to it."""
    return {
        f"receive_{_name(key)}": {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{_name(key)}"},
            "summary": f"From the queue {', '.join(queues)}: {_what(key, event)}",
            "bindings": {"amqp": {"ack": True, "bindingVersion": "0.3.0"}},
            "x-queues": {str(q.name): q.arguments for q in topology.queues if q.name in queues},
        }
        for key, event in _routing_keys()
        if (queues := _queues(topology, key))
    }


def _queues(topology: Topology, routing_key: str) -> list[str]:
    bound = {
        str(binding.queue)
        for binding in topology.bindings
        if binding.exchange == EVENTS_EXCHANGE and topic_matches(binding.routing_key, routing_key)
    }
    return sorted(bound)


def _what(routing_key: str, event: type[Event]) -> str:
    operation = OPERATIONS.get(routing_key.removeprefix("job.created."))
    return _summary(event) if operation is None else operation.summary


def _summary(event: type[Event]) -> str:
    return (event.__doc__ or "").strip().splitlines()[0]


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": _summary(event),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": {"$ref": f"events/{event.dataschema()}.json"},
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name in HEADERS if name not in OPTIONAL_HEADERS],
        "properties": {name: {"description": text, **schema} for name, (text, schema) in HEADERS.items()},
    }


def main() -> None:
    """Write the document to the file given as the only argument."""
    text = yaml.safe_dump(asyncapi_document(), sort_keys=False, allow_unicode=True, width=120)
    Path(sys.argv[1]).write_text("# Generated by `make contracts`; a test compares.\n" + text, encoding="utf8")


if __name__ == "__main__":
    main()
