"""A changed right in Django changes what open connections receive; old grants do not restore it."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest
from django.test import Client
from redis import Redis
from sockgate import publish_to, refresh_grants, refresh_users, revoke_channel

from tests.e2e.tabs import TABS, Close
from tests.security.gateways import Gateway
from tests.security.test_ends import lost_control
from tests.security.visits import Tabs, Visit, Watched, visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

ROOM = "room:editors"
GROUP = "group:editors"
NAMESPACES = ("room", "group", "user")
TRANSPORTS = ("websocket", "xhr_streaming", "xhr")


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    return bool(request.user.has_perm("auth.add_group"))


@pytest.fixture(autouse=True)
def _project(site: Any) -> None:
    more = {"AUTHORIZE": may_subscribe, "NAMESPACES": {name: {"history": 9} for name in NAMESPACES}}
    site.SOCKGATE = {**site.SOCKGATE, **more}


@pytest.fixture
def permission(site: Any) -> Permission:
    return Permission.objects.get(codename="add_group")


@pytest.fixture
def editors(permission: Permission) -> Group:
    editors = Group.objects.create(name="editors")
    editors.permissions.add(permission)
    return editors


class Page:
    """A tab that acts as the client library does, when the test calls it."""

    ids = itertools.count(1)

    def __init__(self, visitor: Visit, tabs: Tabs, transport: str = "websocket") -> None:
        self._visitor = visitor
        self.watched: Watched = tabs.open(visitor.token(), transport)
        self.grant = ""

    def ask_django(self) -> int:
        """Request a grant and store it; return the HTTP status."""
        answer = self._visitor.client.post("/realtime/grant/", {"channel": ROOM})
        self.grant = answer.json().get("grant", "")
        return int(answer.status_code)

    def subscribe(self, **more: Any) -> dict[str, Any]:
        """Send the grant; return the reply."""
        number = next(self.ids)
        frame = {"type": "subscribe", "channel": ROOM, "grant": self.grant, "id": number, **more}
        self.watched.tab.send(json.dumps(frame))
        return self.watched.wait_for(reply_to=number)

    def enter(self) -> "Page":
        assert self.ask_django() == 200
        assert self.subscribe()["type"] == "subscribed"
        return self

    def wait_until_taken(self) -> None:
        self.watched.wait_for(type="unsubscribed", channel=ROOM, reason="rights_changed")

    def received(self) -> list[Any]:
        frames = [f for f in list(self.watched.frames) if f.get("channel") == ROOM]
        return [frame["data"]["data"] for frame in frames if "data" in frame]


@pytest.fixture
def log_in(site: Any) -> Callable[[str], Visit]:
    return lambda name: visit(User.objects.create_user(name))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_change_of_rights_keeps_removes_and_adds_subscriptions(
    log_in: Callable[[str], Visit], permission: Permission, tabs: Tabs, transport: str
) -> None:
    """In one moment, with a publication after it: each receives what it may, and misses nothing."""
    keeps, loses, gains = (log_in(name) for name in ("keeps", "loses", "gains"))
    for one in (keeps, loses):
        one.user.user_permissions.add(permission)
    kept, lost = (Page(one, tabs, transport).enter() for one in (keeps, loses))
    gained = Page(gains, tabs, transport)
    assert gained.ask_django() == 403
    publish_to(ROOM, "news", 1)
    position = kept.watched.wait_for(channel=ROOM, offset=1)["offset"]

    keeps.user.user_permissions.add(Permission.objects.get(codename="change_group"))
    loses.user.user_permissions.clear()
    gains.user.user_permissions.add(permission)
    for page in (kept, lost):
        page.wait_until_taken()
    gained.watched.wait_for(type="refreshed")
    publish_to(ROOM, "news", 2)

    assert (kept.ask_django(), lost.ask_django(), gained.ask_django()) == (200, 403, 200)
    epoch = next(f["epoch"] for f in kept.watched.frames if f.get("type") == "subscribed")
    assert kept.subscribe(recover=[epoch, position])["recovered"] is True
    assert lost.subscribe()["code"] == "not_allowed"
    assert gained.subscribe()["type"] == "subscribed"
    publish_to(ROOM, "news", 3)
    for page in (kept, gained):
        page.watched.wait_for(channel=ROOM, offset=3)
    assert (kept.received(), lost.received(), gained.received()) == ([1, 2, 3], [1], [3])


CHANGES = {
    "permission of the group": lambda user, group: group.permissions.clear(),
    "group": lambda user, group: user.groups.clear(),
    "group deleted": lambda user, group: group.delete(),
    "permission deleted": lambda user, group: group.permissions.get().delete(),
    "bulk": lambda user, group: (
        User.groups.through.objects.all().delete(),
        refresh_users(User.objects.all()),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_right_of_a_group_is_removed_from_its_members_only(
    log_in: Callable[[str], Visit],
    editors: Group,
    tabs: Tabs,
    change: Callable[[User, Group], object],
) -> None:
    member, root = log_in("member"), visit(User.objects.get(username="root"))
    member.user.groups.add(editors)
    taken, superusers = Page(member, tabs).enter(), Page(root, tabs).enter()
    change(member.user, editors)
    taken.wait_until_taken()
    assert taken.ask_django() == 403
    assert not [f for f in superusers.watched.frames if f.get("type") == "unsubscribed"]


def test_former_superuser_is_unsubscribed(visitor: Visit, tabs: Tabs) -> None:
    visitor.user.is_superuser = True
    visitor.user.save()
    page = Page(visitor, tabs).enter()
    visitor.user.is_superuser = False
    visitor.user.save()
    page.wait_until_taken()
    assert page.ask_django() == 403


def test_grant_of_the_same_second_is_void_when_it_is_older_and_holds_when_it_is_younger(
    visitor: Visit, permission: Permission, tabs: Tabs
) -> None:
    visitor.user.user_permissions.add(permission)
    page = Page(visitor, tabs)
    time.sleep(1 - time.time() % 1)  # The three that follow take less than the second.
    assert page.ask_django() == 200
    old = page.grant
    refresh_grants([visitor.user])
    assert page.ask_django() == 200
    assert page.subscribe(grant=old)["code"] == "not_allowed"
    assert page.subscribe()["type"] == "subscribed"


@pytest.fixture
def revoked_without_notice(
    visitor: Visit, permission: Permission, tabs: Tabs
) -> Iterator[tuple[Page, Visit]]:
    """A page on the room, whose right was revoked while no control message could be received."""
    visitor.user.user_permissions.add(permission)
    page = Page(visitor, tabs).enter()
    with lost_control():
        visitor.user.user_permissions.clear()
    yield page, visitor


def test_old_grant_is_rejected_when_the_control_message_was_lost(
    revoked_without_notice: tuple[Page, Visit], tabs: Tabs
) -> None:
    page, visitor = revoked_without_notice
    elsewhere = Page(visitor, tabs)
    elsewhere.grant = page.grant
    assert elsewhere.subscribe()["code"] == "not_allowed"
    assert elsewhere.subscribe(recover=["k3", 0])["code"] == "not_allowed"


def test_audit_ends_subscriptions_when_the_control_message_was_lost(
    revoked_without_notice: tuple[Page, Visit],
) -> None:
    page, _ = revoked_without_notice
    page.wait_until_taken()


@pytest.fixture
def unaudited(
    visitor: Visit, permission: Permission, start_gateway: Any
) -> Iterator[tuple[Page, Gateway]]:
    """A page on the room, at a gateway whose next audit is far off."""
    visitor.user.user_permissions.add(permission)
    gateway: Gateway = start_gateway(audit_interval=3600)
    tabs = Tabs(gateway)
    yield Page(visitor, tabs).enter(), gateway
    tabs.close()


def test_restored_link_reads_the_rights_again(
    unaudited: tuple[Page, Gateway], visitor: Visit
) -> None:
    page, gateway = unaudited
    with gateway.cut_off():
        visitor.user.user_permissions.clear()
    page.wait_until_taken()


def test_restored_link_reads_the_revocations_again(
    unaudited: tuple[Page, Gateway], visitor: Visit
) -> None:
    page, gateway = unaudited
    with gateway.cut_off():
        revoke_channel(visitor.user, ROOM)
    page.watched.wait_for(type="unsubscribed", channel=ROOM)
    assert page.subscribe()["code"] == "not_allowed"


def test_old_grant_stays_void_after_the_eviction_of_the_user_record(
    visitor: Visit, permission: Permission, redis: Redis, tabs: Tabs
) -> None:
    """The record that is made anew names the rights anew."""
    visitor.user.user_permissions.add(permission)
    page = Page(visitor, tabs)
    assert page.ask_django() == 200
    old = page.grant
    redis.flushall()
    visitor = visit(visitor.user)
    late = Page(visitor, tabs)
    assert late.subscribe(grant=old)["code"] == "not_allowed"
    late.enter()


def test_next_user_of_a_connection_does_not_keep_the_former_grants(
    site: Any, alice: User, permission: Permission, tabs: Tabs
) -> None:
    """The visitor had a grant; after the login, the user is authorized again."""
    site.SOCKGATE = {**site.SOCKGATE, "ANONYMOUS": True, "AUTHORIZE": lambda request, channel: True}
    visitor = Visit(alice, Client())
    page = Page(visitor, tabs).enter()
    visitor.client.force_login(alice)
    page.watched.show(visitor.token())
    page.watched.wait_for(type="refreshed", user=str(alice.pk))
    page.wait_until_taken()


def test_client_without_grants_receives_only_the_new_name_of_the_rights(
    visitor: Visit, permission: Permission, tabs: Tabs
) -> None:
    opened = tabs.open_all(visitor.token())
    visitor.user.user_permissions.add(permission)
    for watched in opened:
        refreshed = watched.wait_for(type="refreshed", user=str(visitor.user.pk))
        assert refreshed["rights"] != watched.frames[0]["rights"]
        assert [frame["type"] for frame in watched.frames] == ["connected", "refreshed"]
    assert len(opened) == len(TABS)


@pytest.mark.parametrize("is_notified", [True, False])
def test_history_of_a_former_group_is_not_replayed(
    visitor: Visit, editors: Group, tabs: Tabs, is_notified: bool
) -> None:
    """A recovery checks the current rights, whatever positions the client sends."""
    visitor.user.groups.add(editors)
    watched = tabs.open(visitor.token())
    epoch = watched.frames[0]["channels"][GROUP].get("epoch")
    publish_to(GROUP, "news", "secret", sequenced=True)
    watched.wait_for(channel=GROUP, offset=1)
    with nullcontext() if is_notified else lost_control():
        visitor.user.groups.remove(editors)
    answer = resume(tabs, visitor.token(), {GROUP: [epoch, 0], "broadcast": ["k3", 0]})
    assert isinstance(answer, dict)
    assert set(answer["channels"]) == {"broadcast", f"user:{visitor.user.pk}"}


def test_history_is_not_replayed_to_an_ended_session(visitor: Visit, tabs: Tabs) -> None:
    watched, token = tabs.open(visitor.token()), visitor.token()
    own = f"user:{visitor.user.pk}"
    publish_to(own, "news", "secret", sequenced=True)
    watched.wait_for(channel=own, offset=1)
    epoch = watched.frames[0]["channels"][own].get("epoch")
    visitor.client.logout()
    answer = resume(tabs, token, {own: [epoch, 0]})
    assert isinstance(answer, Close)
    assert answer.code == 4402


def resume(tabs: Tabs, token: str, recover: dict[str, Any]) -> Any:
    """Connect as a browser that comes back; return the first frame."""
    tab = TABS["websocket"](tabs.url, None)
    tab.open()
    tab.send(json.dumps({"type": "connect", "token": token, "recover": recover}))
    answer = tab.read()
    tab.close()
    return answer
