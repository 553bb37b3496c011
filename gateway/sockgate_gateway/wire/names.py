"""Names of Redis keys and channels, and the one-way names of sessions.

Databases: in Redis, keys belong to one database, but channels to all. So the number of the database
is part of every Redis channel, unless it is 0: ``rt@3:user:7`` in database 3.

Tenants: sids, uids and channels may be qualified (see ``tenants``). The tenant is then part of the
prefix: ``rt/acme:user:7``, ``sockgate/acme:session:…``.

Redis Cluster: the keys of a channel carry the channel's Redis name as their hash tag, so that they
are in the slot of the channel itself. Channel names therefore contain no braces.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from .addresses import PubSub, read_address
from .errors import ChannelNameError, PrefixError
from .limits import CHANNEL_NAME, MAX_CHANNEL_LENGTH
from .tenants import SEPARATOR, check_tenant, in_tenant, tenant_of, without_tenant

BROADCAST = "broadcast"
"""The channel that every connection is subscribed to."""

CHANNEL_RULE = (
    f"A channel name has 1 to {MAX_CHANNEL_LENGTH} characters: ASCII letters, digits and "
    "_.:@%+=,~!$&/#|- (no spaces, no braces). For a Django group use publish_to_group(group, …), "
    "which encodes its name"
)

KEY_PREFIX = "sockgate:"
CHANNEL_PREFIX = "rt:"
MAX_PREFIX_LENGTH = 64

_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*[_.:-]")

_SID_LENGTH = 32
_AUTH_DIGEST_LENGTH = 16
_CHANNEL_NAME = re.compile(CHANNEL_NAME, re.ASCII)
_CHANNEL_SAFE = "_.@+=,~!$&/#|-"
_UNQUOTED = re.compile(rf"[A-Za-z0-9{re.escape(_CHANNEL_SAFE)}]*")


def sid_of(session_key: str) -> str:
    """Return the public name of a Django session, from which its key cannot be derived.

    Returns:
        32 characters of unpadded base64url (192 bits of SHA-256).
    """
    return _digest(session_key)[:_SID_LENGTH]


def auth_digest(session_auth_hash: str) -> str:
    """Return the digest of Django's session auth hash that the gateway compares.

    Returns:
        16 characters of unpadded base64url (96 bits of SHA-256).
    """
    return _digest(session_auth_hash)[:_AUTH_DIGEST_LENGTH]


def _digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def user_channel(uid: str) -> str:
    """Return the private channel of a user."""
    if tenant := tenant_of(uid):
        return in_tenant(check_tenant(tenant), user_channel(without_tenant(uid)))
    return check_channel("user:" + _quoted(uid))


def group_channel(group: str) -> str:
    """Return the channel of a Django group; other characters are percent-encoded."""
    return check_channel("group:" + _quoted(group))


def _quoted(name: str) -> str:
    return name if _UNQUOTED.fullmatch(name) else quote(name, safe=_CHANNEL_SAFE)


def is_automatic(channel: str) -> bool:
    """Return whether only the server subscribes connections to a channel, never a client."""
    name = without_tenant(channel)
    return name == BROADCAST or name.startswith(("user:", "group:"))


def namespace_of(channel: str) -> str:
    """Return the part before the first colon, or the whole name: ``room`` of ``room:7``."""
    return without_tenant(channel).partition(":")[0]


def owner_of(channel: str) -> str:
    """Return whom the names of such channels belong to: a tenant's namespace."""
    return in_tenant(tenant_of(channel), namespace_of(channel))


def check_channel(channel: str) -> str:
    """Return the name unchanged.

    Raises:
        ChannelNameError: it is empty, over 255 characters, or holds anything but letters,
            digits and ``_ . : @ % + = , ~ ! $ & / # | -``.
    """
    if not isinstance(channel, str) or not _CHANNEL_NAME.fullmatch(channel):
        raise ChannelNameError(f"not a channel name: {str(channel)[:80]!r}. {CHANNEL_RULE}")
    return channel


