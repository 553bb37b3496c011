"""Every parser that a browser or a publisher can reach: only its own errors, whatever comes.

What is nearly right finds more than what is random, so most inputs are right ones with something
changed. ``fuzz.py`` runs the same parsers under atheris.
"""

import json
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sockgate_gateway.channels.history import HistoryReply
from sockgate_gateway.channels.history_queue import HistoryQueue
from sockgate_gateway.channels.pending_subscriptions import SingleSubscription
from sockgate_gateway.connections.batch import Batch, sockjs_array
from sockgate_gateway.http.origins import OriginPolicy
from sockgate_gateway.http.plain_request import Request
from sockgate_gateway.http.proxies import Client, ProxyPolicy
from sockgate_gateway.http.relay import relayed_head
from sockgate_gateway.http.responses import RequestRefused
from sockgate_gateway.sockjs.framing import script_string
from sockgate_gateway.sockjs.payload import read_messages
from sockgate_gateway.websocket.deflate import inflate, negotiate
from sockgate_gateway.websocket.frames import (
    FrameReader,
    Opcode,
    WebSocketProtocolError,
    encode,
    unmask,
)
from sockgate_gateway.websocket.handshake import accept_handshake
from sockgate_gateway.wire.contract import Connect, Subscribe
from sockgate_gateway.wire.errors import ChannelNameError, FrameError, PayloadError, TenantError
from sockgate_gateway.wire.names import (
    Names,
    check_channel,
    check_qualified_channel,
    group_channel,
    user_channel,
)
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.protocol import read_client_frame
from sockgate_gateway.wire.publication import (
    Publication,
    publication_frame,
    publication_head,
    read_publication,
)
from sockgate_gateway.wire.records import (
    SessionRecord,
    channels_of,
    is_valid_login,
    read_session,
    read_user,
)
from sockgate_gateway.wire.recover import check_recover
from sockgate_gateway.wire.tenants import check_tenant, tenant_of
from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine

from tests.security.fuzz import LIMIT_BYTES, SEEDS, TARGETS, ListeningBrowser, NoRedis
from tests.unit.gateway.fakes import new_hub, new_room

STRANGE = [b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"[" * 3000, b'{"a":' * 3000, b"9" * 400]
PIECES = SEEDS + STRANGE
PURELY_RANDOM = 0.2
FEW, INPUTS = 200, 100_000
"""Of each parser in the soak."""


