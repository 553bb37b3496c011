"""What happened to a user, in the order of time: from the workers, and from Redis.

Strategy: each worker remembers ends, refusals and gaps, and knows what is open now. Redis has the
sessions, and when the newest sequenced publications were published. Together they become lines
with times, and some about now (``sentences``).
"""

from dataclasses import dataclass
from time import time
from typing import Any

from sockgate_gateway.wire.contract import Position
from sockgate_gateway.wire.inspection import AskWhy
from sockgate_gateway.wire.names import check_channel, user_channel

from ... import conf
from ...redis_clients import pools, redis_errors
from ...redis_clients.scripts import RECENT
from ...tenants import qualify
from . import denials
from .ask import Asked, ask

PUBLICATIONS = 20
"""How many of the newest ones of a channel are told."""

MAX_SESSIONS = 50


@dataclass(frozen=True, slots=True)
class Published:
    """A sequenced publication that the history of a channel holds, and when it was published."""

    offset: int
    at: float


@dataclass(frozen=True, slots=True)
class History:
    """What Redis knows of a channel. ``position``: its last one; None: it has none."""

    channel: str
    position: Position | None
    recent: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class Sessions:
    """The logins of a user, as Redis lists them.

    Args:
        ends: when each session ends whose record is there.
        lost: when each session would have ended that is listed, and has no record.
        has_user: whether the record of the user is there.
        evicted_keys: by Redis since its start; None: it does not say.
    """

    ends: tuple[float, ...]
    lost: tuple[float, ...]
    has_user: bool
    evicted_keys: int | None


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is known.

    ``channel``: the one of interest; empty: all of the user's. ``denied``: channels that
    ``AUTHORIZE`` has refused, and when.
    """

    uid: str
    channel: str
    since: float
    now: float
    asked: Asked
    sessions: Sessions
    history: History
    denied: tuple[tuple[float, str], ...] = ()


def find_out(uid: str, channel: str, since: float, watch: str = "") -> Findings:
    """Ask the workers, and read Redis.

    Args:
        uid: of the user, without a tenant.
        channel: of interest; empty: all channels of the user.
        since: Unix seconds.
        watch: a channel that the workers touch for a minute when connections come and go.

    Raises:
        ChannelNameError: the text is not a channel name.
        redis.RedisError: Redis fails or does not answer.
    """
    qualified = qualify(check_channel(channel)) if channel else ""
    name = qualify(uid)
    asked = ask(AskWhy(name, since, qualified, qualify(watch) if watch else ""))
    sessions, history = read_sessions(name), read_history(qualified or user_channel(name))
    denied = tuple(denials.read(name))
    return Findings(uid, qualified, since, time(), asked, sessions, history, denied)


def read_sessions(uid: str) -> Sessions:
    """Read the logins of a user, whose uid may be qualified; raises as ``find_out`` does."""
    names, client, now = conf.current().names, pools.records(), time()
    listed: Any = client.zrevrangebyscore(
        names.user_sessions(uid), "+inf", now, start=0, num=MAX_SESSIONS, withscores=True
    )
    with client.pipeline(transaction=False) as pipe:
        for sid, _ in listed:
            pipe.exists(names.session(sid.decode()))
        pipe.exists(names.user(uid))
        *exist, has_user = pipe.execute()
    ends = [(score, bool(is_there)) for (_, score), is_there in zip(listed, exist, strict=True)]
    return Sessions(
        tuple(score for score, is_there in ends if is_there),
        tuple(score for score, is_there in ends if not is_there),
        bool(has_user),
        _evicted_keys(client),
    )


def read_history(channel: str) -> History:
    """Read when a channel was published on; it may be qualified. Raises as ``find_out`` does."""
    names, client = conf.current().names, pools.records()
    script: Any = client.eval
    found = script(RECENT, 2, names.history(channel), names.offset(channel), PUBLICATIONS)
    epoch, offset, *heads = found
    pairs = [head.split() for head in heads]
    recent = tuple(Published(int(number), int(ms) / 1000) for number, ms in pairs)
    return History(channel, (epoch.decode(), offset) if epoch else None, recent)


def _evicted_keys(client: Any) -> int | None:
    try:
        return int(client.info("stats")["evicted_keys"])
    except (redis_errors.RedisError, KeyError, TypeError):
        return None  # A rented Redis may refuse INFO; a cluster answers for each node.
