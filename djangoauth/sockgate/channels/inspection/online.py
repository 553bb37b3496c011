"""Who is online, a page of them; and the connections of some, and the workers, as these say.

Strategy: on a small site all presence is read, and all is exact. On a large one nobody reads it
all: counts come from the lengths of the tables and from the workers, and a few users from a scan,
or from the site's own database by the text of a search.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from sockgate_gateway.wire.inspection import AskNow, Now, Open, WorkerName, WorkerState
from sockgate_gateway.wire.names import BROADCAST, check_channel
from sockgate_gateway.wire.presence import read_beat

from ... import conf
from ...redis_clients import pools
from ...tenants import bare, qualify
from ..audience import count_connections
from ..presence import presence
from .ask import Asked, ask, workers

MAX_READ = 5000
"""The users whose presence is read at once."""

MAX_FOUND = 200
"""The users of the site whose presence is looked up for a search, on a large site."""

_BATCH = 500
"""How many names are read in one query."""


@dataclass(frozen=True, slots=True)
class OnlineUser:
    """A user who is connected. ``uid``: the primary key, as text."""

    uid: str
    name: str
    connections: int


@dataclass(frozen=True, slots=True)
class Online:
    """Who is connected, or on a channel.

    Args:
        users: how many; where they are not ``exact``, one on two workers counts twice.
        is_exact: whether that is so.
        connections: of all users and visitors.
        anonymous: connections of visitors.
        shown: some users; those with the most connections first, of all or of those found.
    """

    users: int
    is_exact: bool
    connections: int
    anonymous: int
    shown: tuple[OnlineUser, ...]


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker and how it is; None: it did not answer."""

    name: WorkerName
    started_at: float
    state: WorkerState | None


@dataclass(frozen=True, slots=True)
class Tab:
    """A connection of a user, and its worker."""

    worker: WorkerName
    open: Open


@dataclass(frozen=True, slots=True)
class Present:
    """The workers, and the connections of the users that were asked for, by uid."""

    workers: tuple[Worker, ...]
    tabs: dict[str, list[Tab]]


def read_online(channel: str, search: str = "", limit: int = 50, first: int = 0) -> Online:
    """Count who is on a channel, and find some of them.

    Args:
        channel: ``broadcast``: all connections.
        search: only users whose name contains this text.
        limit: how many users are shown.
        first: how many are left out before, on a small site.

    Raises:
        ChannelNameError: the text is not a channel name.
        redis.RedisError: Redis fails or does not answer.
    """
    sizes = _sizes(qualify(check_channel(channel)))
    if sum(sizes.values()) > MAX_READ:
        return _read_some(channel, search, limit, sizes)
    present = presence(channel)
    ordered = sorted(present.users, key=lambda uid: (-present.users[uid], uid))
    wanted = slice(first, first + limit)
    if search:
        named = _named(ordered, present.users, search)[wanted]
    else:
        named = _named(ordered[wanted], present.users, "")
    return Online(
        len(present.users),
        True,
        sum(present.users.values()) + present.anonymous,
        present.anonymous,
        tuple(named),
    )


def read_now(uids: Iterable[str], watch: str = "") -> Present:
    """Ask the workers how they are, and for connections of users.

    Args:
        uids: at most ``MAX_USERS`` of the wire, without their tenant.
        watch: a channel that the workers touch for a minute when connections come and go.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    channel = qualify(watch) if watch else ""
    asked = ask(AskNow(tuple(map(qualify, uids)), watch=channel))
    tabs: dict[str, list[Tab]] = {}
    for tab in tabs_of(asked):
        tabs.setdefault(bare(tab.open.uid or ""), []).append(tab)
    return Present(tuple(_workers(asked)), tabs)


def tabs_of(asked: Asked) -> list[Tab]:
    """Return all connections that answers describe."""
    return [
        Tab(answer.worker, one) for answer in asked.answers for one in answer.content.connections
    ]


def _workers(asked: Asked) -> list[Worker]:
    found = [
        Worker(answer.worker, answer.started_at, answer.content.state)
        for answer in asked.answers
        if isinstance(answer.content, Now)
    ]
    found += [Worker(name, 0.0, None) for name in asked.silent]
    return sorted(found, key=lambda worker: (worker.name.host, worker.name.number))


def _sizes(channel: str) -> dict[str, int]:
    """Return how many users each worker has on a channel."""
    names, found = conf.current().names, workers()
    with pools.records().pipeline(transaction=False) as pipe:
        for worker in found:
            pipe.hlen(names.presence(channel, worker.id))
        sizes = pipe.execute()
    return {worker.id: size for worker, size in zip(found, sizes, strict=True)}


def _read_some(channel: str, search: str, limit: int, sizes: dict[str, int]) -> Online:
    qualified, names, client = qualify(channel), conf.current().names, pools.records()
    keys = [names.presence(qualified, worker) for worker in sizes]
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hget(key, "")
        visitors = [int(count or 0) for count in pipe.execute()]
    uids = _uids_named(search) if search else _scan(client, keys, limit)
    counts = _counts(client, keys, uids)
    ordered = sorted(counts, key=lambda uid: (-counts[uid], uid))[:limit]
    return Online(
        sum(sizes.values()) - sum(map(bool, visitors)),
        len(keys) == 1,
        _count(client, channel, list(sizes)),
        sum(visitors),
        tuple(_named(ordered, counts, "")),
    )


def _count(client: Any, channel: str, live: list[str]) -> int:
    """Count connections by the heartbeats of the workers, or ask them about one channel."""
    if channel != BROADCAST or conf.current().tenant is not None:
        return count_connections(channel)
    names = conf.current().names
    with client.pipeline(transaction=False) as pipe:
        for worker in live:
            pipe.get(names.worker(worker))
        beats = pipe.execute()
    return sum(read_beat(beat) or 0 for beat in beats if beat is not None)


def _scan(client: Any, keys: list[str], limit: int) -> list[str]:
    """Return some of the users of these tables."""
    found: dict[str, None] = {}
    for key in keys:
        _, table = client.hscan(key, count=max(limit, 1))
        found.update((bare(uid.decode()), None) for uid in list(table)[:limit] if uid)
        if len(found) >= limit:
            break
    return list(found)[:limit]


def _uids_named(search: str) -> list[str]:
    model: Any = get_user_model()
    found: dict[str, None] = {}
    for lookup in ("iexact", "istartswith", "icontains"):  # The whole name is always found.
        matching = model._default_manager.filter(**{f"{model.USERNAME_FIELD}__{lookup}": search})
        pks = matching.values_list("pk", flat=True)[: MAX_FOUND - len(found)]
        found.update((str(pk), None) for pk in pks)
    return list(found)


def _counts(client: Any, keys: list[str], uids: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    if not uids:
        return counts
    qualified = list(map(qualify, uids))
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hmget(key, qualified)
        for found in pipe.execute():
            for uid, count in zip(uids, found, strict=True):
                if count is not None:
                    counts[uid] = counts.get(uid, 0) + int(count)
    return counts


def _named(uids: list[str], counts: dict[str, int], search: str) -> list[OnlineUser]:
    named: list[OnlineUser] = []
    manager: Any = get_user_model()._default_manager
    for start in range(0, len(uids), _BATCH):
        batch = uids[start : start + _BATCH]
        found = {str(user.pk): user for user in manager.filter(pk__in=batch)}
        for uid in batch:
            name = found[uid].get_username() if uid in found else "a deleted user"
            if search.casefold() in name.casefold():
                named.append(OnlineUser(uid, name, counts[uid]))
    return named
