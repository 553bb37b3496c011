"""``refresh``: a new token for an open connection, which may belong to a user from now on."""

from ..connections.connection import Connection, Identity
from ..connections.registry import Registry
from ..connections.states import State
from ..errors import BrokerUnavailable, Disconnect
from ..wire import protocol
from ..wire.closecodes import CloseCode
from ..wire.contract import FrameId, Refresh
from ..wire.tenants import are_of_one_tenant
from ..wire.tokens import Token
from .access import Access
from .authenticator import Authenticator
from .revalidation import Revalidator

MAX_READINGS = 5
"""A session that changes while it is being read is read so often."""


class TokenRefresh:
    """Verify a new token as ``connect`` does.

    Args:
        registry: notes the claim, and files the connection under its session.
        authenticator: verifies tokens, and reads sessions.
        access: revokes what was granted to the former session.
        revalidator: applies what was read.
    """

    def __init__(
        self,
        registry: Registry,
        authenticator: Authenticator,
        access: Access,
        revalidator: Revalidator,
    ) -> None:
        self._registry = registry
        self._access = access
        self._authenticator = authenticator
        self._revalidator = revalidator

    async def refresh(self, connection: Connection, frame: Refresh) -> None:
        """Verify a token. An anonymous visitor may have become a user.

        Until the token is verified, the connection keeps its user. A rejected token changes
        nothing.

        Raises:
            Disconnect: the token is not valid, or is of another user or tenant.
            BrokerUnavailable: Redis does not answer now.
        """
        try:
            token = self._authenticator.read_token(frame.token, connection.source)
            if connection.uid not in (None, token.uid):
                raise Disconnect(CloseCode.SESSION_UNKNOWN, "a token of another user")
            if not are_of_one_tenant(token.sid, connection.sid or ""):
                raise Disconnect(CloseCode.SESSION_UNKNOWN, "a token of another tenant")
            await self._verify(connection, token, frame.id)
        finally:
            connection.end_refresh()

    async def _verify(self, connection: Connection, token: Token, reply_to: FrameId) -> None:
        self._registry.claim(connection, token.sid, token.uid)
        try:
            identity = await self.read_claimed_identity(connection)
        finally:
            self._registry.unclaim(connection)
        if not connection.is_open:
            return
        is_other_session = identity.sid != connection.sid or identity.uid != connection.uid
        self._registry.file(connection, identity.sid, identity.uid)
        if is_other_session:
            self._access.session_changed(connection)
        self._revalidator.apply(connection, identity)
        if connection.is_suspended:  # By a doubt about the session that it has left.
            self._revalidator.request((connection,))
        connection.send(
            protocol.refreshed(identity.uid, identity.expires_at, reply_to, identity.rights)
        )

    async def read_claimed_identity(self, connection: Connection) -> Identity:
        """Read the session that a connection claims, until no doubt arises meanwhile.

        Raises:
            Disconnect: it is not valid.
            BrokerUnavailable: Redis does not answer now.
        """
        for _ in range(MAX_READINGS):
            doubts = connection.doubts
            identity = await self._authenticator.read_identity(*self._registry.claim_of(connection))
            if connection.state is State.CLOSED:
                raise Disconnect(CloseCode.SESSION_ENDED)
            if connection.doubts == doubts:
                return _required(identity)
        raise BrokerUnavailable("the session changes all the time")


def _required(identity: Identity | None) -> Identity:
    if identity is None:
        raise Disconnect(CloseCode.SESSION_UNKNOWN)
    return identity
