"""System checks of ``manage.py check --deploy`` that ask Redis itself.

A hosted Redis that does not show its configuration is only mentioned.
"""

import itertools
from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, Info, Warning, register  # noqa: A004
from redis import RedisError
from redis.exceptions import ResponseError

from gateway.wire.addresses import Kind

from . import redis_clients
from .checks import TAG, readable_settings

MIN_PUBSUB_HARD_BYTES = 32 * 1024 * 1024
MIN_PUBSUB_SOFT_BYTES = 8 * 1024 * 1024
_ASKED = ("maxmemory-policy", "client-output-buffer-limit", "min-replicas-to-write")


@register(TAG, deploy=True)
def check_redis(**_: Any) -> Iterable[CheckMessage]:
    """E103 no Redis, W105, W106, W110 one that loses logins or messages, I101 a silent one."""
    if readable_settings() is None:
        return
    try:
        configurations = _configurations()
    except ResponseError:
        yield Info(
            "Redis does not show its configuration.",
            hint="See that maxmemory-policy is noeviction, and that "
            "client-output-buffer-limit pubsub is 32mb 8mb 60 or more.",
            id="sockgate.I101",
        )
    except RedisError as error:
        yield Error(
            f'Redis at SOCKGATE["REDIS_URL"] does not answer: {type(error).__name__}.',
            id="sockgate.E103",
        )
    else:
        found = itertools.chain.from_iterable(map(_check_configuration, configurations))
        yield from {message.msg: message for message in found}.values()


def _configurations() -> list[dict[str, str]]:
    """Ask Redis how it is configured: of a cluster, every primary."""
    client: Any = redis_clients.records()
    if redis_clients.kind() is Kind.CLUSTER:
        return list(client.config_get(*_ASKED, target_nodes=client.PRIMARIES).values())
    return [client.config_get(*_ASKED)]


def _check_configuration(found: dict[str, str]) -> Iterable[CheckMessage]:
    yield from _check_eviction(found.get("maxmemory-policy") or "noeviction")
    yield from _check_output_buffer(found.get("client-output-buffer-limit"))
    yield from _check_replicas(found.get("min-replicas-to-write"))


def _check_eviction(policy: str) -> Iterable[CheckMessage]:
    if policy != "noeviction":
        yield Warning(
            f"Redis may drop sessions when its memory is full: maxmemory-policy is {policy}.",
            hint="Set maxmemory-policy noeviction.",
            id="sockgate.W105",
        )


def _check_replicas(least: str | None) -> Iterable[CheckMessage]:
    if redis_clients.kind() is Kind.SENTINEL and least == "0":
        yield Warning(
            "A master that the Sentinels have replaced goes on taking what is then lost.",
            hint="Set min-replicas-to-write 1 on every server, with two replicas or more.",
            id="sockgate.W110",
        )


def _check_output_buffer(limits: str | None) -> Iterable[CheckMessage]:
    hard, soft = pubsub_limits(limits or "")
    if 0 < hard < MIN_PUBSUB_HARD_BYTES or 0 < soft < MIN_PUBSUB_SOFT_BYTES:
        yield Warning(
            "Redis cuts a gateway off in a burst: "
            f"client-output-buffer-limit pubsub is {hard} {soft} bytes.",
            hint="Set client-output-buffer-limit pubsub 32mb 8mb 60, or more.",
            id="sockgate.W106",
        )


def pubsub_limits(limits: str) -> tuple[int, int]:
    """Find the hard and the soft limit in bytes, 0 for none, of class ``pubsub``.

    Args:
        limits: as Redis shows them, ``normal 0 0 0 slave … pubsub 33554432 8388608 60``.
    """
    words = limits.split()
    if "pubsub" not in words:
        return 0, 0
    place = words.index("pubsub")
    return int(words[place + 1]), int(words[place + 2])
