"""Channels on request: who may hear which, and how many.

A channel is heard with a grant that Django has signed for this session, unless its namespace is
public. Two things end a grant. A channel that was taken from a user leaves a mark in Redis, and a
grant that was signed up to then opens nothing any more; the control message that tells of it may
be lost, so the marks are also read again at every audit. And a grant bears the name of the rights
that the user had when it was issued: where he has others now, Django is asked again. The name is
part of the user record, which is read whenever his sessions are.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .connection import Connection, State
from .endpoint import Endpoint
from .errors import Denied
from .namespaces import PolicyBook
from .wire import messages
from .wire.errors import ChannelNameError, TokenError
from .wire.names import check_channel, is_automatic
from .wire.tokens import Grant, GrantSigner

AUDITED_AT_ONCE = 512
"""So many grants are looked at in one round trip."""

Right = tuple[str, str]
"""What may have been taken away: uid, channel."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds now of grants for a channel.

    Args:
        revoked_at: when the channel was taken from the user last, in Unix seconds; 0: never.
        rights: the name of what he may do; empty where nobody has named it.
    """

    revoked_at: float = 0.0
    rights: str = ""

    def bears(self, grant: Grant) -> bool:
        """Tell whether a grant is worth something still."""
        return grant.signed_at > self.revoked_at and grant.rights == self.rights


class Revocations(Protocol):
    """Where it stands which grants are worth something."""

    async def read(self, right: Right) -> Standing:
        """Read how a right stands.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """

    async def read_many(self, rights: Sequence[Right]) -> list[Standing]:
        """Read several at once; raises as ``read`` does."""


class Subscriptions:
    """Let connections hear channels that they ask for.

    Args:
        endpoint: lets them hear.
        policies: tells which namespaces are public.
        signer: verifies grants.
        revocations: tells which grants are worth nothing any more.
        grant_max_age_s: how long a grant may be shown.
        max_channels: how many channels a connection may hear.
        max_name_length: how long the name of a channel may be.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        policies: PolicyBook,
        signer: GrantSigner,
        revocations: Revocations,
        grant_max_age_s: float,
        max_channels: int,
        max_name_length: int,
    ) -> None:
        self._endpoint = endpoint
        self._policies = policies
        self._signer = signer
        self._revocations = revocations
        self._grant_max_age_s = grant_max_age_s
        self._max_channels = max_channels
        self._max_name_length = max_name_length
        self._pending: defaultdict[Connection, set[str]] = defaultdict(set)
        self._granted: dict[tuple[Connection, str], Grant] = {}

    async def subscribe(self, connection: Connection, frame: messages.Subscribe) -> None:
        """Let a connection hear a channel.

        Raises:
            Denied: it may not, or there are too many.
            BrokerUnavailable: Redis cannot be asked now.
        """
        channel = frame.channel
        if channel in connection.channels:
            self._confirm(connection, frame)
            return
        self._check(connection, channel)
        self._pending[connection].add(channel)
        try:
            await self._authorize(connection, frame)
            if channel not in self._pending[connection]:
                raise Denied("not_allowed", "the right was taken away")
        finally:
            self._drop_request(connection, channel)
        if connection.state is State.OPEN:
            self._endpoint.announce(connection, channel, frame)

    def unsubscribe(self, connection: Connection, frame: messages.Unsubscribe) -> None:
        """Let a connection hear a channel no more.

        Raises:
            Denied: the channel is not given on request.
        """
        if is_automatic(frame.channel):
            raise Denied("not_allowed", "this channel cannot be left")
        self._drop_request(connection, frame.channel)
        self._endpoint.hub.leave(connection, frame.channel)
        connection.send(messages.unsubscribed(frame.channel, frame.id))

    def channel_revoked(self, uid: str, channel: str) -> None:
        """Let no request for a channel that is being looked at succeed."""
        for connection in self._endpoint.registry.by_uid[uid]:
            self._drop_request(connection, channel)

    def rights_changed(self, connection: Connection, rights: str) -> None:
        """Take every channel that was granted under other rights; Django may give it again.

        What is being looked at is refused: Redis may have been read just before the change.
        """
        self._pending.pop(connection, None)
        for channel in connection.channels:
            grant = self._granted.get((connection, channel))
            if grant is not None and grant.rights != rights:
                self._take(connection, channel, messages.RIGHTS_CHANGED)

    async def audit(self) -> None:
        """Take channels away that were taken from a user unheard.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        self._granted = {
            entry: grant for entry, grant in self._granted.items() if entry[1] in entry[0].channels
        }
        granted = [entry for entry in self._granted if entry[0].uid is not None]
        for start in range(0, len(granted), AUDITED_AT_ONCE):
            await self._audit(granted[start : start + AUDITED_AT_ONCE])

    async def _audit(self, granted: Sequence[tuple[Connection, str]]) -> None:
        rights = [(connection.uid or "", channel) for connection, channel in granted]
        standings = await self._revocations.read_many(rights)
        for entry, standing in zip(granted, standings, strict=True):
            connection, channel = entry
            grant = self._granted.get(entry)  # Another audit may have passed meanwhile.
            if channel in connection.channels and grant and grant.signed_at <= standing.revoked_at:
                self._take(connection, channel)

    def _drop_request(self, connection: Connection, channel: str) -> None:
        requests = self._pending[connection]
        requests.discard(channel)
        if not requests:
            del self._pending[connection]

    def _check(self, connection: Connection, channel: str) -> None:
        if len(channel) > self._max_name_length or not _is_channel(channel):
            raise Denied("bad_channel", "not a channel name")
        if is_automatic(channel):
            raise Denied("not_allowed", "this channel is not given on request")
        waiting = self._pending.get(connection, ())
        if len(connection.channels) + len(waiting) >= self._max_channels:
            raise Denied("too_many_channels", f"at most {self._max_channels} channels")

    async def _authorize(self, connection: Connection, frame: messages.Subscribe) -> None:
        if self._policies.of(frame.channel).public:
            return
        grant = self._read_grant(connection, frame)
        standing = Standing()
        if connection.uid is not None:
            standing = await self._revocations.read((connection.uid, frame.channel))
        if not standing.bears(grant):
            raise Denied("not_allowed", "the right was taken away")
        self._granted[connection, frame.channel] = grant

    def _read_grant(self, connection: Connection, frame: messages.Subscribe) -> Grant:
        try:
            grant = self._signer.read(frame.grant or "", self._grant_max_age_s)
        except TokenError as error:
            raise Denied("not_allowed", "no valid grant") from error
        if (grant.sid, grant.channel) != (connection.sid, frame.channel):
            raise Denied("not_allowed", "a grant of another session or channel")
        return grant

    def _confirm(self, connection: Connection, frame: messages.Subscribe) -> None:
        at = messages.position(self._endpoint.hub.position_of(frame.channel))
        connection.send(messages.subscribed(frame.channel, frame.id, at))

    def _take(self, connection: Connection, channel: str, reason: str | None = None) -> None:
        self._endpoint.hub.leave(connection, channel)
        if connection.state is State.OPEN:
            connection.send(messages.unsubscribed(channel, reason=reason))


def _is_channel(name: str) -> bool:
    try:
        return bool(check_channel(name))
    except ChannelNameError:
        return False
