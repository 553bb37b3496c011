"""Session fixation: an attacker who has planted a cookie receives no message of its user.

The attacker fetches a token for an anonymous session of their own, connects, and plants the
session's cookie in the browser of Alice, who has a page open herself and then logs in.
"""

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from sockgate import broadcast, publish
from sockgate_gateway.sessions.access import REFRESH_S

from tests.security.test_ends import lost_control
from tests.security.visits import PASSWORD, PATIENCE_S, Tabs, Visit, Watched

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

ENGINES = ("redis", "db", "cached_db")


class Fixation:
    """One attack.

    Args:
        alice: the victim.
        tabs: where both connect.
    """

    def __init__(self, alice: User, tabs: Tabs) -> None:
        self.alice = alice
        self.tabs = tabs
        self.attacker, self.victim = Visit(alice, Client()), Visit(alice, Client())
        self.token = self.attacker.token()
        self.cookie = str(self.attacker.client.cookies["sessionid"].value)
        self.victim.client.cookies["sessionid"] = self.cookie
        self.planted = tabs.open_all(self.token)
        self.pages = tabs.open_all(self.victim.token())

    def log_in(self) -> None:
        form = {"username": "alice", "password": PASSWORD}
        assert self.victim.client.post("/accounts/login/", form).status_code == 302
        assert self.victim.client.cookies["sessionid"].value != self.cookie

    def show_as_victim(self) -> None:
        """Show the token of the victim, as the client library does."""
        for page in self.pages:
            page.show(self.victim.token())
            page.wait_for(type="refreshed", user=str(self.alice.pk))
            page.wait_for(type="subscribed", channel=f"user:{self.alice.pk}")

    def publish(self) -> None:
        publish(self.alice, "news", "secret")
        for page in self.pages:
            page.wait_for(channel=f"user:{self.alice.pk}")

    def expect_no_secret(self, watched: Watched) -> None:
        assert "secret" not in json.dumps(watched.frames)
        assert {frame.get("user") for frame in watched.frames} == {None}
        assert f"user:{self.alice.pk}" not in json.dumps(watched.frames)


def wait_until_closed(tabs: list[Watched]) -> set[int]:
    """Wait until the deadline for a token has passed; until then the tabs receive broadcasts."""
    deadline = time.monotonic() + REFRESH_S + PATIENCE_S
    while any(tab.close is None for tab in tabs) and time.monotonic() < deadline:
        broadcast("still here")
        time.sleep(1)  # A few broadcasts are enough until the deadline.
    return {tab.wait_for_close().code for tab in tabs}


SHORT = {("db", True), ("redis", False)}
"""Each of these takes the ten seconds that a page has; all others are for the long run."""


@pytest.fixture
def engine(request: pytest.FixtureRequest, site: Any) -> str:
    engine = str(getattr(request, "param", "redis"))
    site.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    return engine


@pytest.fixture
def attack(engine: str, site: Any, alice: User, tabs: Tabs) -> Iterator[Fixation]:
    site.SOCKGATE = {**site.SOCKGATE, "ANONYMOUS": True}
    fixation = Fixation(alice, tabs)
    yield fixation
    for watched in fixation.planted:
        fixation.expect_no_secret(watched)


@pytest.mark.parametrize(
    ("engine", "is_notified"),
    [
        pytest.param(
            engine, is_notified, marks=() if (engine, is_notified) in SHORT else pytest.mark.soak
        )
        for engine in ENGINES
        for is_notified in (True, False)
    ],
    indirect=["engine"],
)
def test_planted_session_is_not_followed_into_a_login(attack: Fixation, is_notified: bool) -> None:
    with nullcontext() if is_notified else lost_control():
        attack.log_in()
    attack.show_as_victim()
    attack.publish()
    assert wait_until_closed(attack.planted) == {4402}
    attack.publish()
    assert {page.close for page in attack.pages} == {None}


def test_planted_session_is_rejected_after_the_login(attack: Fixation) -> None:
    """Neither the former token nor a token of the former cookie is accepted."""
    attack.log_in()
    asked = attack.attacker.client.post("/realtime/token/")
    assert asked.status_code == 503
    for watched in attack.planted:
        watched.show(attack.token)
    assert {watched.wait_for_close().code for watched in attack.planted} == {4402}
    attack.show_as_victim()
    attack.publish()


def test_attacker_with_another_anonymous_session_stays_anonymous(attack: Fixation) -> None:
    attack.log_in()
    another = Visit(attack.alice, Client())
    for watched in attack.planted:
        watched.show(another.token())
        watched.wait_for(type="refreshed", user=None)
    attack.show_as_victim()
    attack.publish()
    broadcast("done")
    for watched in attack.planted:
        watched.wait_for(channel="broadcast")
    another.client.session.flush()


def test_page_that_does_not_support_the_refresh_frame_reconnects_as_the_user(
    attack: Fixation,
) -> None:
    """A client of before: it ignores the frame, and fetches a token after 4402."""
    attack.log_in()
    assert wait_until_closed(attack.pages) == {4402}
    again = attack.tabs.open(attack.victim.token())
    assert again.frames[0]["user"] == str(attack.alice.pk)


def test_user_does_not_receive_the_channels_of_the_next_user_of_the_session(
    engine: str, alice: User, tabs: Tabs
) -> None:
    """Django never does this by itself: it flushes the session of the one before."""
    bob = User.objects.create_user("bob", password=PASSWORD)
    visitor, client = Visit(alice, Client()), Client()
    visitor.client.force_login(alice)
    client.force_login(bob)
    opened = tabs.open_all(visitor.token())
    session = visitor.client.session
    session.update(dict(client.session.items()))
    session.save()
    publish(bob, "news", "secret")
    assert {watched.wait_for_close().code for watched in opened} == {4402}
    for watched in opened:
        assert "secret" not in json.dumps(watched.frames)
