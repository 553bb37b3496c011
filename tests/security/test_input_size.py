"""Every parser of outside input: twice the size costs at most 2.5 times the work.

A parser whose work grows with the square of its input lets a stranger stop a worker with one
request. The work is the CPU time of this thread, the least of many repetitions, over four
doublings: 39 times the work is allowed, and a square costs 256 times.
"""

from collections.abc import Callable
from contextlib import suppress
from time import thread_time

import pytest
from sockgate_gateway.errors import GatewayError
from sockgate_gateway.http.origins import OriginPolicy
from sockgate_gateway.http.plain_request import Request, read_plain_request
from sockgate_gateway.http.proxies import ProxyPolicy
from sockgate_gateway.http.refusal_log import RefusalLog
from sockgate_gateway.http.request_head import check_head, lists_token
from sockgate_gateway.sockjs import payload
from sockgate_gateway.sockjs.binding import Binding, is_secret
from sockgate_gateway.websocket import deflate
from sockgate_gateway.websocket.frames import FrameReader
from sockgate_gateway.websocket.framing import RAW, SOCKJS
from sockgate_gateway.websocket.handshake import accept_handshake
from sockgate_gateway.wire import control, names, namespaces, presence, protocol, records
from sockgate_gateway.wire.errors import WireError
from sockgate_gateway.wire.publication import read_publication
from sockgate_gateway.wire.surrogates import replace_lone_surrogates
from sockgate_gateway.wire.tokens import GrantSigner, TokenSigner
from tornado.httputil import HTTPHeaders, RequestStartLine

DOUBLINGS = 4
ALLOWED = 2.5**DOUBLINGS
SMALL = 3000
"""Bytes of the smaller input; the larger one is what a head may have, 48 KB."""
REPETITIONS = 12
NOISE_S = 0.0005
"""Less than that is no attack at any size, and is not compared."""

POLICY = OriginPolicy(["https://*.example.com", "https://site.example"])
PROXIES = ProxyPolicy(["10.0.0.0/8", "fd00::/8"])
REFUSALS = RefusalLog(["https://site.example"], "/realtime")
LINE = RequestStartLine("GET", "/realtime/info", "HTTP/1.1")
HEADERS = ("Host", "Origin", "Connection", "Content-Length", "Sec-WebSocket-Key", "Expect")
KEY = "k" * 32
MASKED = b"\x81\xfe"


def head(name: str, text: str) -> None:
    headers = HTTPHeaders({"Host": "site.example"})
    headers[name] = text
    check_head(LINE, headers, 1000)


def handshake(name: str, text: str) -> None:
    headers = {"connection": "upgrade", "sec-websocket-version": "13", name: text}
    accept_handshake(Request("GET", "/", "HTTP/1.1", headers))


def frames_of(fragment: int, data: str) -> None:
    """Read a message byte by byte, or fragment by fragment."""
    raw = data.encode()
    reader = FrameReader(1 << 20)
    for at in range(0, len(raw), fragment):
        part = raw[at : at + fragment]
        first = (0x01 if at == 0 else 0x00) | (0x80 if at + fragment >= len(raw) else 0)
        list(reader.feed(bytes((first, 0x80 | len(part))) + bytes(4) + part))


def split_frame(data: str) -> None:
    reader = FrameReader(1 << 20)
    raw = MASKED + len(data).to_bytes(2) + bytes(4) + data.encode()
    for at in range(0, len(raw), 7):
        list(reader.feed(raw[at : at + 7]))


def connect(recover: str) -> None:
    protocol.read_client_frame('{"type":"connect","token":"t","recover":{' + recover + "}}")


def as_json(text: str) -> str:
    return '{"type":"publish","channel":"a:b","event":"client-x","data":"' + text + '"}'


Parser = Callable[[str], object]

