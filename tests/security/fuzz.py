"""The parsers of untrusted input, each with the errors that it may raise.

Under atheris, which is no dependency of ours: ``python -m tests.security.fuzz frame``, with
libFuzzer's options after the name of the target.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress

from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.http.origins import OriginPolicy
from sockgate_gateway.http.plain_request import Request, read_plain_request
from sockgate_gateway.http.proxies import ProxyPolicy
from sockgate_gateway.http.responses import RequestRefused
from sockgate_gateway.sockjs.payload import MalformedPayload, read_messages
from sockgate_gateway.websocket.deflate import inflate, negotiate
from sockgate_gateway.websocket.frames import FrameReader, WebSocketProtocolError, read_close
from sockgate_gateway.websocket.handshake import accept_handshake
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.control import read_control
from sockgate_gateway.wire.errors import (
    ChannelNameError,
    ControlError,
    FrameError,
    NamespacesError,
    PayloadError,
    TokenError,
)
from sockgate_gateway.wire.names import Names, check_channel
from sockgate_gateway.wire.namespaces import Policy, read_namespaces
from sockgate_gateway.wire.protocol import read_client_frame
from sockgate_gateway.wire.publication import publication_frame, read_publication
from sockgate_gateway.wire.records import read_session, read_user
from sockgate_gateway.wire.tokens import Grant, GrantSigner, Token, TokenSigner
from tornado.httputil import HTTPInputError, parse_body_arguments

from tests.contract import examples
from tests.unit.gateway.fakes import SilentJoin, new_hub

LIMIT_BYTES = 4096

_KEYS = ["a-key-for-tests-only-0123456789abcdef"]
_tokens = TokenSigner(_KEYS, lambda: 1.7e9)
_grants = GrantSigner(_KEYS, lambda: 1.7e9)
_origins = OriginPolicy(["https://www.example.com"])
_proxies = ProxyPolicy(["10.0.0.0/8", "::1"])

SEEDS = [
    b"",
    *examples.SEEDS,
    b'{"event":"news","data":{"a":[1,2.5e3,null,true,"\\ud83d\\ude00"]}}',
    b"#epoch:12#" + b'{"a":1}',
    b"#e:1#1\n#e:2#2\n#e:4#4\n#f:1#1\n3\n#e:3#3",
    b"#e:0#0\n#e:9223372036854775808#1\n#e:-1#1\n##\n#:1#1",
    b"d=%5B%22a%22%5D",
    b"d=%5B%22a%22%5D&d=%ff&x",
    b'--b\r\nContent-Disposition: form-data; name="d"\r\n\r\n["a"]\r\n--b--\r\n',
    b'{"op":"revoke_session","sid":"s"}',
    b'{"op":"session_moved","old":"a","new":"b"}',
    b'["a","b\\"c"]',
    b'{"room":{"history":100,"age":3600,"presence":true,"overflow":"latest"}}',
    b"\x81\x85\x00\x00\x00\x00hello",
    b"\x01\x82\x01\x02\x03\x04ab\x80\x81\x00\x00\x00\x00c",
    b"\x88\x82\x00\x00\x00\x00\x0b\xb8",
    b"203.0.113.9, 10.0.0.1",
    b"https://www.example.com:8443",
    b"permessage-deflate; client_max_window_bits",
    _tokens.issue(Token("sid", "7")).encode(),
    _grants.issue(Grant("sid", "room:7", "rights")).encode(),
    b"GET /realtime/websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"Upgrade\n13\ndGhlIHNhbXBsZSBub25jZQ==",
]
"""Right inputs, of one parser or another: what is nearly right finds more than what is random."""

Target = tuple[Callable[[bytes], object], tuple[type[Exception], ...]]


def _text(data: bytes) -> str:
    """Let text hold whatever a JSON string can, half surrogate pairs too."""
    return data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")


def _frame(data: bytes) -> object:
    try:
        return read_client_frame(data.decode())
    except UnicodeDecodeError:
        return None  # The transports look for that.


def _publication(data: bytes) -> bytes:
    return publication_frame(b'{"channel":"c","data":', read_publication(data))


class ListeningBrowser:
    """The transport of a connection that is open, and all that it was given."""

    name = "fuzz"

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.connection = Connection("id", self, "192.0.2.1", LIMIT_BYTES)
        self.connection.start_check()
        self.connection.welcome(Identity("sid", "7", (), None), b"{}")
        self.connection.resume()
        self.frames.clear()

    def send(self, batch: Batch) -> None:
        self.frames += batch.frames

    def close(self, code: CloseCode, reason: str = "") -> None:
        raise AssertionError(code)


class NoRedis:
    """A subscriber that never subscribes."""

    def subscribe(self, channel: str) -> None: ...

    def unsubscribe(self, channel: str) -> None: ...


def _envelopes(data: bytes) -> None:
    """Deliver lines as publications of one channel, one by one and at once."""
    browser = ListeningBrowser()
    hub = new_hub(Names(), NoRedis(), LIMIT_BYTES, lambda channel: Policy())
    hub.subscribe(browser.connection, "room:7", SilentJoin())
    received = [(b"rt:room:7", line) for line in data.split(b"\n")]

    async def deliver() -> None:  # As in the product: on a loop, which ends the window of a touch.
        for one in received:
            hub.fan_out([one])
        hub.fan_out(received)

    asyncio.run(deliver())
    for frame in browser.frames:
        json.loads(frame)


def _websocket(data: bytes) -> list[object]:
    return list(FrameReader(LIMIT_BYTES, inflate).feed(data))


def _handshake(data: bytes) -> bytes:
    fields = (data.decode("latin-1") + "\n" * 4).split("\n")
    names = ("connection", "sec-websocket-version", "sec-websocket-key")
    headers = dict(zip(names, fields, strict=False))
    return accept_handshake(Request("GET", "/", "HTTP/1.1", headers))


def _form(data: bytes) -> list[str]:
    return _posted("application/x-www-form-urlencoded", data)


def _multipart(data: bytes) -> list[str]:
    return _posted("multipart/form-data; boundary=b", data)


def _posted(content_type: str, body: bytes) -> list[str]:
    """Read what Tornado makes of a body before a handler of ours sees it."""
    fields: dict[str, list[bytes]] = {}
    parse_body_arguments(content_type, body, fields, {})
    return read_messages(fields.get("d", [b""])[-1])


def _forwarded(data: bytes) -> object:
    text = data.decode("latin-1")
    headers = {"x-forwarded-for": text, "x-forwarded-proto": text}
    return _proxies.client_of("10.0.0.1", "http", headers)


def _origin(data: bytes) -> object:
    text = data.decode("latin-1")
    return _origins.allows(text, text, text)


def _record(data: bytes) -> object:
    return read_session({"user": data, "auth": data}), read_user({"auth": data, "channels": data})


TARGETS: dict[str, Target] = {
    "frame": (_frame, (FrameError,)),
    "publication": (_publication, (PayloadError,)),
    "control": (read_control, (ControlError,)),
    "namespaces": (read_namespaces, (NamespacesError,)),
    "token": (lambda data: _tokens.read(_text(data), 60), (TokenError, UnicodeDecodeError)),
    "grant": (lambda data: _grants.read(_text(data), 60), (TokenError, UnicodeDecodeError)),
    "websocket": (_websocket, (WebSocketProtocolError,)),
    "close": (read_close, (WebSocketProtocolError,)),
    "inflate": (lambda data: inflate(data, LIMIT_BYTES), (WebSocketProtocolError,)),
    "handshake": (_handshake, (RequestRefused,)),
    "plain_request": (read_plain_request, ()),
    "extensions": (lambda data: negotiate(data.decode("latin-1")), ()),
    "xhr_send": (read_messages, (MalformedPayload,)),
    "jsonp_send": (_form, (MalformedPayload, HTTPInputError)),
    "multipart": (_multipart, (MalformedPayload, HTTPInputError)),
    "channel": (lambda data: check_channel(_text(data)), (ChannelNameError, UnicodeDecodeError)),
    "envelopes": (_envelopes, ()),
    "forwarded": (_forwarded, ()),
    "origin": (_origin, ()),
    "record": (_record, ()),
}


def main() -> None:
    import atheris

    parse, allowed = TARGETS[sys.argv.pop(1)]

    def once(data: bytes) -> None:
        with suppress(allowed):
            parse(data)

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        # What reads JSON is not in Python, so that coverage keeps none of what is nearly right.
        begun = data if seed % 2 else SEEDS[seed // 2 % len(SEEDS)]
        return bytes(atheris.Mutate(begun[:max_size], max_size))

    atheris.instrument_all()
    atheris.Setup([*sys.argv, "-len_control=0"], once, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
