"""From a token to an identity: signature, then the live session in Redis.

The token only says where to look. What counts is what Redis holds now: the session record must
exist and name the same user, and his user record must carry the same auth digest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time
from typing import Protocol

from .connection import Identity
from .errors import Refused
from .wire.closecodes import CloseCode
from .wire.errors import ChannelNameError, TokenExpired, TokenInvalid
from .wire.records import SessionRecord, UserRecord, channels_of, is_valid_login
from .wire.tokens import Token, TokenSigner


@dataclass(frozen=True, slots=True)
class Login:
    """What Redis holds of a session: ``ttl_s`` is None when it never expires.

    ``moved_to`` is the sid under which a session that is gone goes on.
    """

    session: SessionRecord | None
    user: UserRecord | None
    ttl_s: float | None = None
    moved_to: str | None = None

    @property
    def rights(self) -> str:
        """The name of what the user may do; empty for an anonymous visitor."""
        return self.user.rights if self.user else ""


MAX_MOVES = 3
"""How far a session is followed in one look."""

Claim = tuple[str, str | None]
"""A session and the user that it is said to be of: sid, uid."""


class SessionReader(Protocol):
    """Where sessions are read."""

    async def read(self, sid: str, uid: str | None) -> Login:
        """Read a session and a user.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        """Read several at once; raises as ``read`` does."""


class Authenticator:
    """Decide who a token stands for.

    Args:
        signer: verifies tokens.
        reader: reads live sessions.
        token_max_age_s: how long a token may be shown.
        clock: gives Unix seconds.
    """

    def __init__(
        self,
        signer: TokenSigner,
        reader: SessionReader,
        token_max_age_s: float,
        clock: Callable[[], float] = time,
    ) -> None:
        self._signer = signer
        self._reader = reader
        self._token_max_age_s = token_max_age_s
        self._clock = clock

    def read_token(self, text: str) -> Token:
        """Verify a token's signature and age.

        Raises:
            Refused: it is forged or too old.
        """
        try:
            return self._signer.read(text, self._token_max_age_s)
        except TokenExpired as error:
            raise Refused(CloseCode.TOKEN_EXPIRED, str(error)) from error
        except TokenInvalid as error:
            raise Refused(CloseCode.TOKEN_INVALID, str(error)) from error

    async def identify(self, sid: str, uid: str | None) -> Identity | None:
        """Read who a session belongs to now; None when it is not valid, or another user's.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        verdict = self._judge((sid, uid), await self._reader.read(sid, uid))
        return verdict if isinstance(verdict, Identity) else None

    async def identify_many(self, claims: Sequence[Claim]) -> list[Identity | None]:
        """Read the same for several at once; raises as ``identify`` does."""
        logins = await self._reader.read_many(claims)
        return list(map(self._judge, claims, logins))

    async def identify_again(self, claims: Sequence[Claim]) -> list[Identity | None]:
        """Read the same for sessions that were valid; one may have moved to another key.

        A visitor's may have become a user's: then the identity is that user's, which the visitor
        who holds the connection need not be.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        followed, logins = list(claims), await self._reader.read_many(claims)
        for _ in range(MAX_MOVES):
            onward = list(map(_follow, followed, logins))
            if onward == followed:
                break
            followed, logins = onward, await self._reader.read_many(onward)
        return list(map(self._judge, followed, logins))

    def _judge(self, claim: Claim, login: Login) -> Identity | None:
        (sid, uid), session = claim, login.session
        is_his = session is not None and (session.user or None) == uid
        if session is None or not is_his or not is_valid_login(session, login.user):
            return None
        expires_at = None if login.ttl_s is None else self._clock() + login.ttl_s
        try:
            return Identity(sid, uid, channels_of(session, login.user), expires_at, login.rights)
        except ChannelNameError:  # Written by hand: no user of Django's has so long a name.
            return None


def _follow(claim: Claim, login: Login) -> Claim:
    """Follow a session to where it moved, and a visitor's to its user; a user's stays his."""
    sid, uid = claim
    if login.session is None:
        return login.moved_to or sid, uid
    return sid, uid or login.session.user or None
