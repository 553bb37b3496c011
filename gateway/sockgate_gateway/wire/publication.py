"""Publications: their form in Redis, and their frames for clients.

A publication is the only frame without a ``type``: it is the most frequent one.

A publication may exclude a connection, the one whose request has made it. This connection receives
a ``skipped`` frame in place of a sequenced publication, so that it notices no hole.

A plain publication may have a key, and the gateway then delivers at most one with this key on the
channel in a window of time; see ``channels/coalescing.py``.
"""

import json
import re
from typing import Self

import msgspec
from msgspec.structs import replace

from .errors import PayloadError
from .events import HTML, TURBO_STREAM, is_markup
from .markup_payload import MarkupPayload, has_markup
from .surrogates import replace_lone_surrogates
from .tenants import without_tenant
from .touches import may_be_touch, read_touch

_any_json = msgspec.json.Decoder(msgspec.Raw)


class _Named(msgspec.Struct, gc=False):
    event: str = ""


_named = msgspec.json.Decoder(_Named)
_FIRST_MARKUP, _BEHIND_MARKUP = HTML, f"{TURBO_STREAM};"
"""All events with markup are between these, in the order of characters: a fast check."""

_BRACE = ord("{")


_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COALESCING = re.compile(rb"([0-9]{1,6}):([\x20-\x22\x24-\x7e]{1,64})")

MAX_WITHIN_MS = 60_000

TIMED_EVERY = 32
"""``publish.lua`` states the time of one publication in so many, and of the first of an epoch."""


class Coalescing(msgspec.Struct, frozen=True, gc=False):
    """Of the publications with one key on a channel, deliver at most one in a window of time.

    Args:
        key: 1 to 64 printable ASCII characters without ``#``.
        within_ms: the length of the window, 1 to ``MAX_WITHIN_MS``.
    """

    key: str
    within_ms: int


class Publication(msgspec.Struct, frozen=True, gc=False):
    """One message on a channel: JSON text; a plain one has epoch ``""`` and offset 0.

    ``excluded`` is the id of the connection that does not receive it; empty: there is none.
    ``touch`` is the mark of a touch (0: it has none); None: it is not a touch. ``end`` is the last
    part of its frame. ``published_ms``: by the clock of Redis, Unix ms; 0: unknown.
    """

    payload: bytes
    epoch: str = ""
    offset: int = 0
    excluded: str = ""
    coalescing: Coalescing | None = None
    touch: int | None = None
    end: bytes = b"}"
    published_ms: int = 0


class ExcludingFrame(bytes):
    """The frame of a publication that excludes a connection.

    Args:
        frame: for the others.
        excluded: id of the connection that does not receive it.
        instead: what that connection receives; empty: nothing.
    """

    def __new__(cls, frame: bytes, excluded: str, instead: bytes) -> Self:
        """Make the frame."""
        self = super().__new__(cls, frame)
        self.excluded, self.instead = excluded, instead
        return self

    excluded: str
    instead: bytes


def is_connection_id(text: str) -> bool:
    """Return whether a text may be the id of a connection: letters, digits, ``_`` and ``-``."""
    return _CONNECTION_ID.fullmatch(text) is not None


def read_publication(raw: bytes) -> Publication:
    """Read a message of Redis: ``<json>``, ``#<epoch>:<offset>::<ms>#<json>``, or any text.

    The time of Redis, ``::<ms>``, is in some only. A message that excludes a connection is
    ``#<epoch>:<offset>:<connection>:<ms>#<json>``, without ``:<ms>`` too, or
    ``#::<connection>#<json>`` when it is plain. One with a key is plain, and
    ``#::<connection>:<ms>:<key>#<json>``, where the connection may be empty. Text that is not JSON
    becomes a JSON string. A payload that a page would insert as markup is a ``MarkupPayload``.

    Raises:
        PayloadError: it is not UTF-8.
    """
    publication = (_read_sequenced(raw) if raw[:1] == b"#" else None) or Publication(_as_json(raw))
    return _marked(publication) if may_be_touch(raw) else publication


def _marked(publication: Publication) -> Publication:
    mark = read_touch(publication.payload)
    return publication if mark is None else replace(publication, touch=mark)


def state_touch(touch: Publication, audience: int, mark: int | None) -> Publication:
    """Return a touch as it is delivered, with what the gateway alone knows, and nothing else.

    Args:
        touch: as it was read; of its payload nothing is delivered.
        audience: about how many connections receive it. Pages spread their requests accordingly.
        mark: of the channel after this touch; None: unknown.
    """
    payload = b'{"event":"touch","data":{"audience":%d}}' % audience
    end = b"}" if mark is None else b',"touched":%d}' % mark
    return replace(touch, payload=payload, end=b',"audience":%d%b' % (audience, end))


def _read_sequenced(raw: bytes) -> Publication | None:
    head, hash_mark, payload = raw[1:].partition(b"#")
    epoch, colon, rest = head.partition(b":")
    if hash_mark and colon and epoch.isalnum() and _is_offset(rest):
        return Publication(_as_json(payload), epoch.decode(), int(rest))
    return _read_longer(epoch, rest, payload) if hash_mark else None


def _read_longer(epoch: bytes, rest: bytes, payload: bytes) -> Publication | None:
    offset, is_timed, ms = rest.partition(b"::")
    if is_timed and epoch.isalnum() and _is_offset(offset) and _is_offset(ms):
        return _timed(payload, epoch, offset, ms)
    return _read_excluding(epoch, rest, payload)