def check_qualified_channel(channel: str) -> str:
    """Return a channel's name, perhaps qualified by a tenant, unchanged.

    Raises:
        ChannelNameError: it is not a channel name without its tenant.
        TenantError: its tenant is not a valid name.
    """
    if tenant := tenant_of(channel):
        check_tenant(tenant)
    check_channel(without_tenant(channel))
    return channel


def check_prefix(prefix: str) -> str:
    """Return the prefix unchanged.

    Raises:
        PrefixError: it is empty, too long, or has another form than ``shop:`` or ``shop:rt:``.
    """
    if not prefix:
        raise PrefixError("must not be empty: other programs' keys and channels have no prefix")
    if len(prefix) > MAX_PREFIX_LENGTH or not _PREFIX.fullmatch(prefix):
        raise PrefixError(
            "must be letters, digits and _ . : -, begin with a letter or digit, end with one of "
            f"_ . : - (for example shop:), and have at most {MAX_PREFIX_LENGTH} characters"
        )
    return prefix


def are_nested(one: str, other: str) -> bool:
    """Return whether a name that begins with one prefix may also begin with the other."""
    return one.startswith(other) or other.startswith(one)


def in_database(prefix: str, database: int) -> str:
    """Return the prefix that channels have in a database: ``rt@3:`` for ``rt:`` in database 3.

    No configured prefix holds an ``@``, so no two databases share one by chance.
    """
    return f"{prefix[:-1]}@{database}{prefix[-1]}" if database else prefix


def of_tenant(prefix: str, tenant: str) -> str:
    """Return the prefix of a tenant's keys or channels: ``rt/acme:`` for ``rt:``.

    No configured prefix holds a ``/``, and no tenant's name a ``:``, so no two share a name.
    """
    return f"{stem(prefix)}{tenant}:"


def stem(prefix: str) -> str:
    """Return the beginning of all tenants' names under a prefix: ``rt/`` for ``rt:``."""
    return f"{prefix[:-1]}/"


def _under(prefix: str, kind: str, name: str) -> str:
    tenant = tenant_of(name)
    return f"{of_tenant(prefix, tenant) if tenant else prefix}{kind}{without_tenant(name)}"


