"""How messages are written on a WebSocket: with SockJS framing, or raw. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from ..connections.batch import Batch, sockjs_array
from ..wire.closecodes import CloseCode
from ..wire.errors import FrameError
from .deflate import MIN_BYTES, deflate, inflate
from .frames import Inflate, Opcode, encode, encode_deflated_text, encode_text

_messages: msgspec.json.Decoder[list[str]] = msgspec.json.Decoder(list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """The difference between a WebSocket with SockJS framing and a raw one.

    Args:
        name: the transport's name.
        encode: a batch as bytes for the socket.
        decode: the text of a WebSocket message as the frames in it; raises ``FrameError``.
        open_frame: the bytes that follow the handshake.
        heartbeat_frame: the bytes that precede each ping.
        close_frame: the bytes that precede the WebSocket close frame.
        inflate: decompresses messages; None without permessage-deflate.
    """

    name: str
    encode: Callable[[Batch], bytes]
    decode: Callable[[str], list[str]]
    open_frame: bytes
    heartbeat_frame: bytes
    close_frame: Callable[[CloseCode, str], bytes]
    inflate: Inflate | None = None


def _encode_sockjs(batch: Batch) -> bytes:
    return encode_text(sockjs_array(batch))


def _encode_sockjs_deflated(batch: Batch) -> bytes:
    return _deflated_text(sockjs_array(batch))


def _encode_raw_deflated(batch: Batch) -> bytes:
    return b"".join([_deflated_text(frame) for frame in batch.frames])


def _deflated_text(payload: bytes) -> bytes:
    if len(payload) < MIN_BYTES:
        return encode_text(payload)
    return encode_deflated_text(deflate(payload))


def _encode_raw(batch: Batch) -> bytes:
    return b"".join([encode_text(frame) for frame in batch.frames])


def _decode_sockjs(text: str) -> list[str]:
    if not text:
        return []
    try:
        return _messages.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise FrameError("not a JSON array of strings") from error


def _decode_raw(text: str) -> list[str]:
    return [text] if text else []


def _close_frame_sockjs(code: CloseCode, reason: str) -> bytes:
    return encode(Opcode.TEXT, b"c" + msgspec.json.encode([int(code), reason]))


def _close_frame_raw(code: CloseCode, reason: str) -> bytes:
    return b""


SOCKJS = Framing(
    name="websocket",
    encode=_encode_sockjs,
    decode=_decode_sockjs,
    open_frame=encode(Opcode.TEXT, b"o"),
    heartbeat_frame=encode(Opcode.TEXT, b"h"),
    close_frame=_close_frame_sockjs,
)

RAW = Framing(
    name="rawwebsocket",
    encode=_encode_raw,
    decode=_decode_raw,
    open_frame=b"",
    heartbeat_frame=b"",
    close_frame=_close_frame_raw,
)

DEFLATED = {
    SOCKJS: replace(SOCKJS, encode=_encode_sockjs_deflated, inflate=inflate),
    RAW: replace(RAW, encode=_encode_raw_deflated, inflate=inflate),
}
"""The same two framings with permessage-deflate."""
