"""Publications: as they travel through Redis, and as frames for browsers.

A publication is the one frame without a ``type``, for it is the frame that matters most.
"""

import json

import msgspec

from .errors import PayloadError

Position = tuple[str, int]
"""Where a client is in a channel's history: epoch, offset."""

_any_json = msgspec.json.Decoder(msgspec.Raw)


class Publication(msgspec.Struct, frozen=True, gc=False):
    """One message on a channel: JSON text; a plain one has epoch ``""`` and offset 0."""

    payload: bytes
    epoch: str = ""
    offset: int = 0


def read_publication(raw: bytes) -> Publication:
    """Read what was published in Redis: ``<json>``, ``#<epoch>:<offset>#<json>``, or any text.

    Text that is not JSON becomes a JSON string.

    Raises:
        PayloadError: it is not UTF-8.
    """
    if raw[:1] == b"#":
        sequenced = _read_sequenced(raw)
        if sequenced is not None:
            return sequenced
    return Publication(_as_json(raw))


def _read_sequenced(raw: bytes) -> Publication | None:
    head, hash_mark, payload = raw[1:].partition(b"#")
    epoch, colon, offset = head.partition(b":")
    if not (hash_mark and colon and epoch.isalnum() and _is_offset(offset)):
        return None
    return Publication(_as_json(payload), epoch.decode(), int(offset))


def _is_offset(text: bytes) -> bool:
    return text.isdigit() and not text.startswith(b"0") and len(text) < 20


def _as_json(raw: bytes) -> bytes:
    if not raw.isascii():
        _check_utf8(raw)
    try:
        _any_json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return json.dumps(raw.decode()).encode()
    return raw.strip()


def _check_utf8(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise PayloadError(str(error)) from error


def write_publication(publication: Publication) -> bytes:
    """Write a publication as it travels through Redis."""
    if not publication.offset:
        return publication.payload
    head = f"#{publication.epoch}:{publication.offset}#".encode()
    return head + publication.payload


def publication_head(channel: str) -> bytes:
    """Begin the frame of a publication on this channel; made once per channel."""
    return b'{"channel":' + json.dumps(channel).encode() + b',"data":'


def publication_frame(head: bytes, publication: Publication) -> bytes:
    """Complete the frame: ``{"channel":…,"data":…}``, with ``"offset"`` when sequenced.

    The first of an epoch names it, so that whoever heard the end of another can go on.
    """
    if not publication.offset:
        return head + publication.payload + b"}"
    if publication.offset == 1:
        epoch = publication.epoch.encode()
        return b'%b%b,"epoch":"%b","offset":1}' % (head, publication.payload, epoch)
    return b'%b%b,"offset":%d}' % (head, publication.payload, publication.offset)


def user_payload(event: str, data: msgspec.Raw, uid: str) -> bytes:
    """Give the payload of what a user publishes: it bears his name, whatever he says."""
    return msgspec.json.encode({"event": event, "data": data, "from": uid})
