"""What the system checks of ``redis.py`` find on the Redis server.

A hosted Redis that does not show its configuration is reported as information only (I101).
"""

import itertools
from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004
from redis import RedisError
from redis.exceptions import ResponseError
from sockgate_gateway.redis_servers.capabilities import Half, Missing, Survey, find_missing
from sockgate_gateway.redis_servers.errors import cause_of, remedy_for
from sockgate_gateway.wire.addresses import Kind
from sockgate_gateway.wire.deployments import (
    Deployment,
    deployment_of,
    first_conflict,
    listing,
    read_registered,
)
from sockgate_gateway.wire.documentation import address_of
from sockgate_gateway.wire.scripts import DEPLOYMENTS

from .. import conf
from ..channels.online_sender import has_sender
from ..redis_clients import pools
from ..redis_clients.time_budget import time_budget
from .settings import readable_settings

TIMEOUT_S = 8.0
"""The time for Redis to answer a check: connecting has a quarter of it, see ``time_budget``."""

MIN_PUBSUB_HARD_BYTES = 32 * 1024 * 1024
MIN_PUBSUB_SOFT_BYTES = 8 * 1024 * 1024
_SETTINGS = ("maxmemory-policy", "client-output-buffer-limit", "min-replicas-to-write")


_MEMORY = Error(
    'SOCKGATE["REDIS_URL"] is memory://, which is in this process alone: no browser can connect.',
    hint="Name the Redis of the gateway. memory:// is for test suites.",
    id="sockgate.E106",
)


def redis_problems() -> Iterable[CheckMessage]:
    """List what is wrong with the server and its configuration."""
    if readable_settings() is None:
        return
    if pools.kind() is Kind.MEMORY:
        yield _MEMORY
        return
    try:
        with time_budget(TIMEOUT_S):
            configurations = _configurations()
    except ResponseError:
        yield Info(
            "Redis does not show its configuration.",
            hint="Check that maxmemory-policy is noeviction, and that "
            "client-output-buffer-limit pubsub is 32mb 8mb 60 or more.",
            id="sockgate.I101",
        )
    except RedisError as error:
        yield Error(
            f'Redis at SOCKGATE["REDIS_URL"] does not answer: {cause_of(error)}.',
            hint=_hint_for(cause_of(error)),
            id="sockgate.E103",
        )
    else:
        found = itertools.chain.from_iterable(map(_check_configuration, configurations))
        yield from {message.msg: message for message in found}.values()


def _hint_for(cause: str) -> str:
    remedy = remedy_for(cause) or "check that Redis runs, and the URL"
    return f'{remedy[0].upper()}{remedy[1:]}: SOCKGATE["REDIS_URL"], or SOCKGATE_REDIS_URL.'


def _configurations() -> list[dict[str, str]]:
    """Read the configuration of Redis; of a cluster, that of every primary."""
    client: Any = pools.records()
    if pools.kind() is Kind.CLUSTER:
        return list(client.config_get(*_SETTINGS, target_nodes=client.PRIMARIES).values())
    return [client.config_get(*_SETTINGS)]


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
    if pools.kind() is Kind.SENTINEL and least == "0":
        yield Warning(
            "A master that the Sentinels have replaced accepts writes, which are then lost.",
            hint="Set min-replicas-to-write 1 on every server, with two replicas or more.",
            id="sockgate.W110",
        )


def _check_output_buffer(limits: str | None) -> Iterable[CheckMessage]:
    hard, soft = pubsub_limits(limits or "")
    if 0 < hard < MIN_PUBSUB_HARD_BYTES or 0 < soft < MIN_PUBSUB_SOFT_BYTES:
        yield Warning(
            "Redis disconnects a gateway in a burst: "
            f"client-output-buffer-limit pubsub is {hard} {soft} bytes.",
            hint="Set client-output-buffer-limit pubsub 32mb 8mb 60, or more.",
            id="sockgate.W106",
        )


def pubsub_limits(limits: str) -> tuple[int, int]:
    """Parse the hard and the soft limit of class ``pubsub``, in bytes; 0 for no limit.

    Args:
        limits: as Redis writes them, ``normal 0 0 0 slave … pubsub 33554432 8388608 60``.
    """
    words = limits.split()
    if "pubsub" not in words:
        return 0, 0
    place = words.index("pubsub")
    return int(words[place + 1]), int(words[place + 2])


def capability_problems() -> Iterable[CheckMessage]:
    """List what Redis refuses, and what follows."""
    if readable_settings() is None or pools.kind() is Kind.MEMORY:
        return
    try:
        with time_budget(TIMEOUT_S):
            found = missing_capabilities(Half.DJANGO)
    except RedisError:  # E103 says that Redis does not answer.
        return
    for one in found:
        kind, number = (Error, "E121") if one.capability.is_needed else (Warning, "W123")
        yield kind(str(one), hint=f"See {address_of('redis.md')}.", id=f"sockgate.{number}")


def missing_capabilities(half: Half) -> list[Missing]:
    """Ask Redis, with Django's account, what it refuses of what a half needs.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    return find_missing(pools.records(), Survey(pools.kind(), conf.current().names, half))


def deployment_problems() -> Iterable[CheckMessage]:
    """List conflicts with other sites, and gateways with other prefixes than Django's."""
    config = readable_settings()
    if config is None or not config.signing_keys:
        return
    ours = deployment_of(config.names, config.signing_keys)
    try:
        with time_budget(TIMEOUT_S):
            others = _deployments(ours)
    except RedisError:  # E103 says that Redis does not answer.
        return
    if problem := first_conflict(ours, (one for one in others if not _is_ours(one, ours))):
        yield Error(f"Of the sites on this Redis server, {problem}.", id="sockgate.E120")
    for other in {one for one in others if _is_ours(one, ours) and one.names != ours.names}:
        yield Warning(
            f"A gateway with these signing keys subscribes to {_place(other)}, "
            f"but Django publishes to {_place(ours)}.",
            hint="Set the same REDIS_URL, KEY_PREFIX and CHANNEL_PREFIX for both.",
            id="sockgate.W120",
        )


def sender_problems() -> Iterable[CheckMessage]:
    """Report that no process sends the signals ``user_online`` and ``user_offline``."""
    config = readable_settings()
    if config is None or not config.presence_signals or pools.kind() is Kind.MEMORY:
        return
    try:
        with time_budget(TIMEOUT_S):
            is_sent = has_sender()
    except RedisError:  # E103 says that Redis does not answer.
        return
    if not is_sent:
        yield Warning(
            'SOCKGATE["PRESENCE_SIGNALS"] is True, but no process has sent user_online and '
            "user_offline in the last minute.",
            hint="Run manage.py sockgate_signals beside the site, under systemd or as a container.",
            id="sockgate.W121",
        )


def _deployments(ours: Deployment) -> list[Deployment]:
    client: Any = pools.records()
    reply = client.eval(DEPLOYMENTS, 1, *listing(ours.database))
    return [one.deployment for one in read_registered(reply)]


def _place(one: Deployment) -> str:
    return f"{one.channel_prefix}user:1 in database {one.database}"


def _is_ours(one: Deployment, ours: Deployment) -> bool:
    return one.shares_a_key_with(ours)
