"""What a Redis must be able to do, which guarantee each part carries, and what is done without it.

Strategy: ``CAPABILITIES`` is a table. Each row names commands, which are tried with one call of a
script, as most of ours run in scripts, or one by one where they run outside. Only an error that
refuses a command for good counts (``errors.is_refusal``): a Redis without memory lacks nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError, RedisError, ResponseError

from ..wire.addresses import Kind, PubSub
from ..wire.names import Names
from .errors import is_refusal

_SCRIPT = files(__package__).joinpath("capabilities.lua").read_text("utf-8")


class Half(Flag):
    """Which half of the product needs something."""

    GATEWAY = auto()
    DJANGO = auto()
    BOTH = GATEWAY | DJANGO


@dataclass(frozen=True, slots=True)
class Capability:
    """One row.

    Args:
        name: the commands, as messages name them.
        guarantee: what it carries.
        instead: what is done without it; empty: nothing can be.
        consequence: of its absence, a sentence.
        scripted: commands as scripts run them; see ``capabilities.lua``.
        plain: a command outside of scripts.
        is_needed: without it no browser is served.
        half: who uses it.
        kinds: where it is used.
        is_of_shards: only where the URL says ``pubsub=both`` or ``pubsub=sharded``.
    """

    name: str
    guarantee: str
    instead: str
    consequence: str
    scripted: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    is_needed: bool = False
    half: Half = Half.BOTH
    kinds: tuple[Kind, ...] = (Kind.SERVER, Kind.SENTINEL, Kind.CLUSTER)
    is_of_shards: bool = False


_SCRIPTS = Capability(
    name="EVAL",
    guarantee="logins, logouts, sequenced publications and presence are one step each",
    instead="",
    consequence="Nobody can log in, and the gateway refuses every connect.",
    is_needed=True,
)

CAPABILITIES = (
    _SCRIPTS,
    Capability(
        name="EVALSHA",
        guarantee="sessions and histories are read with one short command",
        instead="",
        consequence="The gateway cannot read sessions, and refuses every connect.",
        plain=("EVALSHA", "0" * 40, "1", "KEY"),
        is_needed=True,
    ),
    Capability(
        name="HMGET and PTTL in scripts",
        guarantee="sessions and users are read",
        instead="",
        consequence="The gateway cannot read sessions, and refuses every connect.",
        scripted=("HMGET KEY user auth", "PTTL KEY"),
        is_needed=True,
    ),
    Capability(
        name="PUBLISH",
        guarantee="publications and control messages are sent, and the gateway checks its link",
        instead="",
        consequence="Nothing is published, and the gateway is not ready.",
        plain=("PUBLISH", "CHANNEL", ""),
        is_needed=True,
    ),
    Capability(
        name="HSET, EXPIRE, HGET, DEL and PUBLISH in scripts",
        guarantee="a session or user is saved and ended in one step with its control message",
        instead="",
        consequence="Nobody can log in or out.",
        scripted=(
            *("HSET KEY user 1", "HGET KEY user", "EXPIRE KEY 9", "TTL KEY", "HEXISTS KEY user"),
            *("EXPIRE KEY 9 NX", "EXPIRE KEY 9 GT", "DEL KEY", "PUBLISH CHANNEL probe"),
        ),
        is_needed=True,
        half=Half.DJANGO,
    ),
    Capability(
        name="HINCRBY, RPUSH, LRANGE, LTRIM, SET, GET and PEXPIRE GT in scripts",
        guarantee="sequenced publications are numbered, kept and recovered",
        instead="",
        consequence="Sequenced publications and recoveries fail; plain publications are delivered.",
        scripted=(
            *("HINCRBY KEY offset 1", "HSET KEY epoch e offset 0", "PEXPIRE KEY 9 GT"),
            *("RPUSH KEY 1", "LRANGE KEY -1 -1", "LTRIM KEY 1 -1", "TYPE KEY"),
            *("SET KEY 1 PX 9", "GET KEY"),
        ),
    ),
    Capability(
        name="TIME in scripts",
        guarantee="the age of kept publications counts by one clock, that of Redis",
        instead="the clock of each caller counts",
        consequence=(
            "A host whose clock is wrong removes kept publications too early or too late, "
            "and nobody notices the wrong clock: synchronize the clocks of all hosts (NTP)."
        ),
        scripted=("TIME",),
    ),
    Capability(
        name="INFO in scripts",
        guarantee="the epoch of a channel ends when another server has taken over",
        instead="the epoch ends at every new link of a worker, unless INFO names the same server",
        consequence=(
            "After each start of a worker and each lost link, clients receive a gap on channels "
            "with a history and load again; evicted keys are not noticed."
        ),
        scripted=("INFO replication",),
    ),
    Capability(
        name="ROLE",
        guarantee="a server that became a replica is left at once",
        instead="the server counts as a master until it refuses a write",
        consequence="A link to a replica is noticed only by what it does not deliver.",
        plain=("ROLE",),
        half=Half.GATEWAY,
        kinds=(Kind.SERVER, Kind.SENTINEL),
    ),
    Capability(
        name="ROLE",
        guarantee="a primary that was replaced is noticed",
        instead="CLUSTER SLOTS is read from each node every 4 s",
        consequence="The gateway reads more from a cluster with many ranges of slots.",
        plain=("ROLE",),
        half=Half.GATEWAY,
        kinds=(Kind.CLUSTER,),
    ),
    Capability(
        name="CLUSTER SLOTS",
        guarantee="the nodes of the cluster are found",
        instead="",
        consequence="The cluster cannot be used: name one server in the URL.",
        plain=("CLUSTER SLOTS",),
        is_needed=True,
        kinds=(Kind.CLUSTER,),
    ),
    Capability(
        name="SCRIPT LOAD",
        guarantee="all primaries of a cluster get the scripts that read",
        instead="",
        consequence="The gateway cannot read sessions, and refuses every connect.",
        plain=("SCRIPT LOAD", "return 1"),
        is_needed=True,
        half=Half.GATEWAY,
        kinds=(Kind.CLUSTER,),
    ),
    Capability(
        name="SPUBLISH",
        guarantee="publications on private and named channels stay with one node of the cluster",
        instead="",
        consequence="They cannot be sent so: leave pubsub out of the URL.",
        plain=("SPUBLISH", "KEY", ""),
        is_needed=True,
        kinds=(Kind.CLUSTER,),
        is_of_shards=True,
    ),
    Capability(
        name="SADD, SMEMBERS, SREM, EXISTS, HGETALL, HDEL and SET GET",
        guarantee="workers know each other, and who is present on a channel",
        instead="",
        consequence="Presence fails, and connections are not balanced over the workers.",
        scripted=(
            *("SADD KEY 1", "SMEMBERS KEY", "SREM KEY 1", "EXISTS KEY", "HGETALL KEY"),
            *("HDEL KEY 1", "SET KEY 1 PX 9 GET"),
        ),
        half=Half.GATEWAY,
    ),
    Capability(
        name="ZADD GT and RPUSH",
        guarantee="sessions are prolonged and listed, and count_connections is answered",
        instead="",
        consequence="Logins do not end together, and count_connections returns too little.",
        scripted=("ZADD KEY XX GT 1 1", "RPUSH KEY 1"),
    ),
    Capability(
        name="CLIENT SETNAME",
        guarantee="CLIENT LIST shows which connections are Sockgate's",
        instead="the connections have no name",
        consequence="An operator cannot tell the connections apart.",
        plain=("CLIENT SETNAME", "sockgate-reader"),
        half=Half.GATEWAY,
    ),
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A capability that a Redis lacks, and what it says about it."""

    capability: Capability
    cause: str

    def __str__(self) -> str:
        row = self.capability
        instead = f" Instead, {row.instead}." if row.instead else ""
        return f"Redis refuses {row.name} ({self.cause}).{instead} {row.consequence}"


