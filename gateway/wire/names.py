"""Names of Redis keys and channels, and the one-way names of sessions.

Redis Cluster: the keys of a channel carry the channel's Redis name as their hash tag, so that
they live in the slot of the channel itself. Channel names therefore hold no braces.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import quote

from .errors import ChannelNameError

BROADCAST = "broadcast"
"""The channel that every connection hears."""

MAX_CHANNEL_LENGTH = 255

_SID_LENGTH = 32
_AUTH_DIGEST_LENGTH = 16
_CHANNEL_NAME = re.compile(rf"[A-Za-z0-9_.:@%+=,~!$&/#|-]{{1,{MAX_CHANNEL_LENGTH}}}")
_CHANNEL_SAFE = "_.@+=,~!$&/#|-"


def sid_of(session_key: str) -> str:
    """Name a Django session in public; the session key cannot be found from it.

    Returns:
        32 characters of unpadded base64url (192 bits of SHA-256).
    """
    return _digest(session_key)[:_SID_LENGTH]


def auth_digest(session_auth_hash: str) -> str:
    """Shorten Django's session auth hash to what the gateway compares.

    Returns:
        16 characters of unpadded base64url (96 bits of SHA-256).
    """
    return _digest(session_auth_hash)[:_AUTH_DIGEST_LENGTH]


def _digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def user_channel(uid: str) -> str:
    """Name the private channel of a user."""
    return check_channel("user:" + quote(uid, safe=_CHANNEL_SAFE))


def group_channel(group: str) -> str:
    """Name the channel of a Django group; characters outside the alphabet are percent-encoded."""
    return check_channel("group:" + quote(group, safe=_CHANNEL_SAFE))


def is_automatic(channel: str) -> bool:
    """Tell whether a channel is given by the server alone, never on a client's request."""
    return channel == BROADCAST or channel.startswith(("user:", "group:"))


def namespace_of(channel: str) -> str:
    """Give what stands before the first colon, or the whole name: ``room`` of ``room:7``."""
    return channel.partition(":")[0]


def check_channel(channel: str) -> str:
    """Return the name unchanged.

    Raises:
        ChannelNameError: it is empty, over 255 characters, or holds anything but letters,
            digits and ``_ . : @ % + = , ~ ! $ & / # | -``.
    """
    if not _CHANNEL_NAME.fullmatch(channel):
        raise ChannelNameError(f"not a channel name: {channel[:80]!r}")
    return channel


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one deployment.

    Args:
        key_prefix: begins every Redis key.
        channel_prefix: begins every Redis channel.
    """

    key_prefix: str = "sockgate:"
    channel_prefix: str = "rt:"

    @property
    def control(self) -> str:
        """The Redis channel of control messages."""
        return f"{self.key_prefix}control"

    def session(self, sid: str) -> str:
        """The key of a session record, a hash (see ``records.SessionRecord``)."""
        return f"{self.key_prefix}session:{sid}"

    def user(self, uid: str) -> str:
        """The key of a user record, a hash (see ``records.UserRecord``)."""
        return f"{self.key_prefix}user:{uid}"

    def user_sessions(self, uid: str) -> str:
        """The key of a user's sessions, a sorted set of sids by expiry in Unix seconds."""
        return f"{self.key_prefix}sessions:{uid}"

    def probe(self, worker: str) -> str:
        """The Redis channel on which a worker hears itself."""
        return f"{self.key_prefix}probe:{worker}"

    def reply(self, request_id: str) -> str:
        """The key of a list to which workers push their answers."""
        return f"{self.key_prefix}reply:{request_id}"

    def channel(self, channel: str) -> str:
        """The Redis channel of a channel."""
        return self.channel_prefix + channel

    def history(self, channel: str) -> str:
        """The key of a channel's stream of sequenced publications."""
        return f"{self.key_prefix}history:{{{self.channel(channel)}}}"

    def offset(self, channel: str) -> str:
        """The key of a channel's epoch and last offset, a hash."""
        return f"{self.key_prefix}offset:{{{self.channel(channel)}}}"

    def published(self, channel: str, idempotency_key: str) -> str:
        """The key that remembers a publication by the publisher's own name for it."""
        return f"{self.key_prefix}published:{{{self.channel(channel)}}}:{idempotency_key}"

    @property
    def namespaces(self) -> str:
        """The key of the policies of all namespaces, a string (see ``namespaces``)."""
        return f"{self.key_prefix}namespaces"

    def revoked(self, uid: str) -> str:
        """The key of what was taken from a user: a hash, channel to Unix seconds.

        A grant that was signed up to that second opens nothing any more.
        """
        return f"{self.key_prefix}revoked:{uid}"

    def presence(self, channel: str, worker: str) -> str:
        """The key of who is on a channel at one worker, a hash (see ``presence``)."""
        return f"{self.key_prefix}presence:{{{self.channel(channel)}}}:{worker}"

    @property
    def workers(self) -> str:
        """The key of the set of workers; some may have died."""
        return f"{self.key_prefix}workers"

    def worker(self, worker: str) -> str:
        """The key that exists while a worker lives."""
        return f"{self.key_prefix}worker:{worker}"
