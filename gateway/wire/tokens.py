"""Signed tokens: Django issues them, the gateway reads them.

A token names a session; it opens nothing without the live record of that session in Redis. A
grant lets one session subscribe to one channel. Both are signed by ``itsdangerous`` with
Sockgate's own keys, never with Django's ``SECRET_KEY``.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import time
from typing import Any, NamedTuple

from itsdangerous import BadData, TimestampSigner, URLSafeSerializer
from itsdangerous.encoding import want_bytes

from .errors import TokenExpired, TokenInvalid

TOKEN_SALT = "sockgate.token.v1"
GRANT_SALT = "sockgate.grant.v1"
MAX_TOKEN_LENGTH = 2048
CLOCK_LEEWAY_S = 30
"""How far in the future a token may be dated: the clocks of two hosts differ."""

_VERSION = 1
_MAX_FIELD_LENGTH = 512


class Token(NamedTuple):
    """What a token says: this session, of this user (``None``: an anonymous visitor)."""

    sid: str
    uid: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a grant says: this session may subscribe to this channel.

    ``rights`` names what its user might do when that was decided (``records.UserRecord``);
    ``signed_at``, in Unix seconds, is known of a grant that was read.
    """

    sid: str
    channel: str
    rights: str = ""
    signed_at: float = field(default=0.0, compare=False)


class _ClockSigner(TimestampSigner):
    """Sign with keys that are derived once, and date what is signed by an injected clock."""

    def __init__(self, keys: Sequence[str], salt: str, clock: Callable[[], float]) -> None:
        super().__init__(list(keys), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock
        self._derived = {key: super(_ClockSigner, self).derive_key(key) for key in self.secret_keys}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Give the key that signs with one of the secret keys, or with the newest."""
        return self._derived[want_bytes(secret_key or self.secret_key)]

    def get_timestamp(self) -> int:
        """Give Unix seconds."""
        return int(self._clock())


class _Signer:
    """Sign small objects with the newest key, verify with any of them.

    What ``URLSafeTimedSerializer`` does, without its making a signer for each token.
    """

    def __init__(self, keys: Sequence[str], salt: str, clock: Callable[[], float] = time) -> None:
        if not keys or not all(keys):
            raise ValueError("at least one signing key is needed, and none may be empty")
        self._clock = clock
        self._signer = _ClockSigner(keys, salt, clock)
        self._form = URLSafeSerializer(list(keys), salt=salt)

    def _sign(self, fields: dict[str, Any]) -> str:
        return self._signer.sign(self._form.dump_payload({"v": _VERSION, **fields})).decode()

    def _verify(self, text: str, max_age_s: float) -> tuple[dict[str, Any], float]:
        fields, signed = self._load(text)
        signed_at = signed.timestamp()
        age_s = self._clock() - signed_at
        if not -CLOCK_LEEWAY_S <= age_s <= max_age_s:
            raise TokenExpired(f"signed {age_s:.0f} s ago")
        if not isinstance(fields, dict) or fields.get("v") != _VERSION:
            raise TokenInvalid("of another version")
        return fields, signed_at

    def _load(self, text: str) -> tuple[Any, datetime]:
        if len(text) > MAX_TOKEN_LENGTH:
            raise TokenInvalid("too long")
        try:
            payload, signed_at = self._signer.unsign(text, return_timestamp=True)
            return self._form.load_payload(payload), signed_at
        except (BadData, ValueError) as error:
            raise TokenInvalid("not signed by us") from error


class TokenSigner(_Signer):
    """Issue and read tokens.

    Args:
        keys: signing keys, oldest first; the last one signs, all of them verify.
        clock: gives Unix seconds.
    """

    def __init__(self, keys: Sequence[str], clock: Callable[[], float] = time) -> None:
        super().__init__(keys, TOKEN_SALT, clock)

    def issue(self, token: Token) -> str:
        """Sign a token."""
        return self._sign({"sid": token.sid, "uid": token.uid})

    def read(self, text: str, max_age_s: float) -> Token:
        """Verify a token.

        Raises:
            TokenInvalid: it is not one of ours.
            TokenExpired: it is older than ``max_age_s``, or dated beyond the clock leeway.
        """
        fields, _ = self._verify(text, max_age_s)
        uid = fields.get("uid")
        return Token(_text(fields.get("sid")), None if uid is None else _text(uid))


class GrantSigner(_Signer):
    """Issue and read grants; the arguments are those of ``TokenSigner``."""

    def __init__(self, keys: Sequence[str], clock: Callable[[], float] = time) -> None:
        super().__init__(keys, GRANT_SALT, clock)

    def issue(self, grant: Grant) -> str:
        """Sign a grant."""
        rights = {"rights": grant.rights} if grant.rights else {}
        return self._sign({"sid": grant.sid, "channel": grant.channel, **rights})

    def read(self, text: str, max_age_s: float) -> Grant:
        """Verify a grant; raises as ``TokenSigner.read`` does."""
        fields, signed_at = self._verify(text, max_age_s)
        sid, channel = _text(fields.get("sid")), _text(fields.get("channel"))
        rights = _text(fields["rights"]) if "rights" in fields else ""
        return Grant(sid, channel, rights, signed_at)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_FIELD_LENGTH:
        raise TokenInvalid("a field is missing")
    return value
