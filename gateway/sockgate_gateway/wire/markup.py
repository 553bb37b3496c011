"""The signatures of markup that pages insert. Pure.

Whoever may ``PUBLISH`` in Redis could otherwise run scripts in every page that inserts it. So
Django signs it with the signing keys, which Redis does not hold, together with the Redis channel
and the time. The signature is the last member of the payload::

    {"event":"sockgate:html","data":{…},"signed":"1700000000.<signature>"}

What is signed is the Redis channel, the seconds, and the payload up to that member, separated by
line feeds. The gateway delivers exactly these bytes, and a closing brace.
"""

import re
from collections.abc import Callable, Sequence
from time import time

from .clock_signer import ClockSigner
from .errors import MarkupError
from .events import SIGNATURE_BYTES
from .tokens import CLOCK_LEEWAY_S

MARKUP_SALT = "sockgate.markup.v1"

PLAIN_MAX_AGE_S = 60
"""The age at which a plain publication with markup is refused; a kept one has its history's age."""

_TAIL = b',"signed":"'
_MAX_TAIL_BYTES = SIGNATURE_BYTES + 3
_SIGNED = re.compile(rb',"signed":"([0-9]{1,12})\.([A-Za-z0-9_-]{43})"\}')


class MarkupSigner:
    """Sign and verify markup.

    Args:
        keys: signing keys, oldest first; the last one signs, all of them verify.
        clock: returns Unix seconds.
    """

    def __init__(self, keys: Sequence[str], clock: Callable[[], float] = time) -> None:
        if not keys or not all(keys):
            raise ValueError("at least one signing key is needed, and none may be empty")
        self._clock = clock
        self._signer = ClockSigner(keys, MARKUP_SALT, clock)

    def sign(self, redis_channel: str, payload: bytes) -> bytes:
        """Sign a payload, a JSON object, for one Redis channel and for now."""
        body, seconds = payload[:-1], b"%d" % self._signer.get_timestamp()
        signature = self._signer.get_signature(_signed_text(redis_channel, seconds, body))
        return b'%b%b%b.%b"}' % (body, _TAIL, seconds, signature)

    def verify(self, redis_channel: str, payload: bytes, max_age_s: float) -> bytes:
        """Return the payload that was signed, without its signature.

        Raises:
            MarkupError: it is not signed, or not for this channel, or too long ago.
        """
        at = payload.rfind(_TAIL, -_MAX_TAIL_BYTES)
        found = _SIGNED.fullmatch(payload, at) if at > 0 else None
        if found is None:
            raise MarkupError("unsigned")
        body, (seconds, signature) = payload[:at], found.groups()
        text = _signed_text(redis_channel, seconds, body)
        if not self._signer.verify_signature(text, signature):
            raise MarkupError("forged")
        age_s = self._clock() - int(seconds)
        if age_s > max_age_s:
            raise MarkupError("expired")
        if age_s < -CLOCK_LEEWAY_S:
            raise MarkupError("future")
        return body + b"}"


def _signed_text(redis_channel: str, seconds: bytes, body: bytes) -> bytes:
    return b"\n".join((redis_channel.encode(), seconds, body))
