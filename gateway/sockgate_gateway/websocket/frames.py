"""RFC 6455 frames. Pure.

Strategy: a browser sends little (a token, then pings). So the reader keeps state only for an
unfinished frame or message, and none between messages. Unfinished data grows in place, so a frame
in many packets or a message in many fragments is not copied for each of them. Frames that a server
must reject by the RFC are rejected here, with the close code that it names.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NoReturn

import msgspec

from ..errors import GatewayError

CLOSE_PROTOCOL_ERROR = 1002
CLOSE_INVALID_DATA = 1007
CLOSE_TOO_BIG = 1009
MAX_CONTROL_PAYLOAD = 125

Buffer = bytes | bytearray


class Opcode(IntEnum):
    """RFC 6455 section 5.2."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class WebSocketProtocolError(GatewayError):
    """The client broke the protocol; ``code`` is the close code of RFC 6455 section 7.4.1."""

    def __init__(self, code: int, cause: str) -> None:
        super().__init__(cause)
        self.code = code


class Message(msgspec.Struct, frozen=True, gc=False):
    """A whole message, or a control frame."""

    opcode: Opcode
    payload: bytes


FRAGMENT = Message(Opcode.CONTINUATION, b"")
"""A frame was read, but its message is not complete."""


def encode(opcode: Opcode, payload: bytes) -> bytes:
    """Encode one final, unmasked frame, as a server sends it (section 5.1)."""
    return _header(0x80 | opcode, len(payload)) + payload


def encode_text(payload: bytes) -> bytes:
    """Encode one final text frame; this is ``encode`` for the hot path."""
    size = len(payload)
    return (_TEXT_HEADERS[size] if size < _COMMON_SIZES else _header(0x81, size)) + payload


def encode_deflated_text(payload: bytes) -> bytes:
    """Encode one final text frame with a compressed payload (RFC 7692 section 6)."""
    return _header(0xC1, len(payload)) + payload


def _header(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2)
    return bytes((first, 127)) + size.to_bytes(8)


_COMMON_SIZES = 1024
_TEXT_HEADERS = tuple(_header(0x80 | Opcode.TEXT, size) for size in range(_COMMON_SIZES))


def encode_close(code: int, reason: str = "") -> bytes:
    """Encode a close frame; a long reason is cut to the limit of section 5.5."""
    cut = reason.encode()[: MAX_CONTROL_PAYLOAD - 2].decode(errors="ignore")
    return encode(Opcode.CLOSE, code.to_bytes(2) + cut.encode())


def read_close(payload: bytes) -> int:
    """Return the code of a close frame; 1005 without one (section 7.1.5).

    Raises:
        WebSocketProtocolError: the code may not be sent, or the reason is not UTF-8.
    """
    if not payload:
        return 1005
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or not _may_be_sent(code):
        raise WebSocketProtocolError(CLOSE_PROTOCOL_ERROR, "invalid close code")
    try:
        payload[2:].decode()
    except UnicodeDecodeError as error:
        raise WebSocketProtocolError(CLOSE_INVALID_DATA, "close reason is not UTF-8") from error
    return code


def _may_be_sent(code: int) -> bool:
    return 3000 <= code < 5000 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))


