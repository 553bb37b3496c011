"""A connection follows its session: to its user, to another key, to other rights and ends."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from redis import Redis
from sockgate import publish, publish_to
from sockgate_gateway.wire.names import Names, sid_of

from tests.e2e.tabs import TABS
from tests.security.conftest import AUDIT_S, StartGateway
from tests.security.gateways import Gateway
from tests.security.test_ends import lost_control
from tests.security.visits import PASSWORD, Tabs, Visit, visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

NAMES = Names()
ENGINES = ("redis", "db", "cached_db")
NEW_PASSWORD = "a-second-password-2"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, site: Any) -> str:
    site.SESSION_ENGINE = f"sockgate.sessions.{request.param}"
    return str(request.param)


def test_login_of_a_visitor_makes_the_connection_that_of_the_user(
    engine: str, site: Any, alice: User, tabs: Tabs
) -> None:
    site.SOCKGATE = {**site.SOCKGATE, "ANONYMOUS": True}
    visitor = Visit(alice, Client())
    opened = tabs.open_all(visitor.token())
    form = {"username": "alice", "password": PASSWORD}
    assert visitor.client.post("/accounts/login/", form).status_code == 302
    for watched in opened:
        watched.show(visitor.token())
        watched.wait_for(type="refreshed", user=str(alice.pk))
        watched.wait_for(type="subscribed", channel=f"user:{alice.pk}")
    publish(alice, "news", "for alice")
    for watched in opened:
        watched.wait_for(channel=f"user:{alice.pk}")
        assert watched.close is None


@pytest.mark.parametrize("kind", ["db", "cached_db"])
def test_switch_from_djangos_own_engine_keeps_all_logins(
    site: Any, alice: User, tabs: Tabs, redis: Redis, kind: str
) -> None:
    """One setting changes; the browser shows the cookie that it had, and is followed from then."""
    site.SESSION_ENGINE = f"django.contrib.sessions.backends.{kind}"
    visitor = visit(alice)
    key = visitor.session_key
    redis.flushall()
    site.SESSION_ENGINE = f"sockgate.sessions.{kind}"
    opened = tabs.open_all(visitor.token())
    assert visitor.session_key == key
    publish(alice, "news", "still logged in")
    for watched in opened:
        watched.wait_for(data={"event": "news", "data": "still logged in"})
    assert visitor.client.post("/accounts/logout/").status_code == 200
    assert {watched.wait_for_close().code for watched in opened} == {4500}


@pytest.mark.parametrize("kind", ["db", "cached_db"])
def test_session_that_was_mirrored_late_is_closed_when_its_row_ends(
    site: Any, alice: User, tabs: Tabs, redis: Redis, kind: str
) -> None:
    site.SESSION_ENGINE = f"sockgate.sessions.{kind}"
    visitor = visit(alice)
    ends_at = timezone.now() + timedelta(seconds=4)
    Session.objects.filter(pk=visitor.session_key).update(expire_date=ends_at)
    redis.flushall()
    watched = tabs.open(visitor.token())
    assert watched.wait_for_close().code == 4500
    assert timezone.now() > ends_at - timedelta(seconds=2)


def test_cycle_key_keeps_the_connections(engine: str, visitor: Visit, tabs: Tabs) -> None:
    visitor = visit(visitor.user)
    opened = tabs.open_all(visitor.token())
    session = visitor.client.session
    session.cycle_key()
    after_the_grace(tabs, session)
    publish(visitor.user, "news", "after the move")
    for watched in opened:
        watched.wait_for(channel=f"user:{visitor.user.pk}")
    session.flush()
    assert {watched.wait_for_close().code for watched in opened} == {4500}


def after_the_grace(tabs: Tabs, session: Any) -> None:
    """Wait for more than a second look at a session, which would have closed by then."""
    time.sleep(0.6)  # No event shows that a close did not follow.


@pytest.fixture
def patient_tabs(start_gateway: StartGateway) -> Iterator[Tabs]:
    """Tabs at a gateway that gives even a loaded machine time to save a session."""
    tabs = Tabs(start_gateway(audit_interval=AUDIT_S, password_grace=5))
    yield tabs
    tabs.close()


def test_changing_ones_own_password_keeps_this_session_and_ends_the_others(
    engine: str, alice: User, patient_tabs: Tabs
) -> None:
    here, elsewhere = visit(alice), visit(alice)
    mine = patient_tabs.open_all(here.token())
    others = patient_tabs.open_all(elsewhere.token())
    form = {
        "old_password": PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    }
    assert here.client.post("/accounts/password_change/", form).status_code == 302
    assert {watched.wait_for_close().code for watched in others} == {4402}
    assert elsewhere.client.post("/realtime/token/").status_code == 503  # And soon 401.
    publish(alice, "news", "for the one who changed it")
    for watched in mine:
        watched.wait_for(channel=f"user:{alice.pk}")
        assert watched.close is None


def test_slow_change_of_ones_own_password_sends_the_page_for_another_token(
    engine: str, alice: User, tabs: Tabs
) -> None:
    """A site that sends a mail between the two saves: the page must fetch a token, and can."""
    visitor = visit(alice)
    opened = tabs.open_all(visitor.token())
    alice.set_password(NEW_PASSWORD)
    alice.save()
    assert {watched.wait_for_close().code for watched in opened} == {4402}
    assert visitor.client.post("/realtime/token/").status_code == 503
    session = visitor.client.session
    session.cycle_key()
    assert visitor.client.post("/realtime/token/").status_code == 503  # It shows the old key.
    session[HASH_SESSION_KEY] = alice.get_session_auth_hash()
    session.save()
    visitor.client.cookies["sessionid"] = str(session.session_key)
    tabs.open_all(visitor.token())


@pytest.fixture
def editors(site: Any) -> Group:
    return Group.objects.create(name="editors")


def test_group_is_added_and_removed_at_once(visitor: Visit, editors: Group, tabs: Tabs) -> None:
    watched = tabs.open(visitor.token())
    visitor.user.groups.add(editors)
    watched.wait_for(type="subscribed", channel="group:editors")
    publish_to("group:editors", "news", "for editors")
    watched.wait_for(channel="group:editors", data={"event": "news", "data": "for editors"})
    visitor.user.groups.remove(editors)
    watched.wait_for(type="unsubscribed", channel="group:editors")
    assert publish_to("group:editors", "news", "for others") <= 1  # The gateway removes it later.
    publish(visitor.user, "done")
    watched.wait_for(channel=f"user:{visitor.user.pk}")
    assert "for others" not in json.dumps(watched.frames)


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (lambda group: group.delete(), []),
        (lambda group: (setattr(group, "name", "authors"), group.save()), ["group:authors"]),
        (lambda group: group.user_set.clear(), []),
    ],
    ids=["deleted", "renamed", "emptied"],
)
def test_group_that_changes_changes_connections(
    visitor: Visit,
    editors: Group,
    tabs: Tabs,
    change: Callable[[Group], object],
    then: list[str],
) -> None:
    editors.user_set.add(visitor.user)
    watched = tabs.open(visitor.token())
    change(editors)
    watched.wait_for(type="unsubscribed", channel="group:editors")
    for channel in then:
        watched.wait_for(type="subscribed", channel=channel)


def test_old_token_carries_no_old_right(visitor: Visit, editors: Group, tabs: Tabs) -> None:
    editors.user_set.add(visitor.user)
    token = visitor.token()
    editors.user_set.remove(visitor.user)
    tab = TABS["websocket"](tabs.url, None)
    tab.open()
    welcome = tab.show(token)
    tab.close()
    assert isinstance(welcome, dict)
    assert set(welcome["channels"]) == {"broadcast", f"user:{visitor.user.pk}"}


def test_session_in_use_is_prolonged_by_django_and_the_connection_with_it(
    engine: str, visitor: Visit, tabs: Tabs, site: Any
) -> None:
    """SESSION_SAVE_EVERY_REQUEST moves the end; the gateway looks again before it closes."""
    visitor = visit(visitor.user)
    site.SESSION_SAVE_EVERY_REQUEST = True
    session = visitor.client.session
    session.set_expiry(2)
    session.save()
    watched = tabs.open(visitor.token())
    for _ in range(3):
        time.sleep(1)  # Together longer than the session lives.
        visitor.token()  # A request saves the session.
    assert watched.close is None
    assert watched.wait_for_close().code == 4500


def test_open_socket_does_not_prolong_a_session(visitor: Visit, tabs: Tabs, redis: Redis) -> None:
    watched = tabs.open(_short_lived(visitor))
    assert watched.wait_for_close().code == 4500


def test_open_socket_prolongs_a_session_where_that_is_wanted(
    visitor: Visit, redis: Redis, start_gateway: Any
) -> None:
    gateway: Gateway = start_gateway(keep_sessions_alive="yes", audit_interval=1)
    tabs = Tabs(gateway)
    watched = tabs.open(_short_lived(visitor))
    time.sleep(4)  # Longer than the session lives by itself.
    assert watched.close is None
    publish(visitor.user, "news", "still here")
    watched.wait_for(channel=f"user:{visitor.user.pk}")
    tabs.close()
    key = NAMES.session(sid_of(visitor.session_key))
    assert 0 < redis.ttl(key) <= 3
    assert redis.ttl(NAMES.user(str(visitor.user.pk))) > redis.ttl(key)
    listed_until = redis.zscore(NAMES.user_sessions(str(visitor.user.pk)), sid_of_key(key))
    assert listed_until is not None
    assert listed_until > time.time()


def sid_of_key(key: str) -> str:
    return key.rpartition(":")[2]


def _short_lived(visitor: Visit) -> str:
    token = visitor.token()
    session = visitor.client.session
    session.set_expiry(3)
    session.save()
    return token


def test_cycle_key_while_control_is_away_is_followed(
    engine: str, visitor: Visit, tabs: Tabs, gateway: Gateway
) -> None:
    """The record under the old key names the new one; here the session moves twice."""
    visitor = visit(visitor.user)
    opened = tabs.open_all(visitor.token())
    session = visitor.client.session
    with gateway.cut_off():
        session.cycle_key()
        session.cycle_key()
    gateway.wait_until_ready()
    after_the_grace(tabs, session)
    publish(visitor.user, "news", "after the move")
    for watched in opened:
        watched.wait_for(channel=f"user:{visitor.user.pk}")
    session.flush()
    assert {watched.wait_for_close().code for watched in opened} == {4500}


def test_cycle_key_without_a_control_message_is_followed_by_the_audit(
    visitor: Visit, tabs: Tabs
) -> None:
    watched = tabs.open(visitor.token())
    session = visitor.client.session
    with lost_control():
        session.cycle_key()
    time.sleep(1.5 * AUDIT_S)  # One audit has run; no frame shows it.
    publish(visitor.user, "news", "after the move")
    watched.wait_for(channel=f"user:{visitor.user.pk}")
    session.flush()
    assert watched.wait_for_close().code == 4500


def test_session_that_moved_without_a_control_message_and_ended_is_closed(
    visitor: Visit, tabs: Tabs
) -> None:
    watched = tabs.open(visitor.token())
    session = visitor.client.session
    with lost_control():
        session.cycle_key()
        session.flush()
    assert watched.wait_for_close().code == 4402
    visitor.client.cookies["sessionid"] = ""
    assert visitor.client.post("/realtime/token/").status_code == 401


def test_emptied_redis_sends_the_page_for_another_token_which_heals(
    site: Any, alice: User, tabs: Tabs, redis: Redis
) -> None:
    """With a mirrored engine Redis may lose all data, and all logins stay valid."""
    site.SESSION_ENGINE = "sockgate.sessions.db"
    visitor = visit(alice)
    watched = tabs.open(visitor.token())
    redis.flushall()
    assert watched.wait_for_close().code == 4402
    tabs.open(visitor.token())


def test_token_during_a_storm_of_moves_ends_at_the_last_session(visitor: Visit, tabs: Tabs) -> None:
    """Ten moves while ten tabs connect: each tab is open in the end, or must fetch a token."""
    tokens = [visitor.token()]
    session = visitor.client.session
    opened: list[Any] = []

    def connect() -> None:
        for _ in range(10):
            tab = TABS["websocket"](tabs.url, None)
            tab.open()
            opened.append((tab, tab.show(tokens[-1])))

    connecting = threading.Thread(target=connect)
    connecting.start()
    for _ in range(10):
        session.cycle_key()
    connecting.join()
    for tab, answer in opened:
        tab.close()
        assert isinstance(answer, dict) or answer.code == 4402
