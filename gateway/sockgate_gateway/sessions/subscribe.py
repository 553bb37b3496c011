"""Subscriptions of open connections: requested with a grant, or automatic.

A subscription needs a grant that Django has signed for this session, unless the namespace of the
channel is public.
"""

from collections import defaultdict
from functools import partial

from ..channels.hub import Hub
from ..channels.pending_subscriptions import SingleSubscription
from ..channels.policies import Policies
from ..connections.connection import Connection
from ..connections.name_budget import NameBudget
from ..connections.replay_budget import ReplayBudget
from ..errors import Rejected
from ..wire import contract, protocol
from ..wire.errors import ChannelNameError, TokenError
from ..wire.names import check_channel, is_automatic
from ..wire.recover import check_recover
from ..wire.tenants import without_tenant
from ..wire.tokens import Grant, GrantSigner
from .grants import Grants


class _Request:
    """A ``subscribe`` while it is being authorized."""

    __slots__ = ("channel", "is_revoked")

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.is_revoked = False


class SubscribeRequests:
    """Authorize and answer ``subscribe`` and ``unsubscribe``.

    Args:
        hub: has the subscriptions.
        replays: limits what a subscription may recover.
        names: limits the channels that only clients have named.
        policies: says which namespaces are public.
        signer: verifies grants.
        grants: keeps grants, and reads their status.
        grant_max_age_s: how long a grant is valid.
        max_channels: how many channels a connection may subscribe to.
        max_name_length: how many characters a channel's name may have.
    """

    def __init__(
        self,
        hub: Hub,
        replays: ReplayBudget,
        names: NameBudget,
        policies: Policies,
        signer: GrantSigner,
        grants: Grants,
        *,
        grant_max_age_s: float,
        max_channels: int,
        max_name_length: int,
    ) -> None:
        self._hub = hub
        self._replays = replays
        self._names = names
        self._policies = policies
        self._signer = signer
        self._grants = grants
        self._grant_max_age_s = grant_max_age_s
        self._max_channels = max_channels
        self._max_name_length = max_name_length
        self._pending: defaultdict[Connection, list[_Request]] = defaultdict(list)

    async def subscribe(self, connection: Connection, frame: contract.Subscribe) -> None:
        """Subscribe a connection.

        Raises:
            FrameError: ``recover`` has a value that it cannot have.
            Rejected: it is not allowed, or there are too many channels.
            BrokerUnavailable: Redis does not answer now.
        """
        channel = frame.channel
        if frame.recover is not None:
            check_recover((frame.recover,))
        if channel not in connection.channels:
            self._check(connection, channel)
            await self._authorize_request(connection, frame)
            self._charge_name(connection, channel)
        if connection.is_open:
            self._answer(connection, frame)

    def subscribe_automatic(self, connection: Connection, channel: str) -> None:
        """Subscribe an open connection to an automatic channel, and send ``subscribed``."""
        self._start(connection, channel)

    def unsubscribe(self, connection: Connection, frame: contract.Unsubscribe) -> None:
        """Unsubscribe a connection.

        Raises:
            Rejected: the channel is an automatic one.
        """
        if is_automatic(frame.channel):
            raise Rejected("not_allowed", "this channel cannot be left")
        self.reject_pending(connection, frame.channel)
        self._hub.unsubscribe(connection, frame.channel)
        connection.send(protocol.write(contract.Unsubscribed(frame.channel, reply_to=frame.id)))

    def reject_pending(self, connection: Connection, channel: str | None = None) -> None:
        """Reject requests that are being authorized: Redis may have been read before the change.

        Args:
            connection: whose requests.
            channel: only requests for this channel; None: all.
        """
        for request in self._pending.get(connection, ()):
            request.is_revoked |= channel is None or request.channel == channel

    def _answer(self, connection: Connection, frame: contract.Subscribe) -> None:
        """Send ``subscribed`` now, or when the channel has confirmed."""
        channel = frame.channel
        pending = self._hub.pending_subscription(connection, channel)
        if self._hub.is_subscribed(connection, channel):
            at = self._hub.result_of(channel).to_fields()
            crowd = self._hub.arrival(connection, channel)
            answer = contract.Subscribed(channel, **at, **crowd, reply_to=frame.id)
            connection.send(protocol.write(answer))
        elif isinstance(pending, SingleSubscription):
            pending.add(frame)
        else:
            self._start(connection, channel, frame)

    def _start(
        self, connection: Connection, channel: str, request: contract.Subscribe | None = None
    ) -> None:
        room = self._replays.room_for(connection)
        crowd = partial(self._hub.arrival, connection, channel)
        subscription = SingleSubscription(connection, channel, room, crowd, request)
        self._hub.subscribe(connection, channel, subscription)

    async def _authorize_request(self, connection: Connection, frame: contract.Subscribe) -> None:
        request = _Request(frame.channel)
        self._pending[connection].append(request)
        try:
            doubts = -1
            while connection.doubts != doubts:  # Else what was read is older than the doubt.
                doubts = connection.doubts
                await self._authorize(connection, frame)
            if request.is_revoked:
                raise Rejected("not_allowed", "the right was taken away", is_revoked=True)
        finally:
            self._forget(connection, request)

    def _forget(self, connection: Connection, request: _Request) -> None:
        self._pending[connection].remove(request)
        if not self._pending[connection]:
            del self._pending[connection]

    def _check(self, connection: Connection, channel: str) -> None:
        if len(without_tenant(channel)) > self._max_name_length or not _is_channel(
            without_tenant(channel)
        ):
            raise Rejected("bad_channel", "not a channel name")
        if is_automatic(channel):
            raise Rejected("not_allowed", "only the gateway subscribes to this channel")
        pending = {request.channel for request in self._pending.get(connection, ())} - {channel}
        if len(connection.channels) + len(pending) >= self._max_channels:
            raise Rejected("too_many_channels", f"at most {self._max_channels} channels")

    async def _authorize(self, connection: Connection, frame: contract.Subscribe) -> None:
        if self._policies.of(frame.channel).public:
            return
        if not await self._grants.allow(connection, self._read_grant(connection, frame)):
            raise Rejected("not_allowed", "the right was taken away", is_revoked=True)

    def _charge_name(self, connection: Connection, channel: str) -> None:
        is_new = self._policies.of(channel).is_stored_by_clients and not self._hub.has(channel)
        if is_new and connection.is_open and not self._names.take(connection):
            raise Rejected("unavailable", "you have named too many channels; try again later")

    def _read_grant(self, connection: Connection, frame: contract.Subscribe) -> Grant:
        try:
            grant = self._signer.read(frame.grant or "", self._grant_max_age_s)
        except TokenError as error:
            raise Rejected("not_allowed", "no valid grant") from error
        if (grant.sid, grant.channel) != (connection.sid, frame.channel):
            raise Rejected("not_allowed", "a grant of another session or channel")
        return grant


def _is_channel(name: str) -> bool:
    try:
        return bool(check_channel(name))
    except ChannelNameError:
        return False
