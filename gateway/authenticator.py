"""From a token to an identity: signature, then the live session in Redis.

The token only says where to look. What counts is what Redis holds now: the session record must
exist and name the same user, and his user record must carry the same auth digest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Protocol

from .connection import Identity
from .errors import Refused
from .wire.closecodes import CloseCode
from .wire.errors import TokenExpired, TokenInvalid
from .wire.records import SessionRecord, UserRecord, channels_of, is_valid_login
from .wire.tokens import Token, TokenSigner


@dataclass(frozen=True, slots=True)
class Login:
    """What Redis holds of a session: ``ttl_s`` is None when it never expires."""

    session: SessionRecord | None
    user: UserRecord | None
    ttl_s: float | None = None


class SessionReader(Protocol):
    """Where sessions are read."""

    async def read(self, sid: str, uid: str | None) -> Login:
        """Read a session and a user.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """


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
        login = await self._reader.read(sid, uid)
        session = login.session
        if session is None or (session.user or None) != uid:
            return None
        if not is_valid_login(session, login.user):
            return None
        expires_at = None if login.ttl_s is None else self._clock() + login.ttl_s
        return Identity(sid, uid, channels_of(session, login.user), expires_at)
