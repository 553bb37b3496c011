"""*Live connections* in Django's admin, on the real gateway."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import include, path
from sockgate.client import RequestRejected, State
from sockgate.testing import Realtime
from sockgate.testing.servers import PAGE_ORIGIN
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.integration.sockgate.testing.site_urls import page
from tests.waiting import PATIENCE_S, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_realtime_servers"),
    pytest.mark.urls("tests.integration.sockgate.access.test_connections_admin"),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("page/", page),
    path("realtime/", include("sockgate.urls")),
]

LIST = "/admin/sockgate/connection/"
PAGE = "/page/"
ROOM = "room:7"
HTML_NAME = "<b onmouseover=alert(1)>alice</b>"


@pytest.fixture(autouse=True)
def site(settings: Any) -> Any:
    settings.SOCKGATE = {
        **settings.SOCKGATE,
        "AUTHORIZE": lambda request, channel: channel.startswith("room:"),
        "NAMESPACES": {"room": {"history": 10}},
    }
    return settings


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def staff(*permissions: str) -> User:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def browser(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def operator(realtime: Realtime) -> Iterator[Client]:
    """The browser of somebody who may look and act."""
    return browser(staff("view_connections", "disconnect_connections", "view_user", "change_user"))


def url_of(user: User) -> str:
    return f"{LIST}user/{user.pk}/"


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def act(client: Client, user: User, action: str, **fields: str) -> str:
    response = client.post(url_of(user), {"action": action, **fields}, follow=True)
    assert response.status_code == 200
    return " ".join(str(message) for message in response.context["messages"])


def logged(user: User) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(user.pk)).order_by("id")
    return [entry.change_message for entry in entries]


def test_pages_show_users_tabs_and_workers(
    realtime: Realtime, operator: Client, alice: User
) -> None:
    tab = realtime.tab(alice, PAGE)
    tab.subscribe(ROOM, within=PATIENCE_S)
    wait_until(lambda: "alice" in text_of(operator, LIST))
    text = text_of(operator, LIST)
    assert "<strong>1</strong> user," in text
    assert f'href="{url_of(alice)}">alice</a>' in text
    assert "rawwebsocket" in text
    assert "<td>ready</td>" in text
    assert 'role="img" aria-label="Connections in the last hour, 1 at most"' in text
    text = text_of(operator, url_of(alice))
    for shown in ("127.0.0.1", f"<div>{ROOM}</div>", "websockets", "opened from 127.0.0.1"):
        assert shown in text
    assert "No user of this name" in text_of(operator, f"{LIST}?q=nobody")
    assert ">alice</a>" in text_of(operator, f"{LIST}?q=LIC")


def test_page_follows_connections_without_being_asked(
    realtime: Realtime, operator: Client, alice: User
) -> None:
    watching = realtime.tab(path=LIST, client=operator)
    channel = "sockgate:connections"
    watching.subscribe(channel, within=PATIENCE_S)
    text_of(operator, LIST)  # From here on the workers watch for a minute.
    tab = realtime.tab(alice, PAGE)
    watching.assert_receives("touch", channel=channel, within=PATIENCE_S)
    tab.close()
    watching.assert_receives("touch", channel=channel, within=PATIENCE_S)


def test_actions_are_done_and_audited(realtime: Realtime, operator: Client, alice: User) -> None:
    tab, other = (realtime.tab(alice, PAGE) for _ in range(2))
    tab.subscribe(ROOM, within=PATIENCE_S)
    assert "workers that received it: 1" in act(operator, alice, "test", text="hi <b>")
    for one in (tab, other):
        one.assert_receives("sockgate-test", {"text": "hi <b>"}, within=PATIENCE_S)

    act(operator, alice, "revoke", channel=ROOM)
    wait_until(lambda: f"{ROOM} was taken from" in text_of(operator, url_of(alice)))

    response = operator.get(url_of(alice))
    first = response.context["tabs"][0]["open"].connection
    act(operator, alice, "close", connection=first)
    wait_until(lambda: f"Connection {first} was closed" in text_of(operator, url_of(alice)))
    tab.assert_state(State.CONNECTED, within=PATIENCE_S)

    act(operator, alice, "sign_out")
    for one in (tab, other):
        one.assert_closed(4500, within=PATIENCE_S)
    assert logged(alice) == [
        "Sent a test message; workers that received it: 1.",
        f"Took the channel {ROOM} away.",
        f"Closed connection {first}.",
        "Signed out everywhere.",
    ]
    assert act(operator, alice, "close") == "Closed all connections."


def test_wrong_channel_is_an_error_and_not_audited(operator: Client, alice: User) -> None:
    assert "channel" in act(operator, alice, "revoke", channel="a b")
    assert "channel" in text_of(operator, f"{url_of(alice)}?channel=a%20b")
    assert operator.post(url_of(alice), {"action": "drop"}).status_code == 403
    assert operator.get(f"{LIST}user/4711/").status_code == 404
    assert operator.get(f"{LIST}user/x/").status_code == 404
    assert logged(alice) == []


@pytest.mark.parametrize("permissions", [(), ("disconnect_connections",), ("view_user",)])
def test_staff_without_permission_sees_and_does_nothing(
    realtime: Realtime, alice: User, permissions: tuple[str, ...]
) -> None:
    client, tab = browser(staff(*permissions)), realtime.tab(alice, PAGE)
    for url in (LIST, url_of(alice)):
        assert client.get(url).status_code == 403
    assert client.post(url_of(alice), {"action": "sign_out"}).status_code == 403
    assert LIST not in text_of(client, "/admin/")
    assert (tab.state, logged(alice)) == (State.CONNECTED, [])


def test_who_may_only_look_cannot_act(realtime: Realtime, alice: User) -> None:
    client, tab = browser(staff("view_connections")), realtime.tab(alice, PAGE)
    assert LIST in text_of(client, "/admin/")
    assert "Sign out everywhere" not in text_of(client, url_of(alice))
    for action in ("close", "sign_out", "revoke", "test"):
        assert client.post(url_of(alice), {"action": action}).status_code == 403
    assert (tab.state, logged(alice)) == (State.CONNECTED, [])
    assert client.get(f"{LIST}add/").status_code == 404


def test_visitor_and_user_are_sent_to_the_login(alice: User) -> None:
    for client in (Client(), browser(alice)):
        response = client.get(LIST)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")


def test_actions_need_the_csrf_token(realtime: Realtime, operator: Client, alice: User) -> None:
    user = User.objects.get(username="staff")
    client, tab = browser(user, enforce_csrf_checks=True), realtime.tab(alice, PAGE)
    assert client.post(url_of(alice), {"action": "sign_out"}).status_code == 403
    assert (tab.state, logged(alice)) == (State.CONNECTED, [])


def test_name_that_is_html_is_text(realtime: Realtime, operator: Client) -> None:
    user = User.objects.create_user(HTML_NAME)
    realtime.tab(user, PAGE, client=Client(HTTP_USER_AGENT="<i>agent</i>"))
    wait_until(lambda: "&lt;b onmouseover" in text_of(operator, LIST))
    for url in (LIST, url_of(user), f"{LIST}?q=%3Cb"):
        assert HTML_NAME not in text_of(operator, url)


def test_page_of_a_user_leads_to_the_connections(operator: Client, alice: User) -> None:
    assert f'href="{url_of(alice)}"' in text_of(operator, f"/admin/auth/user/{alice.pk}/change/")
    User.objects.filter(username="staff").delete()
    other = browser(staff("view_user"))
    assert url_of(alice) not in text_of(other, f"/admin/auth/user/{alice.pk}/change/")


def test_channel_of_the_page_is_not_granted_to_others(realtime: Realtime, alice: User) -> None:
    tab = realtime.tab(alice, PAGE)
    with pytest.raises(RequestRejected):
        tab.subscribe("sockgate:connections")


def test_redis_that_is_away_is_said(
    realtime: Realtime, operator: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis import ConnectionError as Away
    from sockgate.access import connections_admin

    def fail(*_: object, **__: object) -> None:
        raise Away("nobody there")

    for name in ("read_online", "find_out"):
        monkeypatch.setattr(connections_admin, name, fail)
    assert "Redis does not answer" in text_of(operator, LIST)
    assert "Redis does not answer" in text_of(operator, url_of(alice))


def test_staff_of_a_tenant_sees_and_ends_only_its_own(
    site: Any, realtime: Realtime, alice: User
) -> None:
    """The users of two tenants have the same primary keys here."""
    forged = {"type": "connect", "token": "forged"}
    url = realtime.url.replace("http", "ws", 1) + "/websocket"
    with connect(url, origin=PAGE_ORIGIN) as stranger:
        stranger.send(json.dumps(forged))
        with pytest.raises(ConnectionClosed):
            stranger.recv(PATIENCE_S)
    unknown = "with 4400 since its start before it knew the user"
    operator = browser(staff("view_connections"))
    assert unknown in text_of(operator, url_of(alice))
    tenant = ["acme"]
    site.SOCKGATE = {**site.SOCKGATE, "TENANT": lambda: tenant[0]}
    tab = realtime.tab(alice, PAGE)
    operators = {}
    for tenant[0] in ("acme", "beta"):
        operators[tenant[0]] = Client()
        user, _ = User.objects.get_or_create(username="staff", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(codename__in=("view_connections", "disconnect_connections"))
        )
        operators[tenant[0]].force_login(user)
    tenant[0] = "acme"
    wait_until(lambda: ">alice</a>" in text_of(operators["acme"], LIST))
    tenant[0] = "beta"
    assert "No user is online." in text_of(operators["beta"], LIST)
    assert "alice has no open connection" in text_of(operators["beta"], url_of(alice))
    act(operators["beta"], alice, "close")
    act(operators["beta"], alice, "sign_out")
    tenant[0] = "acme"
    assert "Workers" not in text_of(
        operators["acme"], LIST
    )  # Their numbers are those of all tenants.
    assert "was closed" not in text_of(operators["acme"], url_of(alice))
    assert unknown not in text_of(operators["acme"], url_of(alice))
    assert tab.state is State.CONNECTED
    act(operators["acme"], alice, "sign_out")
    tab.assert_closed(4500, within=PATIENCE_S)
