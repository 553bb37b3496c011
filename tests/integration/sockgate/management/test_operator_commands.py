"""The commands of an operator, on the real gateway."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from sockgate.client import State
from sockgate.testing import Realtime

from tests.waiting import PATIENCE_S, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_realtime_servers"),
    pytest.mark.urls("tests.integration.sockgate.testing.site_urls"),
]


def run(name: str, *arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, **options)
    return out.getvalue()


def connections_of() -> set[str]:
    """Return the ids of the first user's connections."""
    shown = json.loads(run("sockgate_online", details=True, json=True))["shown"]
    return {tab["connection"] for user in shown for tab in user["tabs"]}


@pytest.fixture
def alice() -> User:
    alice = User.objects.create_user("alice")
    alice.groups.add(Group.objects.create(name="editors"))
    return alice


def test_operator_publishes_looks_and_disconnects(realtime: Realtime, alice: User) -> None:
    User.objects.create_user("bob")
    tabs = [realtime.tab(alice, "/page/"), realtime.tab(alice, "/page/")]
    for to in ({"user": "alice"}, {"group": "editors"}, {"all": True}):
        assert run("sockgate_publish", "paid", '{"order": 9}', **to) == (
            "Workers of gateways that received it: 1.\n"
        )
        for tab in tabs:
            tab.assert_receives("paid", {"order": 9}, within=PATIENCE_S)

    first = "users: 1, connections: 2, anonymous: 0"
    wait_until(lambda: run("sockgate_online", limit=0).splitlines() == [first])
    assert run("sockgate_online").splitlines()[1:] == [f"alice (pk {alice.pk}): 2"]
    assert run("sockgate_online", search="BO").splitlines() == [first]
    shown = json.loads(run("sockgate_online", search="LIC", json=True))["shown"]
    assert shown == [{"pk": str(alice.pk), "name": "alice", "connections": 2}]

    one = json.loads(run("sockgate_online", details=True, workers=True, json=True))
    first, second = one["shown"][0]["tabs"]
    assert (first["transport"], first["address"]) == ("rawwebsocket", "127.0.0.1")
    assert "websockets" in first["agent"]
    assert first["channel_count"] == 3
    (worker,) = one["workers"]
    assert worker["worker"] == first["worker"]
    assert worker["state"]["reasons"] == []
    assert worker["state"]["connections"] == 2
    assert worker["state"]["resident_bytes"] > 1e6
    assert len(worker["state"]["keys"]) == 1
    told = run("sockgate_online", details=True, workers=True)
    assert f"  {first['connection']}: rawwebsocket from 127.0.0.1 since " in told
    assert ": ready, connections: 2, users: 1, up " in told

    only = run("sockgate_disconnect", user="alice", connection=second["connection"])
    assert only == "Connections of alice were closed; logins stay.\n"
    ids = {first["connection"], second["connection"]}
    wait_until(lambda: first["connection"] in connections_of() and len(connections_of() - ids) == 1)
    run("sockgate_disconnect", user="alice", keep_login=True)
    wait_until(lambda: len(connections_of() - ids) == 2 and not connections_of() & ids)
    for tab in tabs:
        tab.assert_state(State.CONNECTED, within=PATIENCE_S)

    assert "signed out everywhere" in run("sockgate_disconnect", user="alice")
    for tab in tabs:
        tab.assert_closed(4500, within=PATIENCE_S)


@pytest.mark.parametrize(
    ("name", "arguments", "options", "message"),
    [
        ("sockgate_publish", ["e"], {"user": "nobody"}, "There is no user 'nobody'"),
        ("sockgate_publish", ["e"], {"group": "nobody"}, "There is no group 'nobody'"),
        ("sockgate_publish", ["e", "{"], {"all": True}, "The data is not JSON"),
        ("sockgate_publish", ["touch"], {"all": True}, "touch"),
        ("sockgate_publish", ["e"], {"channel": "a b"}, "channel"),
        ("sockgate_online", [], {"channel": "a b"}, "channel"),
        ("sockgate_disconnect", [], {"user": "nobody"}, "There is no user 'nobody'"),
    ],
)
def test_wrong_argument_is_one_line(
    name: str, arguments: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run(name, *arguments, **options)
