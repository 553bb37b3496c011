"""Signed tokens: Django issues them, the gateway reads them.

A token names a session. It is valid only with the live record of that session in Redis. A grant
allows one session to subscribe to one channel. ``itsdangerous`` signs both with Sockgate's own
keys, never with Django's ``SECRET_KEY``.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import time
from typing import Any, NamedTuple

import msgspec
from itsdangerous import BadData, BadSignature, URLSafeSerializer
from itsdangerous.encoding import base64_decode

from .clock_signer import ClockSigner
from .errors import TokenExpired, TokenInvalid, TokenOfUnknownKey
from .key_ids import is_key_id, key_id, key_ids
from .limits import MAX_TOKEN_LENGTH
from .tenants import are_of_one_tenant

TOKEN_SALT = "sockgate.token.v1"
GRANT_SALT = "sockgate.grant.v1"
CLOCK_LEEWAY_S = 30
"""How far in the future a token may be dated: the clocks of two hosts differ."""

_VERSION = 1
_MAX_FIELD_LENGTH = 512


class Token(NamedTuple):
    """The content of a token: a session, and its user (``None``: an anonymous visitor)."""

    sid: str
    uid: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """The content of a grant: this session may subscribe to this channel.

    ``rights`` is the name of the user's rights at the time of issue (``records.UserRecord``).
    ``signed_at``, in Unix seconds, is set when a grant is read.
    """

    sid: str
    channel: str
    rights: str = ""
    signed_at: float = field(default=0.0, compare=False)


class _Claim(msgspec.Struct):
    """What a token says of its key. Nobody has verified it."""

    kid: str = ""


class _Signer:
    """Sign small objects with the newest key, verify with any of them.

    It does the same as ``URLSafeTimedSerializer``, without a new signer for each token.
    """

    def __init__(self, keys: Sequence[str], salt: str, clock: Callable[[], float] = time) -> None:
        if not keys or not all(keys):
            raise ValueError("at least one signing key is needed, and none may be empty")
        self._clock = clock
        self.key_ids = tuple(key_ids(keys))
        self._signer = ClockSigner(keys, salt, clock)
        self._form = URLSafeSerializer(list(keys), salt=salt)

    def _sign(self, fields: dict[str, Any]) -> str:
        return self._signer.sign(self._form.dump_payload({"v": _VERSION, **fields})).decode()

    def _verify(self, text: str, max_age_s: float) -> tuple[dict[str, Any], float]:
        fields, signed = self._load(text)
        signed_at = signed.timestamp()
        age_s = self._clock() - signed_at
        if not -CLOCK_LEEWAY_S <= age_s <= max_age_s:
            raise TokenExpired(age_s)
        if not isinstance(fields, dict) or fields.get("v") != _VERSION:
            raise TokenInvalid("it was signed by another version of Sockgate")
        return fields, signed_at

    def _load(self, text: str) -> tuple[Any, datetime]:
        if len(text) > MAX_TOKEN_LENGTH:
            raise TokenInvalid("too long")
        try:
            payload, signed_at = self._signer.unsign(text, return_timestamp=True)
            return self._form.load_payload(payload), signed_at
        except BadSignature as error:
            raise self._refusal_of(text) from error
        except (BadData, ValueError) as error:
            raise TokenInvalid("not signed by us") from error

    def _refusal_of(self, text: str) -> TokenInvalid:
        """Return the error for a bad signature: of another key, or of no key at all."""
        claimed = _claimed_key_id(text)
        return TokenInvalid("damaged") if claimed in self.key_ids else TokenOfUnknownKey(claimed)


class TokenSigner(_Signer):
    """Issue and read tokens.

    Args:
        keys: signing keys, oldest first; the last one signs, all of them verify.
        clock: returns Unix seconds.
    """

    def __init__(self, keys: Sequence[str], clock: Callable[[], float] = time) -> None:
        super().__init__(keys, TOKEN_SALT, clock)
        self._key_id = key_id(keys[-1])

    def issue(self, token: Token) -> str:
        """Sign a token; ``kid`` names the key for a reader that does not have it."""
        return self._sign({"sid": token.sid, "uid": token.uid, "kid": self._key_id})

    def read(self, text: str, max_age_s: float) -> Token:
        """Verify a token.

        Raises:
            TokenInvalid: it is not one of ours.
            TokenExpired: it is older than ``max_age_s``, or dated beyond the clock leeway.
        """
        fields, _ = self._verify(text, max_age_s)
        uid, sid = fields.get("uid"), _text(fields.get("sid"))
        if uid is None:
            return Token(sid, None)
        _check_same_tenant(sid, _text(uid))
        return Token(sid, uid)


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
        _check_same_tenant(sid, channel)
        rights = _text(fields["rights"]) if "rights" in fields else ""
        return Grant(sid, channel, rights, signed_at)


def _claimed_key_id(text: str) -> str:
    """Return the key id that a token claims; empty: none. The token is hostile."""
    try:
        claim = msgspec.json.decode(_payload_of(text), type=_Claim)
    except (BadData, msgspec.MsgspecError, ValueError, RecursionError, zlib.error):
        return ""
    return claim.kid if is_key_id(claim.kid) else ""


def _payload_of(text: str) -> bytes:
    """Decode the payload of a token, as itsdangerous writes it; a dot says that it is compressed.

    It may be a bomb, so no more is decompressed than a genuine payload has.
    """
    payload = text.rsplit(".", 2)[0]
    raw = base64_decode(payload.lstrip("."))
    is_compressed = payload.startswith(".")
    return zlib.decompressobj().decompress(raw, MAX_TOKEN_LENGTH) if is_compressed else raw


def _check_same_tenant(sid: str, name: str) -> None:
    if not are_of_one_tenant(sid, name):
        raise TokenInvalid("its session and its user or channel belong to different tenants")


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_FIELD_LENGTH:
        raise TokenInvalid("a field is missing")
    return value
