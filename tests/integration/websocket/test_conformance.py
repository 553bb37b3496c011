"""A running gateway and RFC 6455, in the families of the Autobahn test suite.

Autobahn expects an echo. Here the text is the ``id`` of a ``ping``, and its echo the ``reply_to``
of the ``pong``.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain

import pytest
from redis import Redis

from tests.integration.gatewayprocess import Django, Gateway
from tests.integration.websocket.rawclient import (
    BINARY,
    CLOSE,
    DEFLATED,
    FIRST,
    LAST,
    MIDDLE,
    PING,
    PONG,
    TEXT,
    RawClient,
    fragments,
    frame,
)

pytestmark = pytest.mark.integration

LIMIT_BYTES = 128 * 1024
PATHS = {"rawwebsocket": "/realtime/websocket", "websocket": "/realtime/000/conformance/websocket"}
GREEK = "κόσμε €𤭢"
DEFLATE = "permessage-deflate"

Open = Callable[..., RawClient]


@pytest.fixture(scope="module")
def gateway(redis_server, tmp_path_factory) -> Iterator[Gateway]:
    gateway = Gateway(
        redis_server.connection_url,
        tmp_path_factory.mktemp("conformance") / "log",
        compression="yes",
        max_frame=LIMIT_BYTES,
        max_frames_per_second=100_000,
    )
    yield gateway.start()
    gateway.stop()


@pytest.fixture(scope="module")
def token(redis_server) -> Iterator[str]:
    with Redis.from_url(redis_server.connection_url) as redis:
        yield Django(redis).log_in("conformance")


@pytest.fixture(params=list(PATHS))
def dial(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open a WebSocket."""
    with ExitStack() as stack:
        yield lambda offer="": stack.enter_context(
            RawClient(gateway.port, PATHS[request.param], offer)
        )


@pytest.fixture
def welcomed(dial: Open, token: str) -> Open:
    """Open a WebSocket, and show a token on it."""

    def open_client(offer: str = "") -> RawClient:
        client = dial(offer)
        client.send(frame(TEXT, client.message({"type": "connect", "token": token})))
        assert client.read_message()["type"] == "connected"
        return client

    return open_client


def ping_of(client: RawClient, text: str) -> bytes:
    return client.message({"type": "ping", "id": text})


def assert_echo(client: RawClient, text: str) -> None:
    assert client.read_message() == {"type": "pong", "reply_to": text}


