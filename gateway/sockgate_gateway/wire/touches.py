"""Touches: the event "something changed on this channel", and the mark that counts them.

Redis keeps a mark for each channel for a day after its last touch: a number that each touch
raises by one (``lua/touch.lua``). It begins anywhere, so that marks of two beginnings differ. A
page knows the mark at which it was rendered, and the gateway states the mark of now
(``stated_mark``).

A page reads a publication as JavaScript's ``JSON.parse`` does. So a touch is whatever that reads
as an object whose ``event`` is ``touch``, and which has ``data``: with spaces, escapes, other
members, or a key that occurs twice, of which the last counts.
"""

from random import randrange
from time import time_ns

import msgspec

from .names import Names
from .surrogates import replace_lone_surrogates

TOUCH_TTL_MS = 24 * 3600 * 1000
"""How long the mark lives after a touch. Without one, the channel was not touched in that time."""

NEVER = 0
"""The mark of a channel that was not touched in that time; see ``stated_mark``."""

_PERIOD_S = TOUCH_TTL_MS // 2000
"""Half of that time, so that clocks may differ by the other half."""

UNMARKED = 0
"""The mark of a touch that has none."""

MAX_MARK = 2**53 - 1
"""The largest integer of JavaScript."""


class _Payload(msgspec.Struct):
    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET  # Any would refuse 1e999.
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Data(msgspec.Struct):
    touched: int = UNMARKED


_payloads = msgspec.json.Decoder(_Payload)
_texts = msgspec.json.Decoder(str)
_datas = msgspec.json.Decoder(_Data)


def touch_key(names: Names, channel: str) -> str:
    """Return the key of a channel's mark."""
    return f"{names.key_prefix}touched:{{{names.channel(channel)}}}"


def first_mark() -> int:
    """Return a mark to begin with: one that is probably above all earlier ones."""
    return time_ns() // 1_000_000 + randrange(1000)  # noqa: S311 -- no secret


def read_mark(stored: bytes | None) -> int | None:
    """Read what Redis holds; None: it is not a mark. A missing key is ``NEVER``."""
    if stored is None:
        return NEVER
    mark = int(stored) if stored.isdigit() and len(stored) < 17 else -1
    return mark if 0 <= mark <= MAX_MARK else None


def stated_mark(mark: int, now: float) -> int:
    """Return a mark as pages receive and compare it.

    That a channel was not touched in the time of a mark is the same only for a while: a page that
    has slept for days may have missed a touch that Redis has forgotten again. So the number of the
    half day stands for it, which is smaller than any mark that begins at a time in ms.

    Args:
        mark: that of Redis.
        now: Unix seconds.
    """
    return int(now // _PERIOD_S) if mark == NEVER else mark


def may_be_touch(raw: bytes) -> bool:
    """Return whether a message of Redis may be a touch, without reading it.

    JSON writes the name of the event as it is, or with at least one of its letters escaped, which
    are U+0063 to U+0075. Escapes of umlauts, of other scripts and of ``<`` are ordinary text.
    """
    return b"touch" in raw or (b"\\" in raw and (b"\\u006" in raw or b"\\u007" in raw))


def read_touch(payload: bytes) -> int | None:
    """Return the mark of a touch, or ``UNMARKED``; None when the payload is not a touch.

    Args:
        payload: valid JSON, perhaps with escaped lone surrogates.
    """
    try:
        found = _read_payload(payload)
    except RecursionError:  # A page may be able to read it, and it may be a touch.
        return UNMARKED
    if found is None or isinstance(found.data, msgspec.UnsetType):
        return None
    return _mark_in(found.data) if _is_named_touch(found.event) else None


def _is_named_touch(event: msgspec.Raw | msgspec.UnsetType) -> bool:
    try:
        return not isinstance(event, msgspec.UnsetType) and _texts.decode(event) == "touch"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False


def _mark_in(data: msgspec.Raw) -> int:
    try:
        mark = _datas.decode(data).touched
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return UNMARKED
    return mark if 0 < mark <= MAX_MARK else UNMARKED


def _read_payload(payload: bytes) -> _Payload | None:
    for text in (payload, replace_lone_surrogates(payload.decode())):
        try:
            return _payloads.decode(text)
        except (msgspec.MsgspecError, UnicodeError):
            continue
    return None