@st.composite
def nearly_right(draw: Callable[..., Any]) -> bytes:
    """A seed, cut, repeated, spliced with another or with something strange."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, len(text)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)))
        text = text[:at] + piece + text[until:]
    return text


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.one_of(nearly_right(), st.binary(max_size=200)))
def test_parser_raises_only_its_own_errors(target: str, data: bytes) -> None:
    parse, allowed = TARGETS[target]
    with suppress(allowed):
        parse(data)


@given(st.lists(nearly_right(), max_size=4), st.lists(st.integers(0, 40), max_size=30))
def test_reader_reads_bytes_however_they_are_split(frames: list[bytes], cuts: list[int]) -> None:
    masked = [_masked(Opcode.TEXT, frame[:LIMIT_BYTES], b"\x01\x02\x03\x04") for frame in frames]
    stream = b"".join(masked)
    whole, pieces = FrameReader(LIMIT_BYTES), FrameReader(LIMIT_BYTES)
    expected = list(whole.feed(stream))
    assert [m.payload for m in expected] == [frame[:LIMIT_BYTES] for frame in frames]
    got, at = [], 0
    for cut in cuts:
        got += pieces.feed(stream[at : at + cut])
        at += cut
    assert got + list(pieces.feed(stream[at:])) == expected


def _masked(opcode: Opcode, payload: bytes, mask: bytes) -> bytes:
    head = bytearray(encode(opcode, payload))
    head[1] |= 0x80
    size = len(head) - len(payload)
    return bytes(head[:size]) + mask + unmask(payload, mask)


@given(st.binary(max_size=300), st.integers(1, 500))
def test_inflate_returns_no_more_than_the_limit(data: bytes, limit: int) -> None:
    with suppress(WebSocketProtocolError):
        assert len(inflate(data, limit)) <= limit


@given(nearly_right())
def test_publication_becomes_a_frame_that_every_transport_can_carry(raw: bytes) -> None:
    """Any payload of a publisher arrives as JSON, on one line, and cannot leave its script."""
    try:
        publication = read_publication(raw)
    except PayloadError:
        return
    frame = publication_frame(publication_head("room:7"), publication)
    json.loads(frame)
    array = sockjs_array(Batch((frame,)))
    assert json.loads(array[1:]) == [frame.decode()]
    assert not set(array) & set(b"\r\n")
    assert b"<" not in script_string(array)


@given(st.text(max_size=300))
def test_names_of_users_and_groups_are_channels_or_refused(name: str) -> None:
    for make in (user_channel, group_channel):
        try:
            channel = make(name)
        except (ChannelNameError, TenantError, UnicodeEncodeError):
            continue
        assert check_qualified_channel(channel) == channel
        assert "{" not in channel
        assert " " not in channel


FIELD = st.one_of(st.none(), st.binary(max_size=40), st.sampled_from([b"7", b"digest", b"a b"]))


@given(FIELD, FIELD, FIELD, FIELD)
@example(b"\x00\x1f", b"digest", b"digest", None)
def test_records_of_any_bytes_are_judged(user: Any, auth: Any, now: Any, channels: Any) -> None:
    session = read_session({"user": user, "auth": auth})
    record = read_user({"auth": now, "channels": channels})
    if is_valid_login(session, record) and session is not None and session.user:
        assert auth and now
        assert session.auth in (record.auth.split() if record else ())
        try:
            assert all(check_channel(channel) for channel in channels_of(session, record))
        except ChannelNameError:
            assert len(session.user) > 80
        except TenantError:
            with pytest.raises(TenantError):
                check_tenant(tenant_of(session.user))
    assert not is_valid_login(SessionRecord("7", ""), record)


HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60)


@given(
    st.sampled_from(["GET", "POST", "get"]),
    st.sampled_from(["HTTP/1.1", "HTTP/1.0"]),
    st.dictionaries(
        st.sampled_from(["connection", "sec-websocket-key", "sec-websocket-version", "upgrade"]),
        st.one_of(HEADER, st.sampled_from(["Upgrade", "13", "AAAAAAAAAAAAAAAAAAAAAA=="])),
    ),
)
def test_handshake_is_answered_without_an_injected_header(
    method: str, version: str, headers: dict[str, str]
) -> None:
    try:
        response = accept_handshake(Request(method, "/", version, headers))
    except RequestRefused as refused:
        response = refused.response()
    head = response.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = {line.partition(b":")[0].lower() for line in head[1:]}
    assert names <= {
        b"date",
        b"allow",
        b"upgrade",
        b"connection",
        b"sec-websocket-accept",
        b"sec-websocket-version",
        b"content-type",
        b"content-length",
        b"x-content-type-options",
        b"cache-control",
    }


NAME = st.sampled_from(
    ["X-Forwarded-For", "x-forwarded-proto", "Connection", "Cookie", "X_Real_Ip"]
)
HEADERS = st.lists(st.one_of(st.builds("{}: {}".format, NAME, HEADER), HEADER, st.just(" more")))


@given(HEADERS.map("\r\n".join), st.sampled_from(["http", "https"]))
def test_relayed_request_has_the_client_address_of_the_relay(text: str, scheme: str) -> None:
    """Whatever Tornado lets pass as headers, the sibling reads the same, and one client."""
    try:
        headers = HTTPHeaders.parse(text)
    except HTTPInputError:
        return
    start = RequestStartLine("POST", "/realtime/000/a/xhr", "HTTP/1.1")
    head = relayed_head(start, headers, Client("203.0.113.9", scheme)).decode("latin-1")
    first, _, rest = head.partition("\r\n")
    again = HTTPHeaders.parse(rest)
    assert first == "POST /realtime/000/a/xhr HTTP/1.1"
    assert again.get_list("X-Forwarded-For") == ["203.0.113.9"]
    assert again.get_list("X-Forwarded-Proto") == [scheme]
    assert again.get_list("Connection") == ["close"]
    ours = {"X-Forwarded-For", "X-Forwarded-Proto", "Connection", "X-Real-Ip"}
    assert [h for h in again.get_all() if h[0] not in ours] == [
        h for h in headers.get_all() if h[0] not in ours
    ]


OFFSET = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**53 - 1, 2**53, 2**63, 2**64, 10**400, -(10**400)]),
)


@given(st.dictionaries(st.sampled_from(["a", "b", ""]), st.tuples(st.text(max_size=8), OFFSET)))
def test_recover_of_any_number_is_read_or_refused(recover: dict[str, tuple[str, int]]) -> None:
    frame = json.dumps({"type": "connect", "token": "t", "recover": recover})
    try:
        asked = read_client_frame(frame)
    except FrameError:
        return
    assert isinstance(asked, Connect)
    assert {name: tuple(at) for name, at in asked.recover.items()} == recover


@given(st.text(max_size=3), OFFSET, st.lists(st.binary(max_size=4), max_size=4))
def test_client_with_any_position_recovers_or_receives_a_gap(
    epoch: str, offset: int, kept: list[bytes]
) -> None:
    """The channel is at the last kept publication; its epoch is ``e``."""
    browser = ListeningBrowser()
    queue = HistoryQueue()
    hub = new_hub(Names(), NoRedis(), 1000, lambda _: Policy(), queue=queue)
    asked = Subscribe("room:7", recover=(epoch, offset))
    room = new_room(browser.connection, 1000)
    join = SingleSubscription(browser.connection, "room:7", room, dict, asked)
    hub.subscribe(browser.connection, "room:7", join)
    (channel,) = queue.take(2)
    request = channel.history_request()
    assert request is not None
    assert request.after is None or 0 <= request.after < 2**53
    recent = tuple(Publication(b"1", "e", n + 1) for n in range(len(kept)))
    hub.apply_history(channel, HistoryReply(("e", len(kept)), recent))
    subscribed, *missed = map(json.loads, browser.frames)
    is_known = epoch == "e" and 0 <= offset <= len(kept)
    assert subscribed["recovered"] is is_known
    assert len(missed) == (len(kept) - offset if is_known else 0)


@given(
    st.one_of(OFFSET, st.sampled_from(["all", "", "x"]), st.text(max_size=3)),
    st.lists(st.binary(max_size=4), max_size=4),
    st.sampled_from(["none", "latest"]),
)
def test_newcomer_that_asks_for_anything_receives_the_newest_or_is_refused(
    recover: int | str, kept: list[bytes], state: str
) -> None:
    frame = json.dumps({"type": "subscribe", "channel": "room:7", "recover": recover})
    try:
        asked = read_client_frame(frame)
        assert isinstance(asked, Subscribe)
        check_recover([asked.recover] if asked.recover is not None else [])
    except FrameError:
        assert recover != "all"
        assert not (isinstance(recover, int) and 0 < recover <= 2**53)
        return
    browser, queue = ListeningBrowser(), HistoryQueue()
    hub = new_hub(Names(), NoRedis(), 1000, lambda _: Policy(state=state), queue=queue)
    room = new_room(browser.connection, 1000)
    join = SingleSubscription(browser.connection, "room:7", room, dict, asked)
    hub.subscribe(browser.connection, "room:7", join)
    (channel,) = queue.take(2)
    request = channel.history_request()
    count = len(kept) if recover == "all" else min(len(kept), int(recover))
    assert request is not None
    assert request.after == (-(2**53) if recover == "all" else -int(recover))
    recent = tuple(Publication(b"1", "e", n + 1) for n in range(len(kept)))
    hub.apply_history(channel, HistoryReply(("e", len(kept)), recent))
    subscribed, *newest = map(json.loads, browser.frames)
    assert (subscribed["recovered"], subscribed["offset"]) == (True, len(kept) - count)
    assert [frame["offset"] for frame in newest] == list(
        range(len(kept) - count + 1, len(kept) + 1)
    )


ADDRESS = st.one_of(st.ip_addresses().map(str), HEADER)


@given(st.lists(ADDRESS, max_size=5), ADDRESS, HEADER)
def test_untrusted_peer_cannot_forward_a_client_address(
    chain: list[str], peer: str, scheme: str
) -> None:
    headers = {"x-forwarded-for": ",".join(chain), "x-forwarded-proto": scheme}
    client = ProxyPolicy(()).client_of(peer, "http", headers)
    assert (client.address, client.scheme) == (peer, "http")


@given(st.lists(ADDRESS, max_size=5), st.ip_addresses(v=4).map(str))
def test_trusted_proxy_forwards_the_nearest_untrusted_address(
    chain: list[str], nearest: str
) -> None:
    policy = ProxyPolicy(["127.0.0.1"])
    headers = {"x-forwarded-for": ",".join([*chain, nearest])}
    client = policy.client_of("127.0.0.1", "http", headers)
    assert client.address == nearest or nearest == "127.0.0.1"
    assert client.scheme == "http"


@given(st.one_of(HEADER, st.text(max_size=60)), st.one_of(st.none(), HEADER))
def test_origin_is_allowed_only_when_named(origin: str, referer: str | None) -> None:
    policy = OriginPolicy(["https://www.example.com"])
    is_allowed = policy.allows(origin, "http://gateway.example", referer)
    if is_allowed:
        assert (
            origin.strip().lower().startswith(("https://www.example.com", "http://gateway.example"))
        )


@given(HEADER)
def test_extension_offers_are_read(offer: str) -> None:
    assert not negotiate(offer) or "permessage-deflate" in offer.lower()


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=4))
def test_messages_of_any_text_arrive(texts: list[str]) -> None:
    assert read_messages(json.dumps(texts).encode()) == texts


def mutated(random: Random) -> bytes:
    """Return what ``nearly_right`` or ``binary`` would, without Hypothesis: 50 times as fast."""
    if random.random() < PURELY_RANDOM:
        return random.randbytes(random.randint(0, 500))
    text = random.choice(SEEDS)
    for _ in range(random.randint(0, 3)):
        at = random.randint(0, len(text))
        until = random.randint(at, len(text))
        is_known = random.random() < 0.5
        piece = random.choice(PIECES) if is_known else random.randbytes(random.randint(0, 8))
        text = text[:at] + piece + text[until:]
    return text


@pytest.mark.parametrize("inputs", [FEW, pytest.param(INPUTS, marks=pytest.mark.soak)])
@pytest.mark.parametrize("target", TARGETS)
def test_parser_raises_only_its_own_errors_for_long(
    target: str, inputs: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "sockgate")  # Each dropped publication is logged.
    parse, allowed = TARGETS[target]
    seed = secrets.randbits(64)
    random = Random(seed)
    for _ in range(inputs):
        data = mutated(random)
        try:
            with suppress(allowed):
                parse(data)
        except Exception as error:
            error.add_note(f"{data!r} of seed {seed}")
            raise
