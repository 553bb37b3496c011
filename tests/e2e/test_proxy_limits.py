"""The proxies' limits of docs/deploy.md, at small scale: N clients need 2 N + 200 connections."""

from contextlib import ExitStack

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.e2e import balancers
from tests.e2e.stack import running_stack
from tests.ports import HOST, free_port

pytestmark = pytest.mark.e2e

CLIENTS = 60
ORIGIN = "http://shop.test"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    with running_stack(folder, origins=ORIGIN, trusted_proxies=HOST) as stack:
        yield stack


def opened_through(stack, folder, worker_connections: int) -> int:
    """Return how many of the clients have a WebSocket at the same time."""
    port = free_port()
    gateway, django = (url.rpartition("/")[2] for url in (stack.gateway_origin, stack.origin))
    server = balancers.nginx(folder, port, django, gateway, worker_connections=worker_connections)
    server.start()
    count, url = 0, f"ws://{HOST}:{port}/realtime/websocket"
    with ExitStack() as tabs:
        tabs.callback(server.stop)
        for _ in range(CLIENTS):
            try:
                tabs.enter_context(connect(url, origin=ORIGIN, proxy=None))
            except (OSError, WebSocketException):
                break
            count += 1
    return count


def test_nginx_takes_the_clients_of_the_table(stack, tmp_path):
    assert opened_through(stack, tmp_path, 2 * CLIENTS + 200) == CLIENTS


def test_nginx_with_one_connection_for_each_client_takes_half(stack, tmp_path):
    assert opened_through(stack, tmp_path, CLIENTS) <= CLIENTS / 2
