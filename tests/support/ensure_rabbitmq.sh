#!/bin/sh
# Makes sure that the tests can have a RabbitMQ: by address, installed, through Docker, or installed now where we may.
set -eu

if [ -n "${PROTEA_TEST_AMQP_URL:-}" ]; then
    exit 0
fi
if [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
    exit 0
fi
if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo"
    else
        as_root="none"
    fi
    if [ "$as_root" != "none" ]; then
        echo "installing rabbitmq-server through apt, once"
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rabbitmq-server >/dev/null
        exit 0
    fi
fi
echo "The tests need RabbitMQ. Install it (apt-get install rabbitmq-server), start Docker," >&2
echo "or set PROTEA_TEST_AMQP_URL=amqp://user:password@host:5672/ to a server of your own." >&2
exit 1
