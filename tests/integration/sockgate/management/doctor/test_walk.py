"""The walk ends soon where Redis does not answer."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from io import StringIO
from time import monotonic
from typing import Any

import pytest
from django.core.management import call_command

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