def unmask(payload: Buffer, mask: Buffer) -> bytes:
    """Apply a mask of four bytes (section 5.3), as one XOR of two long integers."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


Inflate = Callable[[bytes, int], bytes]
"""Decompresses a message up to a limit in bytes."""


class _Header(msgspec.Struct, frozen=True, gc=False):
    is_final: bool
    is_deflated: bool
    opcode: Opcode
    mask: Buffer
    payload_at: int
    end: int


class FrameReader:
    """Read the messages of one client.

    Args:
        limit_bytes: how long a message may be, with all its fragments.
        inflate: decompresses messages; None without permessage-deflate.
    """

    __slots__ = ("_buffer", "_fragments", "_inflate", "_is_deflated", "_opcode", "limit_bytes")

    def __init__(self, limit_bytes: int, inflate: Inflate | None = None) -> None:
        self.limit_bytes = limit_bytes
        self._inflate = inflate
        self._is_deflated = False
        self._buffer: Buffer = b""
        self._fragments: bytearray | None = None
        self._opcode = Opcode.CONTINUATION

    def feed(self, data: bytes) -> Iterator[Message]:
        """Read bytes; yield a message for each frame, or ``FRAGMENT`` for an incomplete one.

        Raises:
            WebSocketProtocolError: the client broke the protocol; the rest cannot be read.
        """
        buffer, self._buffer = self._buffer, b""
        if buffer:
            buffer += data
        else:
            buffer = data
        at = 0
        while (header := self._read_header(buffer, at)) is not None:
            if header.end > len(buffer):
                break
            payload = unmask(buffer[header.payload_at : header.end], header.mask)
            at = header.end
            yield self._assemble(header, payload)
        self._buffer = _unread(buffer, at)

    def _read_header(self, buffer: Buffer, at: int) -> _Header | None:
        if len(buffer) < at + 2:
            return None
        first, second = buffer[at], buffer[at + 1]
        is_final, is_deflated, opcode = _FIRST_BYTES.get(first) or _reject_first_byte(first)
        if not second & 0x80:
            raise WebSocketProtocolError(CLOSE_PROTOCOL_ERROR, "a client's frames must be masked")
        sized = _read_size(buffer, at + 2, second & 0x7F)
        if sized is None:
            return None
        size, mask_at = sized
        self._check(is_final, opcode, size)
        if is_deflated and (not self._inflate or opcode not in (Opcode.TEXT, Opcode.BINARY)):
            raise WebSocketProtocolError(CLOSE_PROTOCOL_ERROR, "a reserved bit is set")
        payload_at = mask_at + 4
        mask = buffer[mask_at:payload_at]
        return _Header(is_final, is_deflated, opcode, mask, payload_at, payload_at + size)

    def _check(self, is_final: bool, opcode: Opcode, size: int) -> None:
        if opcode >= Opcode.CLOSE:
            if not is_final or size > MAX_CONTROL_PAYLOAD:
                raise WebSocketProtocolError(
                    CLOSE_PROTOCOL_ERROR, "a control frame is too long or fragmented"
                )
            return
        if (opcode is Opcode.CONTINUATION) is (self._fragments is None):
            raise WebSocketProtocolError(CLOSE_PROTOCOL_ERROR, "a fragment is out of place")
        if len(self._fragments or b"") + size > self.limit_bytes:
            raise WebSocketProtocolError(CLOSE_TOO_BIG, "message too large")

    def _assemble(self, header: _Header, payload: bytes) -> Message:
        if header.opcode >= Opcode.CLOSE:
            return Message(header.opcode, payload)
        if header.opcode is not Opcode.CONTINUATION:
            self._opcode, self._is_deflated = header.opcode, header.is_deflated
        if not header.is_final:
            self._add_fragment(payload)
            return FRAGMENT
        if self._fragments is not None:
            payload, self._fragments = bytes(self._fragments + payload), None
        if self._is_deflated and self._inflate:
            payload = self._inflate(payload, self.limit_bytes)
        return Message(self._opcode, payload)

    def _add_fragment(self, fragment: bytes) -> None:
        if self._fragments is None:
            self._fragments = bytearray()
        self._fragments += fragment


def _unread(buffer: Buffer, at: int) -> Buffer:
    """Return the unread part of a buffer, as one that can grow unless it is empty."""
    if at == len(buffer):
        return b""
    if isinstance(buffer, bytes):
        return bytearray(buffer[at:])
    del buffer[:at]
    return buffer


def _reject_first_byte(first: int) -> NoReturn:
    cause = "a reserved bit is set" if first & 0x30 else "unknown opcode"
    raise WebSocketProtocolError(CLOSE_PROTOCOL_ERROR, cause)


_FINAL, _DEFLATED = 0x80, 0x40
_FIRST_BYTES = {
    final | deflated | opcode: (bool(final), bool(deflated), opcode)
    for final in (0, _FINAL)
    for deflated in (0, _DEFLATED)
    for opcode in Opcode
}
"""The first byte of a frame: whether it is final, whether it is compressed, and its opcode."""

_SIZE_WIDTHS = {126: 2, 127: 8}


def _read_size(buffer: Buffer, at: int, short: int) -> tuple[int, int] | None:
    """Return the payload length (section 5.2) and the mask's position; None when incomplete."""
    width = _SIZE_WIDTHS.get(short, 0)
    if len(buffer) < at + width + 4:
        return None
    if not width:
        return short, at
    size = int.from_bytes(buffer[at : at + width])
    if size < (126 if width == 2 else 1 << 16) or size >> 63:
        raise WebSocketProtocolError(CLOSE_PROTOCOL_ERROR, "a length is not encoded minimally")
    return size, at + width