class Survey:
    """What is asked of one Redis, and what its answers say.

    Args:
        kind: of the Redis.
        names: of the deployment; one key and one channel are used.
        half: who asks.
    """

    def __init__(self, kind: Kind, names: Names, half: Half) -> None:
        self._is_cluster = kind is Kind.CLUSTER
        self._key = f"{names.key_prefix}capabilities"
        self._channel = f"{names.control_prefix}capabilities"
        has_shards = names.pubsub is not PubSub.CLASSIC
        rows = [
            row
            for row in CAPABILITIES
            if kind in row.kinds and half & row.half and (has_shards or not row.is_of_shards)
        ]
        self._scripted = [(row, line) for row in rows for line in row.scripted]
        self._plain = [row for row in rows if row.plain]

    def commands(self) -> Iterator[tuple[tuple[str, ...], bool]]:
        """Return the commands, and whether each needs a node; the first one is the script."""
        lines = (line for _, line in self._scripted)
        yield ("EVAL", _SCRIPT, "1", self._key, self._channel, *lines), False
        for row in self._plain:
            named = {"KEY": self._key, "CHANNEL": self._channel}
            words = tuple(named.get(word, word) for word in row.plain)
            has_key = self._key in words
            yield words, self._is_cluster and not has_key

    def missing(self, replies: Sequence[Any]) -> list[Missing]:
        """Return what is missing, by the replies to all commands; a refusal is its reply."""
        script, *plain = replies
        found: dict[Capability, str] = {}
        if isinstance(script, Exception):
            found[_SCRIPTS] = str(script).rstrip(".")
        else:
            for (row, _), error in zip(self._scripted, script, strict=True):
                text = error.decode(errors="replace") if isinstance(error, bytes) else str(error)
                if text and is_refusal(ResponseError(text)):
                    found.setdefault(row, text)
        for row, reply in zip(self._plain, plain, strict=True):
            if isinstance(reply, Exception):
                found.setdefault(row, str(reply).rstrip("."))
        return [Missing(row, cause) for row, cause in found.items()]


def _refusal(error: RedisError) -> RedisError | None:
    """Return a refusal; raise what says that Redis fails."""
    if isinstance(error, NoScriptError):
        return None  # EVALSHA works.
    if not is_refusal(error):
        raise error
    return error


def find_missing(client: Any, survey: Survey) -> list[Missing]:
    """Ask a Redis with a blocking client.

    Raises:
        redis.RedisError: it fails or does not answer.
    """
    replies: list[Any] = []
    for command, needs_node in survey.commands():
        try:
            options = {"target_nodes": client.get_random_node()} if needs_node else {}
            replies.append(client.execute_command(*command, **options))
        except RedisError as error:
            replies.append(_refusal(error))
    return survey.missing(replies)


async def find_missing_async(client: Any, survey: Survey) -> list[Missing]:
    """Ask a Redis with an asyncio client, as ``find_missing`` does."""
    replies: list[Any] = []
    for command, needs_node in survey.commands():
        try:
            options = {"target_nodes": client.get_random_node()} if needs_node else {}
            replies.append(await client.execute_command(*command, **options))
        except RedisError as error:
            replies.append(_refusal(error))
    return survey.missing(replies)