def deflated(payload: bytes, bits: int = 15) -> bytes:
    """Compress a message with a window of so many bits."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -bits)
    data = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(b"\x00\x00\xff\xff")


class TestFraming:
    """Family 1."""

    @pytest.mark.parametrize("size", [0, 1, 64, 65, 66, 67, 68, 65_535, 65_536])
    def test_text_of_every_length_is_read(self, welcomed, size):
        client = welcomed()
        text = "*" * size
        client.send(frame(TEXT, ping_of(client, text)))
        assert_echo(client, text)

    @pytest.mark.parametrize("chop", [1, 7, 997])
    def test_text_in_many_packets_is_read(self, welcomed, chop):
        client = welcomed()
        client.send(frame(TEXT, ping_of(client, "*" * 3000)), chop=chop)
        assert_echo(client, "*" * 3000)

    def test_empty_text_is_ignored(self, welcomed):
        client = welcomed()
        client.send(frame(TEXT), frame(TEXT, ping_of(client, "")))
        assert_echo(client, "")

    def test_binary_message_is_a_protocol_error_of_ours(self, dial):
        client = dial()
        client.send(frame(BINARY, b"\x00\xfe"))
        assert client.read_close() == 4501


class TestPings:
    """Family 2."""

    @pytest.mark.parametrize("chop", [0, 1])
    @pytest.mark.parametrize("payload", [b"", b"Hello", b"\x00\xff\xfe", b"\xfe" * 125])
    def test_ping_is_answered_with_its_payload(self, dial, payload, chop):
        client = dial()
        client.send(frame(PING, payload), chop=chop)
        assert client.read_frame() == (PONG, payload)

    def test_pings_are_answered_in_their_order(self, dial):
        client = dial()
        client.send(*[frame(PING, b"%d" % number) for number in range(10)])
        assert [client.read_frame()[1] for _ in range(10)] == [b"%d" % n for n in range(10)]

    def test_pong_without_a_ping_is_ignored(self, dial):
        client = dial()
        client.send(frame(PONG), frame(PONG, b"unsolicited"), frame(PING, b"x"))
        assert client.read_frame() == (PONG, b"x")


BROKEN = {
    # Family 2
    "ping of 126 bytes": [frame(PING, b"\xfe" * 126)],
    # Family 3
    **{f"reserved bits {n} on a text": [frame(TEXT | n << 4, b"x")] for n in range(1, 8)},
    **{f"reserved bits {n} on a ping": [frame(PING | n << 4)] for n in range(1, 8)},
    "reserved bits on a close": [frame(CLOSE | 0x70)],
    # Family 4
    **{f"opcode {n}": [frame(0x80 | n)] for n in chain(range(3, 8), range(11, 16))},
    **{f"opcode {n} with data": [frame(0x80 | n, b"data")] for n in (7, 15)},
    # Family 5
    "ping in fragments": [frame(PING & 0x7F, b"a"), frame(LAST, b"b")],
    "pong in fragments": [frame(PONG & 0x7F, b"a"), frame(LAST, b"b")],
    "close in fragments": [frame(CLOSE & 0x7F)],
    "final continuation of nothing": [frame(LAST, b"x")],
    "continuation of nothing": [frame(MIDDLE, b"x"), frame(TEXT, b"x")],
    "text within a fragmented text": [frame(FIRST, b"x"), frame(TEXT, b"y")],
    "fragment of another text": [frame(FIRST, b"x"), frame(MIDDLE, b"y"), frame(FIRST, b"z")],
    "compressed continuation": [frame(FIRST, b"x"), frame(LAST | DEFLATED, b"y")],
    # Family 7
    "close of one byte": [frame(CLOSE, b"\x03")],
    "close of 126 bytes": [frame(CLOSE, b"\x03\xe8" + b"*" * 124)],
    **{
        f"close with {code}": [frame(CLOSE, code.to_bytes(2))]
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
    # Sections 5.1 and 5.2
    "no mask": [b"\x81\x01x"],
    "length in more bytes than needed": [b"\x81\xfe\x00\x01\0\0\0\0x"],
}


class TestProtocolErrors:
    """Families 2 to 5 and 7: what section 7.1.7 ends with 1002."""

    @pytest.mark.parametrize("frames", BROKEN.values(), ids=list(BROKEN))
    def test_broken_frame_is_closed_with_1002(self, dial, frames):
        client = dial()
        client.send(*frames)
        assert client.read_close() == 1002

    @pytest.mark.parametrize("chop", [0, 1])
    def test_what_came_before_is_answered(self, welcomed, chop):
        client = welcomed()
        client.send(
            frame(TEXT, ping_of(client, "before")), frame(PING, b"x"), frame(0x85), chop=chop
        )
        assert_echo(client, "before")
        assert client.read_frame() == (PONG, b"x")
        assert client.read_close() == 1002


class TestFragmentation:
    """Families 5 and 10."""

    @pytest.mark.parametrize("chop", [0, 1, 5])
    def test_pings_between_fragments_are_answered_first(self, welcomed, chop):
        client = welcomed()
        parts = fragments(ping_of(client, "fragment" * 8), 30)
        client.send(*chain(*((part, frame(PING, b"between")) for part in parts[:-1])), chop=chop)
        for _ in parts[:-1]:
            assert client.read_frame() == (PONG, b"between")
        client.send(parts[-1], chop=chop)
        assert_echo(client, "fragment" * 8)

    def test_empty_fragments_add_nothing(self, welcomed):
        client = welcomed()
        whole = ping_of(client, "x")
        client.send(frame(FIRST), frame(MIDDLE, whole), frame(MIDDLE), frame(LAST))
        assert_echo(client, "x")

    def test_message_in_frames_of_1300_bytes_is_read(self, welcomed):
        client = welcomed()
        client.send(*fragments(ping_of(client, "*" * 65_536), 1300))
        assert_echo(client, "*" * 65_536)


class TestUtf8:
    """Family 6."""

    @pytest.mark.parametrize("size", [1, 2, 3, 1000])
    def test_text_is_read_wherever_it_is_cut(self, welcomed, size):
        client = welcomed()
        client.send(*fragments(ping_of(client, GREEK), size))
        assert_echo(client, GREEK)

    @pytest.mark.parametrize("character", ["\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff"])
    def test_first_and_last_characters_of_a_length_are_read(self, welcomed, character):
        client = welcomed()
        client.send(frame(TEXT, ping_of(client, character)))
        assert_echo(client, character)

    @pytest.mark.parametrize("character", ["\ue000", "\ufffd", "\ufffe", "\uffff", "\U0010ffff"])
    def test_noncharacters_are_read(self, welcomed, character):
        client = welcomed()
        client.send(frame(TEXT, ping_of(client, character)))
        assert_echo(client, character)

    @pytest.mark.parametrize(
        "content",
        [
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\x80",
            b"\xbf\x80",
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\x80",
            b"\xce",
            b"\xfe\xff",
        ],
        ids=bytes.hex,
    )
    @pytest.mark.parametrize("size", [1, 1000])
    def test_text_that_is_not_utf8_is_closed_with_1007(self, dial, content, size):
        client = dial()
        client.send(*fragments(content, size))
        assert client.read_close() == 1007

    def test_binary_fragments_need_not_be_utf8(self, dial):
        client = dial()
        client.send(*fragments(b"\xce\xff", 1, BINARY & 0x7F))
        assert client.read_close() == 4501


class TestClose:
    """Family 7."""

    @pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1010, 1014, 3000, 3999, 4999])
    def test_valid_code_is_echoed(self, dial, code):
        client = dial()
        client.send(frame(CLOSE, code.to_bytes(2) + b"*" * 123))
        assert client.read_close() == code

    def test_close_without_a_code_is_echoed(self, dial):
        client = dial()
        client.send(frame(CLOSE))
        assert client.read_close() == 1005

    def test_reason_that_is_not_utf8_is_closed_with_1007(self, dial):
        client = dial()
        client.send(frame(CLOSE, b"\x03\xe8\xce\xba\xed\xa0\x80"))
        assert client.read_close() == 1007

    def test_nothing_is_answered_after_a_close(self, welcomed):
        client = welcomed()
        client.send(
            frame(CLOSE, b"\x03\xe8"), frame(PING), frame(TEXT, ping_of(client, "x")), frame(CLOSE)
        )
        assert client.read_close() == 1000

    def test_fragment_before_a_close_is_dropped(self, welcomed):
        client = welcomed()
        client.send(frame(FIRST, ping_of(client, "x")), frame(CLOSE, b"\x03\xe8"))
        assert client.read_close() == 1000


class TestLimits:
    """Family 9, scaled to ``max_frame``. The code is ours, not 1009 (docs/protocol.md)."""

    @pytest.mark.parametrize("size", [64, 4096, 1_000_000])
    def test_message_of_full_length_is_read(self, welcomed, size):
        client = welcomed()
        text = "*" * (LIMIT_BYTES - len(ping_of(client, "")))
        client.send(*fragments(ping_of(client, text), size))
        assert_echo(client, text)

    @pytest.mark.parametrize("size", [64, 1_000_000])
    def test_longer_message_is_closed_with_4502(self, dial, size):
        client = dial()
        client.send(*fragments(b"*" * (LIMIT_BYTES + 1), size))
        assert client.read_close() == 4502

    def test_message_that_is_longer_decompressed_is_closed_with_4502(self, dial):
        client = dial(DEFLATE)
        client.send(frame(TEXT | DEFLATED, deflated(b"*" * (LIMIT_BYTES + 1))))
        assert client.read_close() == 4502


class TestCompression:
    """Families 12 and 13."""

    @pytest.mark.parametrize(
        "offer",
        [
            DEFLATE,
            f"{DEFLATE}; client_no_context_takeover",
            f"{DEFLATE}; server_no_context_takeover; client_max_window_bits",
            f"{DEFLATE}; client_max_window_bits=9",
            f"{DEFLATE}; server_max_window_bits=9, {DEFLATE}; client_max_window_bits=15",
        ],
    )
    def test_offer_is_accepted_without_context_takeover(self, dial, offer):
        expected = f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover"
        assert dial(offer).extensions == expected

    def test_offer_of_the_full_window_is_accepted(self, dial):
        client = dial(f"{DEFLATE}; server_max_window_bits=15")
        assert client.extensions.endswith("; server_max_window_bits=15")

    def test_offer_that_limits_the_gateway_s_window_is_declined(self, welcomed):
        client = welcomed(f"{DEFLATE}; server_max_window_bits=9")
        assert client.extensions == ""
        client.send(frame(TEXT, ping_of(client, "*" * 1000)))
        assert client.read_frame()[0] == TEXT

    @pytest.mark.parametrize("bits", [9, 12, 15])
    @pytest.mark.parametrize("size", [16, 32_768])
    @pytest.mark.parametrize("fragment", [256, 1_000_000])
    def test_compressed_message_is_read(self, welcomed, bits, size, fragment):
        client = welcomed(f"{DEFLATE}; client_max_window_bits={bits}")
        text = (GREEK * size)[:size]
        message = deflated(ping_of(client, text), bits)
        for _ in "twice":
            client.send(*fragments(message, fragment, FIRST | DEFLATED))
            assert_echo(client, text)

    def test_long_answer_is_compressed_and_a_short_one_is_not(self, welcomed):
        client = welcomed(DEFLATE)
        for text, first in (("*" * 1000, TEXT | DEFLATED), ("*", TEXT)):
            client.send(frame(TEXT, ping_of(client, text)))
            assert client.read_frame()[0] == first

    def test_uncompressed_message_may_precede_a_compressed_one(self, welcomed):
        client = welcomed(DEFLATE)
        client.send(frame(TEXT, ping_of(client, "plain")))
        client.send(frame(TEXT | DEFLATED, deflated(ping_of(client, "compressed"))))
        assert_echo(client, "plain")
        assert_echo(client, "compressed")

    @pytest.mark.parametrize("frames", [[frame(PING | DEFLATED)], [frame(CLOSE | DEFLATED)]])
    def test_compressed_control_frame_is_closed_with_1002(self, dial, frames):
        client = dial(DEFLATE)
        client.send(*frames)
        assert client.read_close() == 1002

    @pytest.mark.parametrize("payload", [b"\xff\xff\xff", deflated(b"cut off" * 20)[:-8]])
    def test_message_that_is_not_compressed_data_is_closed_with_1007(self, dial, payload):
        client = dial(DEFLATE)
        client.send(frame(TEXT | DEFLATED, payload))
        assert client.read_close() == 1007
