"""From a token to an identity: verify the signature, then read the live session in Redis.

The token only names a session. What Redis holds now decides: the session record must exist and name
the same user, and the user record must have the same auth digest.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from random import randint
from time import monotonic, time
from typing import Protocol

import msgspec

from ..connections.connection import Claim, Identity
from ..errors import Disconnect
from ..loop.hint_log import HintLog
from ..wire.closecodes import CloseCode
from ..wire.errors import (
    ChannelNameError,
    TenantError,
    TokenExpired,
    TokenInvalid,
    TokenOfUnknownKey,
)
from ..wire.records import SessionRecord, UserRecord, channels_of, is_valid_login
from ..wire.tenants import are_of_one_tenant
from ..wire.tokens import CLOCK_LEEWAY_S, Token, TokenSigner

log = logging.getLogger("sockgate.auth")

REPLACED_KEY_WAIT_S = (10, 40)
"""Seconds, at random, until a client comes back whose token was signed with a replaced key."""

WRONG_CLOCK_WAIT_S = (5, 20)
"""The same where our clock is wrong: another host may serve it, or the clock is right by then."""


class Login(msgspec.Struct, frozen=True, gc=False):
    """What Redis holds of a session.

    Args:
        session: its record; None: it does not exist.
        user: the record of its user.
        ttl_s: seconds until it expires; None: never.
        moved_to: the sid under which a session that does not exist continues.
    """

    session: SessionRecord | None
    user: UserRecord | None
    ttl_s: float | None = None
    moved_to: str | None = None

    @property
    def rights(self) -> str:
        """The name of the user's rights; empty for an anonymous visitor."""
        return self.user.rights if self.user else ""


MAX_MOVES = 3
"""So many moves of a session are followed in one reading."""


class SessionReader(Protocol):
    """Reads sessions."""

    async def read(self, sid: str, uid: str | None) -> Login:
        """Read a session and a user.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        """Read several at once; raises as ``read`` does."""


class Authenticator:
    """Return the identity that a token gives.

    Args:
        signer: verifies tokens.
        reader: reads live sessions.
        token_max_age_s: how long a token is valid.
        replaced_keys: ids of leaked keys. Django may still sign with them while its hosts are
            restarted, so a client with such a token shall come back.
        redis_offset_s: returns how far the clock of Redis is ahead of ours; None: not known.
        clock: returns Unix seconds.
    """

    def __init__(
        self,
        signer: TokenSigner,
        reader: SessionReader,
        token_max_age_s: float,
        replaced_keys: Collection[str],
        redis_offset_s: Callable[[], float | None],
        clock: Callable[[], float] = time,
    ) -> None:
        self._signer = signer
        self._replaced_keys = frozenset(replaced_keys)
        self._reader = reader
        self._token_max_age_s = token_max_age_s
        self._redis_offset_s = redis_offset_s
        self._clock = clock
        self._refused_age_s: float | None = None
        self._unknown_keys = HintLog(log, "token_of_unknown_key", monotonic)

    @property
    def is_misled_by_clock(self) -> bool:
        """Whether the last genuine token was refused for its age, and is valid by Redis's clock."""
        age_s, offset_s = self._refused_age_s, self._redis_offset_s()
        if age_s is None or offset_s is None:
            return False
        return -CLOCK_LEEWAY_S <= age_s + offset_s <= self._token_max_age_s

    def read_token(self, text: str, source: str = "") -> Token:
        """Verify a token's signature and age.

        Args:
            text: of the token.
            source: who has sent it, for the log.

        Raises:
            Disconnect: it is forged or too old.
        """
        try:
            token = self._signer.read(text, self._token_max_age_s)
        except TokenExpired as error:
            self._refused_age_s = error.age_s
            wait_s = randint(*WRONG_CLOCK_WAIT_S) if self.is_misled_by_clock else 0  # noqa: S311
            raise Disconnect(CloseCode.TOKEN_EXPIRED, str(error), come_back_s=wait_s) from error
        except TokenInvalid as error:
            come_back_s = 0
            if isinstance(error, TokenOfUnknownKey):
                self._log_unknown_key(error.key_id, source)
                come_back_s = self._come_back_s(error.key_id)
            cause = str(error)
            raise Disconnect(CloseCode.TOKEN_INVALID, cause, come_back_s=come_back_s) from error
        self._refused_age_s = None
        return token

    def _come_back_s(self, claimed: str) -> int:
        """Return when to ask Django again; 0: once is enough. Spread, for Django's sake."""
        is_replaced = claimed in self._replaced_keys
        return randint(*REPLACED_KEY_WAIT_S) if is_replaced else 0  # noqa: S311

    def _log_unknown_key(self, claimed: str, source: str) -> None:
        if not self._unknown_keys.is_due(claimed, source):
            return
        ours = ",".join(self._signer.key_ids)
        signed_by = f"Django signs with the key {claimed}" if claimed else "the token names no key"
        self._unknown_keys.warn(
            "key=%s known=%s",
            claimed or "unknown",
            ours,
            hint=f"{signed_by}, and SOCKGATE_SIGNING_KEYS has {ours}: set the same keys for both",
        )

    async def read_identity(self, sid: str, uid: str | None) -> Identity | None:
        """Read the identity of a session; None when it is not valid, or another user's.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """
        verdict = self._judge((sid, uid), await self._reader.read(sid, uid))
        return verdict if isinstance(verdict, Identity) else None

    async def read_identities(self, claims: Sequence[Claim]) -> list[Identity | None]:
        """Read several at once; raises as ``read_identity`` does."""
        logins = await self._reader.read_many(claims)
        return list(map(self._judge, claims, logins))

    async def read_identities_again(self, claims: Sequence[Claim]) -> list[Identity | None]:
        """Read sessions that were valid; one that has moved is read under its new key.

        A visitor's session may have become a user's. The identity is that user's then, though the
        connection may belong to somebody else.

        Raises:
            BrokerUnavailable: Redis does not answer now.
        """
        current, logins = list(claims), await self._reader.read_many(claims)
        for _ in range(MAX_MOVES):
            renewed = list(map(_renewed_claim, current, logins))
            if renewed == current:
                break
            current, logins = renewed, await self._reader.read_many(renewed)
        return list(map(self._judge, current, logins))

    def _judge(self, claim: Claim, login: Login) -> Identity | None:
        (sid, uid), session = claim, login.session
        is_same_user = session is not None and (session.user or None) == uid
        if session is None or not is_same_user or not is_valid_login(session, login.user):
            return None
        if uid is not None and not are_of_one_tenant(uid, sid):
            return None
        expires_at = None if login.ttl_s is None else self._clock() + login.ttl_s
        try:
            channels = channels_of(session, login.user, sid)
            return Identity(sid, uid, channels, expires_at, login.rights)
        except (ChannelNameError, TenantError):  # Written by hand: Django names no user so.
            return None


def _renewed_claim(claim: Claim, login: Login) -> Claim:
    """Return the claim as it is after a move or a visitor's login; a uid never changes."""
    sid, uid = claim
    if login.session is None:
        moved_to = login.moved_to or sid
        return moved_to if are_of_one_tenant(moved_to, sid) else sid, uid
    return sid, uid or login.session.user or None