class Names(NamedTuple):
    """The names of one deployment.

    Args:
        key_prefix: begins every Redis key.
        channel_prefix: begins every Redis channel of publications.
        database: the number of the Redis database, which is part of the gateways' own channels.
        pubsub: how publications travel through a cluster.
    """

    key_prefix: str = KEY_PREFIX
    channel_prefix: str = CHANNEL_PREFIX
    database: int = 0
    pubsub: PubSub = PubSub.CLASSIC

    @property
    def control_prefix(self) -> str:
        """The prefix of the Redis channels that the gateways use themselves."""
        return in_database(self.key_prefix, self.database)

    @property
    def control(self) -> str:
        """The Redis channel of control messages."""
        return f"{self.control_prefix}control"

    def session(self, sid: str) -> str:
        """The key of a session record, a hash (see ``records.SessionRecord``)."""
        if SEPARATOR in sid:
            return _under(self.key_prefix, "session:", sid)
        return f"{self.key_prefix}session:{sid}"

    def user(self, uid: str) -> str:
        """The key of a user record, a hash (see ``records.UserRecord``)."""
        if SEPARATOR in uid:
            return _under(self.key_prefix, "user:", uid)
        return f"{self.key_prefix}user:{uid}"

    def user_sessions(self, uid: str) -> str:
        """The key of a user's sessions, a sorted set of sids by expiry in Unix seconds."""
        if SEPARATOR in uid:
            return _under(self.key_prefix, "sessions:", uid)
        return f"{self.key_prefix}sessions:{uid}"

    def probe(self, worker: str) -> str:
        """The Redis channel of a worker's probes to itself."""
        return f"{self.control_prefix}probe:{worker}"

    def reply(self, request_id: str) -> str:
        """The key of a list to which workers push their answers."""
        return f"{self.key_prefix}reply:{request_id}"

    def channel(self, channel: str) -> str:
        """The Redis channel of a channel."""
        if SEPARATOR in channel:
            return _under(self.channel_prefix, "", channel)
        return self.channel_prefix + channel

    def has_shard(self, redis_channel: str) -> bool:
        """Return whether a Redis channel is a private or a named one, which ``SPUBLISH`` is for.

        Those that nearly every worker listens to, broadcasts and groups, stay with ``PUBLISH``, as
        do the gateways' own.
        """
        prefix = self.channel_prefix
        if redis_channel.startswith(prefix):
            name = redis_channel[len(prefix) :]
        elif redis_channel.startswith(stem(prefix)):
            name = redis_channel[len(prefix) :].partition(":")[2]
        else:
            return False
        return name != BROADCAST and not name.startswith("group:")

    def publish_command(self, redis_channel: str) -> str:
        """Return the command that publishes to a Redis channel."""
        is_sharded = self.pubsub is PubSub.SHARDED and self.has_shard(redis_channel)
        return "SPUBLISH" if is_sharded else "PUBLISH"

    def history(self, channel: str) -> str:
        """The key of a channel's list of sequenced publications."""
        return f"{self.key_prefix}history:{{{self.channel(channel)}}}"

    def offset(self, channel: str) -> str:
        """The key of a channel's epoch and last offset, a hash."""
        return f"{self.key_prefix}offset:{{{self.channel(channel)}}}"

    def published(self, channel: str, idempotency_key: str) -> str:
        """The key that remembers a publication by its idempotency key."""
        return f"{self.key_prefix}published:{{{self.channel(channel)}}}:{idempotency_key}"

    @property
    def namespaces(self) -> str:
        """The key of the policies of all namespaces, a string (see ``namespaces``)."""
        return f"{self.key_prefix}namespaces"

    def revoked(self, uid: str) -> str:
        """The key of a user's revoked channels: a hash, channel to Unix seconds.

        A grant that was signed up to that second is rejected.
        """
        if SEPARATOR in uid:
            return _under(self.key_prefix, "revoked:", uid)
        return f"{self.key_prefix}revoked:{uid}"

    def denied(self, uid: str) -> str:
        """The key of the channels that Django has denied to a user lately, a list."""
        if SEPARATOR in uid:
            return _under(self.key_prefix, "denied:", uid)
        return f"{self.key_prefix}denied:{uid}"

    def presence(self, channel: str, worker: str) -> str:
        """The key of the presence of a channel at one worker, a hash (see ``presence``)."""
        return f"{self.key_prefix}presence:{{{self.channel(channel)}}}:{worker}"

    @property
    def link(self) -> str:
        """The key of the last link's generation, where Redis refuses ``INFO`` in scripts."""
        return f"{self.key_prefix}link"

    @property
    def workers(self) -> str:
        """The key of the set of workers; some may have died."""
        return f"{self.key_prefix}workers"

    def worker(self, worker: str) -> str:
        """The key that exists while a worker lives."""
        return f"{self.key_prefix}worker:{worker}"


@lru_cache(maxsize=64)
def names_at(
    redis_url: str, key_prefix: str = KEY_PREFIX, channel_prefix: str | None = None
) -> Names:
    """Return the names of a deployment by its settings.

    Args:
        redis_url: its Redis; the database and the option ``pubsub`` count.
        key_prefix: begins every Redis key.
        channel_prefix: begins every Redis channel, as given; None: ``rt:``, with the number of the
            database unless that is 0.

    Raises:
        AddressError: the URL is none.
    """
    address = read_address(redis_url)
    return names_in(address.database, key_prefix, channel_prefix, address.pubsub)


def names_in(
    database: int,
    key_prefix: str = KEY_PREFIX,
    channel_prefix: str | None = None,
    pubsub: PubSub = PubSub.CLASSIC,
) -> Names:
    """Return the names of a deployment in a database, as ``names_at`` does."""
    if channel_prefix is None:
        channel_prefix = in_database(CHANNEL_PREFIX, database)
    return Names(key_prefix, channel_prefix, database, pubsub)


def prefix_problem(names: Names) -> str:
    """Return why the two prefixes of a deployment conflict; empty: they do not."""
    if are_nested(names.control_prefix, names.channel_prefix):
        return (
            f"KEY_PREFIX {names.key_prefix!r} and CHANNEL_PREFIX {names.channel_prefix!r}: one "
            "begins with the other, so that a channel could be named like the control channel"
        )
    return ""
