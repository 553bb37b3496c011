"""Two tenants with users of the same primary key on one gateway: nothing crosses.

Each attack comes from a page of tenant ``acme``, or from Django code of ``bolt``.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import BadSignature
from django.db import transaction
from django.http import HttpRequest
from django.test import Client
from redis import Redis
from sockgate import (
    Publisher,
    TenantError,
    broadcast,
    channel_name,
    count_connections,
    is_online,
    online_users,
    position,
    publish,
    publish_many,
    publish_to,
    publish_to_group,
    refresh_users,
    revoke_channel,
    revoke_session,
    revoke_user,
    use_tenant,
)
from sockgate.channels.presence import presence
from sockgate.publishing.broadcasts.drafts import Draft, seal, send, unseal
from sockgate_gateway.wire.names import sid_of
from sockgate_gateway.wire.tokens import Grant, GrantSigner, Token, TokenSigner

from tests.e2e.tabs import TABS, Close
from tests.security.conftest import KEYS
from tests.security.gateways import Gateway
from tests.security.visits import Tabs, Visit, Watched, visit
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

ROOM = "room:7"
STATE = {"tenant": "acme"}


def active() -> str:
    return STATE["tenant"]


@contextmanager
def of_tenant(name: str) -> Iterator[None]:
    """Do as a request to this tenant does."""
    before = STATE["tenant"]
    STATE["tenant"] = name
    try:
        yield
    finally:
        STATE["tenant"] = before


def may_subscribe(request: HttpRequest, channel: str) -> bool:
    return True


@pytest.fixture(autouse=True)
def _project(site: Any) -> Iterator[None]:
    room = {"history": 9, "presence": True, "join_leave": True, "publish": "subscribers"}
    more = {
        "TENANT": active,
        "AUTHORIZE": may_subscribe,
        "NAMESPACES": {"room": room, "ticker": {"public": True}},
    }
    site.SOCKGATE = {**site.SOCKGATE, **more}
    with of_tenant("acme"):
        yield


class Page:
    """A page of one tenant."""

    def __init__(self, gateway: Gateway, user: User, tenant: str) -> None:
        self.tenant = tenant
        with of_tenant(tenant):
            self.visit: Visit = visit(user)
            self.token = self.visit.token()
        self.watched: Watched = Tabs(gateway).open(self.token, "rawwebsocket")
        self._ids = iter(range(100))

    def ask(self, frame_type: str, **fields: Any) -> dict[str, Any]:
        number = f"ask-{next(self._ids)}"
        self.send(frame_type, id=number, **fields)
        return self.watched.wait_for(reply_to=number)

    def send(self, frame_type: str, **fields: Any) -> None:
        self.watched.tab.send(json.dumps({"type": frame_type, **fields}))

    def grant(self, channel: str = ROOM) -> str:
        with of_tenant(self.tenant):
            answer = self.visit.client.post("/realtime/grant/", {"channel": channel})
        return str(answer.json()["grant"])

    def enter(self, channel: str = ROOM) -> None:
        answer = self.ask("subscribe", channel=channel, grant=self.grant(channel))
        assert answer["type"] == "subscribed"

    @property
    def texts(self) -> list[str]:
        """What was published to it, after all that came before was received."""
        with of_tenant(self.tenant):
            fence = f"fence {next(self._ids)}"
            assert publish(self.visit.user, "news", fence) == 1
        self.watched.wait_for(data={"event": "news", "data": fence})
        found = [f["data"]["data"] for f in self.watched.frames if "data" in f]
        return [text for text in found if not text.startswith("fence")]


@pytest.fixture
def group(alice: User) -> Group:
    group = Group.objects.create(name="editors")
    alice.groups.add(group)
    return group


@pytest.fixture
def open_page(gateway: Gateway, alice: User, group: Group) -> Iterator[Callable[[str], Page]]:
    gateway.wait_until_ready()
    pages: list[Page] = []

    def open_page(tenant: str) -> Page:
        pages.append(Page(gateway, alice, tenant))
        return pages[-1]

    yield open_page
    for page in pages:
        if page.watched.close is None:
            with of_tenant(page.tenant):
                revoke_user(alice)
        page.watched.wait_for_close()
        page.watched.tab.close()


@pytest.fixture
def ours(open_page: Callable[[str], Page]) -> Page:
    return open_page("acme")


@pytest.fixture
def theirs(open_page: Callable[[str], Page]) -> Page:
    return open_page("bolt")


def test_page_receives_plain_names(ours: Page, alice: User) -> None:
    welcome = ours.watched.frames[0]
    assert welcome["user"] == str(alice.pk)
    assert sorted(welcome["channels"]) == ["broadcast", "group:editors", f"user:{alice.pk}"]
    ours.enter()
    ours.ask("publish", channel=ROOM, event="client-said", data="hi")
    said = ours.watched.wait_for(channel=ROOM, offset=1)
    assert said["data"] == {"event": "client-said", "data": "hi", "from": str(alice.pk)}
    assert ours.ask("presence", channel=ROOM)["channel"] == ROOM
    left = ours.ask("unsubscribe", channel=ROOM)
    assert left["channel"] == ROOM


def test_publications_stay_in_their_tenant(
    ours: Page, theirs: Page, alice: User, group: Group, redis: Redis
) -> None:
    for page in (ours, theirs):
        page.enter()
        page.ask("subscribe", channel="ticker:1")
    with of_tenant("bolt"):
        sent = [
            publish(alice, "news", "one"),
            publish_many([alice, alice.pk], "news", "many"),
            publish_to_group(group, "news", "group"),
            publish_to(ROOM, "news", "room"),
            publish_to("ticker:1", "news", "ticker"),
            broadcast("news", "all"),
            publish(alice, "news", "once", idempotency_key="order-9"),
            redis.publish(channel_name(f"user:{alice.pk}"), '{"event":"news","data":"plain"}'),
        ]
        assert sent == [1, 2, 1, 1, 1, 1, 1, 1]
    theirs.ask("publish", channel=ROOM, event="client-said", data="client")
    expected = ["one", "many", "many", "group", "room", "ticker", "all", "once", "plain", "client"]
    assert theirs.texts == expected
    assert ours.texts == []
    assert publish(alice, "news", "ours", idempotency_key="order-9") == 1
    assert ours.texts == ["ours"]


def test_history_stays_in_its_tenant(ours: Page, theirs: Page) -> None:
    with of_tenant("bolt"):
        at = position(ROOM)
        for number in range(3):
            publish_to(ROOM, "news", f"secret {number}")
    assert at is not None
    answer = ours.ask("subscribe", channel=ROOM, grant=ours.grant(), recover=list(at))
    assert (answer["recovered"], answer["offset"]) == (False, 0)
    assert ours.texts == []
    back = theirs.ask("subscribe", channel=ROOM, grant=theirs.grant(), recover=list(at))
    assert back["recovered"] is True
    assert theirs.texts == [f"secret {number}" for number in range(3)]


FORGED_NAMES = (
    "bolt\x1f{}",
    "acme\x1f{}",
    "\x1f{}",
    "bolt/{}",
    "/bolt:{}",
    "../bolt:{}",
    "bolt^{}",
)


@pytest.mark.parametrize("form", FORGED_NAMES)
@pytest.mark.parametrize("name", ["ticker:1", ROOM, "broadcast"])
def test_client_cannot_name_a_channel_of_another_tenant(
    ours: Page, theirs: Page, form: str, name: str
) -> None:
    if name == ROOM:
        theirs.enter()
    else:
        theirs.ask("subscribe", channel="ticker:1")
    channel = form.format(name)
    assert ours.ask("subscribe", channel=channel, grant=theirs.grant())["type"] == "error"
    assert ours.ask("presence", channel=channel)["type"] == "error"
    forged = ours.ask("publish", channel=channel, event="client-said", data="forged")
    assert forged["type"] == "error"
    ours.ask("unsubscribe", channel=channel)
    with of_tenant("bolt"):
        publish_to(name, "news", "secret")
    assert ours.texts == []
    assert theirs.texts == ["secret"]


@pytest.mark.parametrize("form", FORGED_NAMES)
def test_client_without_a_tenant_cannot_name_a_tenant(
    open_page: Callable[[str], Page], theirs: Page, alice: User, site: Any, form: str
) -> None:
    theirs.ask("subscribe", channel="ticker:1")
    with_tenants = site.SOCKGATE
    site.SOCKGATE = {name: value for name, value in with_tenants.items() if name != "TENANT"}
    plain = open_page("none")
    assert plain.ask("subscribe", channel=form.format("ticker:1"))["type"] == "error"
    site.SOCKGATE = with_tenants
    with of_tenant("bolt"):
        publish_to("ticker:1", "news", "secret")
        broadcast("news", "all")
    assert theirs.texts == ["secret", "all"]
    site.SOCKGATE = {name: value for name, value in with_tenants.items() if name != "TENANT"}
    assert plain.texts == []
    revoke_user(alice)
    assert plain.watched.wait_for_close().code == 4500
    site.SOCKGATE = with_tenants


def test_grant_of_another_tenant_is_rejected(ours: Page, theirs: Page, alice: User) -> None:
    assert ours.ask("subscribe", channel=ROOM, grant=theirs.grant())["code"] == "not_allowed"
    sid = "acme\x1f" + sid_of(ours.visit.session_key)
    for forged in (Grant(sid, f"bolt\x1f{ROOM}"), Grant(sid, ROOM), Grant(sid[5:], ROOM)):
        grant = GrantSigner(KEYS).issue(forged)
        for channel in (ROOM, f"bolt\x1f{ROOM}"):
            assert ours.ask("subscribe", channel=channel, grant=grant)["type"] == "error"


def test_token_of_two_tenants_is_rejected(
    gateway: Gateway, ours: Page, theirs: Page, alice: User
) -> None:
    sid, uid = sid_of(theirs.visit.session_key), str(alice.pk)
    forged = [
        Token(f"acme\x1f{sid}", f"acme\x1f{uid}"),
        Token(f"acme\x1f{sid}", f"bolt\x1f{uid}"),
        Token(f"bolt\x1f{sid}", f"acme\x1f{uid}"),
        Token(f"bolt\x1f{sid}", uid),
        Token(sid, uid),
        Token(sid, f"bolt\x1f{uid}"),
    ]
    for token in forged:
        tab = TABS["rawwebsocket"](gateway.url, None)
        tab.open()
        refused = tab.show(TokenSigner(KEYS).issue(token))
        assert isinstance(refused, Close)
        assert refused.code in (4400, 4402)
        tab.close()


def test_token_of_another_tenant_ends_an_open_connection(ours: Page, theirs: Page) -> None:
    ours.send("refresh", token=theirs.token)
    assert ours.watched.wait_for_close().code == 4402
    assert theirs.texts == []


def test_visitor_does_not_become_a_user_of_another_tenant(
    gateway: Gateway, site: Any, theirs: Page
) -> None:
    site.SOCKGATE = {**site.SOCKGATE, "ANONYMOUS": True}
    token = Client().post("/realtime/token/").json()["token"]
    visitor = Tabs(gateway).open(token, "rawwebsocket")
    with of_tenant("bolt"):
        broadcast("news", "secret")
    visitor.tab.send(json.dumps({"type": "refresh", "token": theirs.token}))
    assert visitor.wait_for_close().code == 4402
    assert not [frame for frame in visitor.frames if "data" in frame]
    visitor.tab.close()


def test_cookie_of_another_tenant_gets_no_token(ours: Page) -> None:
    with of_tenant("bolt"):
        assert ours.visit.client.post("/realtime/token/").status_code == 401


ENDS: dict[str, Callable[[Page], Any]] = {
    "revoke_user": lambda page: revoke_user(page.visit.user),
    "revoke_session": lambda page: revoke_session(page.visit.session_key),
    "logout": lambda page: page.visit.client.session.flush(),
}


@pytest.mark.parametrize("end", ENDS)
def test_end_stays_in_its_tenant(ours: Page, theirs: Page, end: str) -> None:
    with of_tenant("bolt"):
        ENDS[end](theirs)
        assert theirs.watched.wait_for_close().code == 4500
        revoke_session(ours.visit.session_key)
        revoke_channel(ours.visit.user, ROOM)
    assert ours.texts == []
    assert ours.watched.close is None
    with of_tenant("acme"):
        ENDS[end](ours)
    assert ours.watched.wait_for_close().code == 4500


def test_revoked_channel_stays_in_its_tenant(ours: Page, theirs: Page, alice: User) -> None:
    ours.enter()
    theirs.enter()
    with of_tenant("bolt"):
        revoke_channel(alice, ROOM)
    theirs.watched.wait_for(type="unsubscribed", channel=ROOM)
    publish_to(ROOM, "news", "still")
    assert ours.texts == ["still"]


def test_presence_stays_in_its_tenant(ours: Page, theirs: Page, alice: User) -> None:
    ours.enter()
    theirs.enter()
    uid = str(alice.pk)
    wait_until(lambda: presence(ROOM).users == {uid: 1} and online_users() == {uid})
    assert ours.ask("presence", channel=ROOM)["users"] == {uid: 1}
    assert count_connections(ROOM) == 1
    with of_tenant("bolt"):
        assert is_online(alice)
        revoke_user(alice)
        theirs.watched.wait_for_close()
    assert ours.ask("presence", channel=ROOM)["users"] == {uid: 1}
    assert online_users() == {uid}
    with of_tenant("empty"):
        assert not is_online(alice)
        assert (online_users(), presence(ROOM).users, count_connections(ROOM)) == (set(), {}, 0)
    assert ours.texts == []
    assert [f for f in ours.watched.frames if f.get("type") == "leave"] == []


def test_admin_broadcast_reaches_only_its_tenant(ours: Page, theirs: Page, alice: User) -> None:
    draft = Draft("all", "", "broadcast", "news", is_json=False, text="to acme")
    sealed = seal(draft, alice)
    with of_tenant("bolt"), pytest.raises(BadSignature):
        unseal(sealed, alice)
    row, _ = send(unseal(sealed, alice), alice)
    assert (row.connections, row.workers) == (1, 1)
    assert ours.texts == ["to acme"]
    assert theirs.texts == []


def test_task_publishes_as_another_tenant(ours: Page, theirs: Page, alice: User, site: Any) -> None:
    assert publish(alice, "news", "argument", tenant="bolt") == 1
    with use_tenant("bolt"):
        assert publish(alice, "news", "block") == 1
    with Publisher(site.SOCKGATE["REDIS_URL"], tenant="bolt") as publisher:
        assert publisher.publish(alice.pk, "news", "publisher") == 1
        assert publisher.publish(alice.pk, "news", "ours", tenant="acme") == 1
    assert theirs.texts == ["argument", "block", "publisher"]
    assert ours.texts == ["ours"]


def test_commit_after_a_change_of_tenant_ends_the_sessions_of_the_former_tenant(
    ours: Page, theirs: Page, alice: User
) -> None:
    """The rows of the tenant cannot be read any more: its pages return with a fresh token."""
    with of_tenant("bolt"), transaction.atomic(), of_tenant("acme"):
        publish(alice, "news", "at the commit")
        alice.save()
    assert ours.watched.wait_for_close().code == 4402
    # The publication reaches the page, or was held back while the session was in doubt.
    texts = [f["data"]["data"] for f in ours.watched.frames if "data" in f]
    assert texts in ([], ["at the commit"])
    assert theirs.texts == []


def test_refresh_reaches_only_the_user_of_the_tenant(ours: Page, theirs: Page, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    refresh_users([alice.pk])
    assert ours.watched.wait_for_close().code == 4500
    assert theirs.texts == []


@pytest.mark.parametrize("name", ["", None, 7, "a b", "a/b", "a:b", "a\x1fb", ".a", "a" * 64])
def test_tenant_without_a_name_is_refused(alice: User, name: Any) -> None:
    with of_tenant(name), pytest.raises(TenantError, match="TENANT"):
        publish(alice, "news")
    with pytest.raises(TenantError), use_tenant(name):
        pass


def test_name_for_a_shell_is_simple(site: Any) -> None:
    assert channel_name("user:1") == "rt/acme:user:1"
    site.SOCKGATE = {**site.SOCKGATE, "REDIS_URL": f"{site.SOCKGATE['REDIS_URL']}/3"}
    assert channel_name("user:1") == "rt@3/acme:user:1"


def test_tenant_is_an_error_where_there_are_none(site: Any, alice: User) -> None:
    site.SOCKGATE = {name: value for name, value in site.SOCKGATE.items() if name != "TENANT"}
    with pytest.raises(ImproperlyConfigured, match="TENANT"):
        publish(alice, "news", tenant="bolt")
    with pytest.raises(ImproperlyConfigured, match="TENANT"), use_tenant("bolt"):
        pass