def _timed(
    payload: bytes, epoch: bytes, offset: bytes, ms: bytes, excluded: str = ""
) -> Publication:
    found = _as_json(payload), epoch.decode(), int(offset), excluded
    return Publication(*found, None, None, b"}", int(ms))


def _read_excluding(epoch: bytes, rest: bytes, payload: bytes) -> Publication | None:
    offset, _, excluded = rest.partition(b":")
    if not epoch and not offset and b":" in excluded:
        return _read_coalescing(excluded, payload)
    excluded, is_timed, ms = excluded.partition(b":")
    if not (excluded.isascii() and is_connection_id(excluded.decode())):
        return None
    if not epoch and not offset:
        return Publication(_as_json(payload), excluded=excluded.decode())
    if not (epoch.isalnum() and _is_offset(offset)) or (is_timed and not _is_offset(ms)):
        return None
    return _timed(payload, epoch, offset, ms or b"0", excluded.decode())


def _read_coalescing(head: bytes, payload: bytes) -> Publication | None:
    excluded, _, rest = head.partition(b":")
    found = _COALESCING.fullmatch(rest)
    if found is None or (excluded and not is_connection_id(excluded.decode("latin-1"))):
        return None
    key, within_ms = found[2].decode(), int(found[1])
    if not 0 < within_ms <= MAX_WITHIN_MS:
        return None
    coalescing = Coalescing(key, within_ms)
    return Publication(_as_json(payload), excluded=excluded.decode(), coalescing=coalescing)


def is_coalescing_key(text: str) -> bool:
    """Return whether a text may be a key of coalescing; see ``Coalescing``."""
    return text.isascii() and _COALESCING.fullmatch(b"1:" + text.encode()) is not None


def _is_offset(text: bytes) -> bool:
    return text.isdigit() and not text.startswith(b"0") and len(text) < 20


def _as_json(raw: bytes) -> bytes:
    """Return the payload as JSON, marked as ``MarkupPayload`` if a page would insert it."""
    if not raw.isascii():
        _check_utf8(raw)
    payload = raw.strip()
    if payload and payload[0] == _BRACE:
        try:
            event = _named.decode(payload).event
        except (msgspec.MsgspecError, RecursionError):
            pass  # It is not JSON, or has a form that is read below.
        else:
            is_found = _FIRST_MARKUP <= event < _BEHIND_MARKUP and is_markup(event)
            return MarkupPayload(payload) if is_found else payload
    return _as_any_json(raw, payload)


def _as_any_json(raw: bytes, payload: bytes) -> bytes:
    try:
        _any_json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        if not _is_json_with_lone_surrogates(raw):
            return json.dumps(raw.decode()).encode()
    return MarkupPayload(payload) if has_markup(payload) else payload


def _is_json_with_lone_surrogates(raw: bytes) -> bool:
    text = raw.decode()
    replaced = replace_lone_surrogates(text)
    if replaced == text:
        return False
    try:
        _any_json.decode(replaced)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _check_utf8(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(str(error)) from error


def write_publication(publication: Publication) -> bytes:
    """Write a publication in its form for Redis."""
    excluded, how = publication.excluded, publication.coalescing
    if publication.offset:
        at = f":{publication.published_ms}" if publication.published_ms else ""
        end = f":{excluded}{at}" if excluded or at else ""
        head = f"#{publication.epoch}:{publication.offset}{end}#"
    elif how is not None:
        head = f"#::{excluded}:{how.within_ms}:{how.key}#"
    else:
        head = f"#::{excluded}#" if excluded else ""
    return head.encode() + publication.payload


def publication_head(channel: str) -> bytes:
    """Return the beginning of a publication's frame, made once per channel."""
    return b'{"channel":' + msgspec.json.encode(without_tenant(channel)) + b',"data":'


def publication_frame(head: bytes, publication: Publication) -> bytes:
    """Complete the frame: ``{"channel":…,"data":…}``, with ``"offset"`` when sequenced.

    The first publication of an epoch names it, so that subscribers of the epoch before can go on.
    The frame of a publication that excludes a connection is an ``ExcludingFrame``.
    """
    if publication.excluded:
        return _excluding_frame(head, publication)
    if not publication.offset:
        return head + publication.payload + publication.end
    payload, end = publication.payload, publication.end
    if publication.offset == 1:
        return b'%b%b,"epoch":"%b","offset":1%b' % (head, payload, publication.epoch.encode(), end)
    return b'%b%b,"offset":%d%b' % (head, payload, publication.offset, end)


def _excluding_frame(head: bytes, publication: Publication) -> ExcludingFrame:
    epoch, offset = publication.epoch, publication.offset
    frame = publication_frame(head, replace(publication, excluded=""))
    channel = head.removeprefix(b"{").removesuffix(b',"data":')
    at = f'"epoch":"{epoch}","offset":1' if offset == 1 else f'"offset":{offset}'
    instead = b'{"type":"skipped",%b,%b}' % (channel, at.encode()) if offset else b""
    return ExcludingFrame(frame, publication.excluded, instead)


def user_payload(event: str, data: msgspec.Raw, uid: str) -> bytes:
    """Return the payload of a user's publication; ``from`` is always the verified user."""
    return msgspec.json.encode({"event": event, "data": data, "from": without_tenant(uid)})
