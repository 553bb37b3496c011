"""The walk ends soon where Redis does not answer."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from io import StringIO
from time import monotonic
from typing import Any

import pytest
from django.core.management import call_command, get_commands
from sockgate import conf

from tests.ports import HOST

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def silent_servers() -> Iterator[list[str]]:
    """Three servers that accept connections and never answer."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server((HOST, 0))) for _ in range(3)]
        yield [f"{HOST}:{sock.getsockname()[1]}" for sock in sockets]


@pytest.mark.parametrize("url", ["redis+sentinel://{all}/shop", "redis://{first}/0"])
def test_redis_that_never_answers_costs_a_few_seconds(
    sockgate: Any, silent_servers: list[str], url: str
) -> None:
    place = url.format(all=",".join(silent_servers), first=silent_servers[0])
    sockgate.SOCKGATE = {**sockgate.SOCKGATE, "REDIS_URL": place}
    out, started_at = StringIO(), monotonic()
    with pytest.raises(SystemExit):
        call_command("sockgate_doctor", site="http://127.0.0.1:1", stdout=out)
    assert "failed   Redis" in out.getvalue()
    assert monotonic() - started_at < 6


def debug(settings: Any) -> None:
    settings.DEBUG = True
    settings.SOCKGATE = {**settings.SOCKGATE, "GATEWAY_URL": conf.DEFAULT_GATEWAY_URL}


def walk() -> str:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("sockgate_doctor", site="http://127.0.0.1:1", stdout=out)
    return out.getvalue()


def test_order_of_apps_is_named_before_redis(
    sockgate: Any, no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(get_commands(), "runserver", "django.contrib.staticfiles")
    debug(sockgate)
    text = walk()
    assert "failed   settings" in text
    assert "sockgate.W008" in text
    assert 'Put "sockgate" above "django.contrib.staticfiles"' in text
    assert "skipped  Redis" in text


def test_warnings_are_printed(sockgate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(get_commands(), "runserver", "django.contrib.staticfiles")
    debug(sockgate)
    text = walk()
    assert "1 warning(s) of manage.py check\n         sockgate.W008: manage.py runserver" in text
    assert "ok       Redis" in text
