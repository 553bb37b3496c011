"""``manage.py sockgate_why`` tells, on the real gateway, why a user did not get something."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from sockgate import publish, publish_to, revoke_channel
from sockgate.channels.inspection import denials
from sockgate.client import RequestRejected, State
from sockgate.conf import current
from sockgate.redis_clients import pools
from sockgate.tenants import sid_of
from sockgate.testing import Realtime
from sockgate.testing.servers import PAGE_ORIGIN
from websockets.sync.client import ClientConnection, connect

from tests.waiting import PATIENCE_S, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_realtime_servers"),
]

ROOM = "room:7"
PAGE = "/page/"


@pytest.fixture(autouse=True)
def site(settings: Any) -> Any:
    settings.ROOT_URLCONF = "tests.integration.sockgate.testing.site_urls"
    settings.SOCKGATE = {
        **settings.SOCKGATE,
        "AUTHORIZE": lambda request, channel: channel.startswith("room:"),
        "NAMESPACES": {"room": {"history": 10}},
    }
    return settings


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def why(**options: Any) -> str:
    out = StringIO()
    call_command("sockgate_why", user="alice", stdout=out, **options)
    return out.getvalue()


def assert_told(text: str, *sentences: str) -> None:
    """Check that sentences occur in this order."""
    pattern = ".*".join(f"(?:{sentence})" for sentence in sentences)
    assert re.search(pattern, text, re.DOTALL), text


@contextmanager
def raw_tab(realtime: Realtime, user: User) -> Iterator[ClientConnection]:
    """A WebSocket of a user that sends and reads what the test says."""
    browser = Client()
    browser.force_login(user)
    token = browser.post("/realtime/token/").json()["token"]
    url = realtime.url.replace("http", "ws", 1) + "/websocket"
    with connect(url, origin=PAGE_ORIGIN, max_queue=1, max_size=None, close_timeout=0) as tab:
        tab.send(json.dumps({"type": "connect", "token": token}))
        assert json.loads(tab.recv(PATIENCE_S))["type"] == "connected"
        yield tab


def told(*sentences: str, **options: Any) -> Callable[[], bool]:
    """Return a check, for waiting, that all sentences are told by now."""
    return lambda: all(re.search(one, why(**options)) for one in sentences)


def test_logout_is_told_with_its_connection(realtime: Realtime, alice: User) -> None:
    tab = realtime.tab(alice, PAGE)
    tab.logout()
    tab.assert_closed(4500, within=PATIENCE_S)
    text = why()
    assert_told(
        text,
        r"alice \(pk \d+\), since .* UTC; 1 worker answered\.",
        r"Connection (\S+) opened from 127\.0\.0\.1 over rawwebsocket by .*, at worker 0 of ",
        r"Connection \1 was closed by the gateway after \d+ s: 4500, Django ended the session\.",
        r"Now:",
        r"The user has no open connection\.",
        r"Redis has no session of the user",
    )


def test_user_who_never_connected_has_no_story(realtime: Realtime, alice: User) -> None:
    realtime.tab(User.objects.create_user("bob"), PAGE)
    publish_to(f"user:{alice.pk}", "paid", sequenced=True)
    text = why()
    assert_told(
        text,
        rf"Published on user:{alice.pk} at offset 1\. No connection of this user",
        r"no open connection, and no worker remembers one",
        r"nobody is logged in",
        r"Redis has no record of the user",
    )
    assert "opened" not in text


def test_slow_reader_is_told_with_the_setting(realtime: Realtime, alice: User) -> None:
    with raw_tab(realtime, alice):
        wait_until(
            lambda: publish(alice, "much", "x" * 60_000, on_commit=False) == 0,
        )
        assert_told(
            why(),
            r"closed by the gateway after \d+ s: 3004, \d+ bytes unread\. .*SOCKGATE_MAX_OUTBOX\.",
        )


def test_gap_after_a_lost_link_is_told_with_its_cause(realtime: Realtime, alice: User) -> None:
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    publish_to(ROOM, "said", 1)
    tab.assert_receives("said", within=PATIENCE_S)
    pools.records().execute_command("CLIENT", "KILL", "TYPE", "PUBSUB")
    tab.assert_gap(ROOM, within=PATIENCE_S)
    text = why(channel=ROOM)
    assert_told(
        text,
        r"Connection (\S+) opened",
        r"Published on room:7 at offset 1\. Connection \1 has got beyond it\.",
        r"The link to Redis was lost at worker 0 of \S+ \(.+\)\. Nothing arrives",
        r"The link to Redis is up",
        r"Gap on room:7 \(plain\) for connection \1: plain publications may have been missed",
        r"Now:",
        r"Connection \1 is open .* On room:7 at offset 1",
        r"room:7 is at offset 1 in Redis",
    )
    assert f"Gap on user:{alice.pk}" not in text
    assert f"Gap on user:{alice.pk}" in why()


def test_refused_and_revoked_channels_are_told(realtime: Realtime, alice: User) -> None:
    with raw_tab(realtime, alice) as refused:
        refused.send(json.dumps({"type": "subscribe", "id": 1, "channel": "orders:9"}))
        assert json.loads(refused.recv(PATIENCE_S))["type"] == "error"
        tab = realtime.tab(alice, PAGE)
        tab.subscribe(ROOM, within=PATIENCE_S)
        revoke_channel(alice, ROOM)
        wait_until(told("room:7 was taken from connection"))
        assert_told(
            why(),
            r"A request of connection \S+ on orders:9 was refused: not_allowed, no valid grant\.",
            r"room:7 was taken from connection \S+: the right was taken away\.",
        )
        assert "orders:9" not in why(channel=ROOM)


def test_channel_that_authorize_denies_is_told(realtime: Realtime, alice: User) -> None:
    tab = realtime.tab(alice, PAGE)
    for number in range(2 * denials.MAX_EACH):
        with pytest.raises(RequestRejected):
            tab.subscribe(f"orders:{number}", within=PATIENCE_S)
    last = 2 * denials.MAX_EACH - 1
    text = why()
    assert f"Django denied orders:{last} to the user: AUTHORIZE refused it." in text
    assert text.count("Django denied") == denials.MAX_EACH
    assert why(channel=f"orders:{last}").count("Django denied") == 1
    assert "Django denied" not in why(channel=ROOM)


def test_evicted_session_is_told(realtime: Realtime, alice: User) -> None:
    tab = realtime.tab(alice, PAGE)
    sid = sid_of(tab.client.session.session_key)
    pools.records().delete(current().names.session(sid))
    pools.records().execute_command("CLIENT", "KILL", "TYPE", "PUBSUB")
    wait_until(told(r"4402, Redis has no such session", r"1 session that should live until"))
    assert_told(why(), r"has no record in Redis\. It was deleted by another program, or Redis")


def test_recovery_after_an_outage_is_told(realtime: Realtime, alice: User) -> None:
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    with realtime.outage():
        tab.assert_state(State.WAITING, within=PATIENCE_S)
        publish_to(ROOM, "said", "in the outage")
    tab.assert_receives("said", "in the outage", within=PATIENCE_S)
    assert_told(
        why(channel=ROOM),
        r"Published on room:7 at offset 1\. No connection of this user was on it",
        r"Connection \S+ went on with room:7 after offset 0, and received 1 publication that",
        r"started at .* and knows nothing from before",
    )


def test_silent_worker_is_named(realtime: Realtime, alice: User) -> None:
    names = current().names
    pools.records().sadd(names.workers, "gone")
    beat = '{"connections":1,"host":"web2","number":3,"pid":9}'
    pools.records().set(names.worker("gone"), beat, ex=60)
    try:
        assert "Worker 3 of web2 did not answer within 2 s." in why()
    finally:
        pools.records().srem(names.workers, "gone")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": "nobody"}, "There is no user 'nobody'"),
        ({"user": "alice", "channel": "a b"}, "channel"),
    ],
)
def test_wrong_argument_is_one_line(alice: User, options: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("sockgate_why", **options)


def test_wrong_time_is_refused() -> None:
    with pytest.raises(CommandError, match="10m"):
        call_command("sockgate_why", "--user", "alice", "--since", "soon")
