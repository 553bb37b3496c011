"""The parsers that strangers reach, each with the errors that it may raise.

Under atheris, which is no dependency of ours: ``python -m tests.security.fuzz frame``, with
libFuzzer's options after the name of the target.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs

from gateway.origins import OriginPolicy
from gateway.proxies import ProxyPolicy
from gateway.sockjs.incoming import Malformed, Misused, read_messages
from gateway.websocket.deflate import inflate, is_offered
from gateway.websocket.frames import FrameFailure, FrameReader, read_close
from gateway.websocket.handshake import HandshakeRefused, accept
from gateway.websocket.request import Request, read_plain_get
from gateway.wire.control import read_control
from gateway.wire.errors import (
    ControlError,
    FrameError,
    NamespacesError,
    PayloadError,
    TokenError,
)
from gateway.wire.messages import publication_frame, read_client_frame, read_publication
from gateway.wire.namespaces import read_namespaces
from gateway.wire.records import read_session, read_user
from gateway.wire.tokens import GrantSigner, TokenSigner

LIMIT_BYTES = 4096

_tokens = TokenSigner(["a-key-for-tests-only-0123456789abcdef"])
_grants = GrantSigner(["a-key-for-tests-only-0123456789abcdef"])
_origins = OriginPolicy(["https://www.example.com"])
_proxies = ProxyPolicy(["10.0.0.0/8", "::1"])

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


def _websocket(data: bytes) -> list[object]:
    return list(FrameReader(LIMIT_BYTES, inflate).feed(data))


def _handshake(data: bytes) -> bytes:
    fields = (data.decode("latin-1") + "\n" * 4).split("\n")
    names = ("connection", "sec-websocket-version", "sec-websocket-key")
    headers = dict(zip(names, fields, strict=False))
    return accept(Request("GET", "/", "HTTP/1.1", headers))


def _form(data: bytes) -> list[str]:
    return read_messages(parse_qs(data, keep_blank_values=True).get(b"d", [b""])[-1])


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
    "websocket": (_websocket, (FrameFailure,)),
    "close": (read_close, (FrameFailure,)),
    "inflate": (lambda data: inflate(data, LIMIT_BYTES), (FrameFailure,)),
    "handshake": (_handshake, (HandshakeRefused,)),
    "plain_get": (read_plain_get, ()),
    "extensions": (lambda data: is_offered(data.decode("latin-1")), ()),
    "xhr_send": (read_messages, (Malformed, Misused)),
    "jsonp_send": (_form, (Malformed, Misused, ValueError)),
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

    atheris.instrument_all()
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