INPUTS: dict[str, tuple[str, Parser]] = {
    "origin of labels": ("a.", lambda t: POLICY.allows(f"https://{t}example.org", "")),
    "origin of ports": (":1", lambda t: POLICY.allows(f"https://a{t}", "")),
    "origin of brackets": ("[", lambda t: POLICY.allows(f"https://{t}", "")),
    "referer of labels": ("a.", lambda t: POLICY.allows(None, "", f"https://{t}x/")),
    "referer with a path": ("a/", lambda t: POLICY.allows(None, "", f"https://x.example/{t}")),
    "fetch site": (" ", lambda t: POLICY.allows(None, "", None, t)),
    "own host": ("a.", lambda t: POLICY.allows("https://x", f"https://{t}")),
    "forwarded for": ("10.0.0.1,", lambda t: PROXIES.client_of("10.0.0.1", "http", forwarded(t))),
    "forwarded commas": (",", lambda t: PROXIES.client_of("10.0.0.1", "http", forwarded(t))),
    "forwarded colons": ("f:", lambda t: PROXIES.client_of("10.0.0.1", "http", forwarded(t))),
    "refused origin": ("a.", lambda t: REFUSALS.log_origin(f"https://{t}x", "::1")),
    "refused path": ("/a", lambda t: REFUSALS.log_path(t, "::1")),
    "upgrade": ("a,", lambda t: lists_token(t, "websocket")),
    **{f"head {name}": ("1,", lambda t, name=name: head(name, t)) for name in HEADERS},
    "head host of escapes": ("%41", lambda t: head("Host", t)),
    "head absolute target": (
        "a%41",
        lambda t: check_head(LINE._replace(path=f"http://{t}"), HTTPHeaders({"Host": "a"}), 9),
    ),
    "handshake key": ("A", lambda t: handshake("sec-websocket-key", t)),
    "handshake version": (" ", lambda t: handshake("sec-websocket-version", t)),
    "handshake connection": (",", lambda t: handshake("connection", t)),
    "plain get of fields": (
        "a: b\r\n",
        lambda t: read_plain_request(f"GET / HTTP/1.1\r\n{t}\r\n".encode()),
    ),
    "plain get of spaces": (
        " ",
        lambda t: read_plain_request(f"GET / HTTP/1.1\r\na: b{t}".encode()),
    ),
    "plain get without an end": (
        "a: b\r\n",
        lambda t: read_plain_request(f"GET / HTTP/1.1\r\n{t}x".encode()),
    ),
    "extensions": ("permessage-deflate; x,", deflate.negotiate),
    "extensions of spaces": (" ", lambda t: deflate.negotiate(f"permessage-deflate{t};{t}=")),
    "compressed blocks": ("\x03\x00", lambda t: deflate.inflate(t.encode(), 1 << 20)),
    "frame in pieces": ("a", split_frame),
    "message of fragments": ("a", lambda t: frames_of(3, t)),
    "sockjs message": ('"a",', lambda t: SOCKJS.decode(f'[{t}"a"]')),
    "raw message": ("a", RAW.decode),
    "payload": ('"a",', lambda t: payload.read_messages(f'[{t}"a"]'.encode())),
    "payload of brackets": ("[", lambda t: payload.read_messages(t.encode())),
    "payload of the wrong kind": ("1,", lambda t: payload.read_messages(f"[{t}1]".encode())),
    "secret": ("a", is_secret),
    "secret of a frame": ("\\ud800", lambda t: payload.read_secret('{"secret":"' + t + '"}')),
    "ticket": ("0", lambda t: Binding.of_ticket(f"1-{t}")),
    "frame": ("a", lambda t: protocol.read_client_frame(as_json(t))),
    "frame of lone surrogates": ("\\ud800", lambda t: protocol.read_client_frame(as_json(t))),
    "frame of backslashes": ("\\\\", lambda t: protocol.read_client_frame(as_json(t))),
    "frame of brackets": ("[", protocol.read_client_frame),
    "surrogates": ("\\u", replace_lone_surrogates),
    "recover": ('"c":["e",1],', lambda t: connect(t + '"d":["e",1]')),
    "token": (".", lambda t: TokenSigner((KEY,)).read(t, 60)),
    "token of a payload": ("A", lambda t: TokenSigner((KEY,)).read(f"{t}.aaaaaa.bbbb", 60)),
    "compressed token": ("A", lambda t: TokenSigner((KEY,)).read(f".{t}.aaaaaa.bbbb", 60)),
    "grant": ("A.", lambda t: GrantSigner((KEY,)).read(t, 60)),
    "channel": ("a:", names.check_channel),
    "qualified channel": ("a\x1f", names.check_qualified_channel),
    "group": ("é", names.group_channel),
    "publication": ("a", lambda t: read_publication(f'"{t}"'.encode())),
    "publication of text": ("é", lambda t: read_publication(t.encode())),
    "publication of lone surrogates": ("\\ud800", lambda t: read_publication(f'"{t}"'.encode())),
    "publication of signs": ("#", lambda t: read_publication(f"#{t}1".encode())),
    "publication of colons": (":", lambda t: read_publication(f"#{t}#1".encode())),
    "publication of digits": ("9", lambda t: read_publication(f"#e:{t}#1".encode())),
    "control": ("[", lambda t: control.read_control(t.encode())),
    "policies": ('"a":{},', lambda t: namespaces.read_namespaces("{" + t[:-1] + "}")),
    "presence data": ('{"a":1},', lambda t: presence.split_pages(t[:-1].encode())),
    "presence object": ("{", lambda t: presence.is_data(t.encode())),
    "user record": ('"a",', lambda t: records.read_user({"channels": f'[{t}"a"]'.encode()})),
}
"""By name: what is repeated, and the parser."""


def forwarded(text: str) -> dict[str, str]:
    return {"x-forwarded-for": text, "x-forwarded-proto": text}


def work_s(parse: Parser, text: str) -> float:
    """Return the CPU time of one call, the least of many."""
    best = float("inf")
    for _ in range(REPETITIONS):
        began_at = thread_time()
        with suppress(GatewayError, WireError, ValueError):
            parse(text)
        best = min(best, thread_time() - began_at)
    return best


def grows_too_fast(part: str, parse: Parser) -> bool:
    small = part * (SMALL // len(part))
    work_s(parse, small)  # Regular expressions and tables are built.
    large_s = work_s(parse, small * 2**DOUBLINGS)
    return large_s > NOISE_S and large_s > ALLOWED * work_s(parse, small)


@pytest.mark.parametrize("name", INPUTS)
def test_twice_the_input_costs_at_most_two_and_a_half_times_the_work(name):
    part, parse = INPUTS[name]
    assert not grows_too_fast(part, parse)


def test_a_parser_whose_work_grows_with_the_square_is_found():
    def search_each_label(text: str) -> None:
        host = text
        while host:
            _, _, host = host.partition(".")

    assert grows_too_fast("a.", search_each_label)
