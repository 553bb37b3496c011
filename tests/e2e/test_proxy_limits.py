"""The proxies' limits of docs/deploy.md, at small scale."""

import shutil
import subprocess
import sys
from contextlib import ExitStack

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.e2e import balancers, few_ports
from tests.e2e.stack import ROOT, running_stack
from tests.ports import HOST, free_port

pytestmark = pytest.mark.e2e

CLIENTS = 60
ORIGIN = "http://shop.test"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    with running_stack(folder, origins=ORIGIN, trusted_proxies=HOST, ops_port=str(OPS)) as stack:
        yield stack


OPS = free_port(in_a_row=2) + 1


def addresses(stack) -> tuple[str, str]:
    """Return host and port of Django, and of the gateway."""
    django, gateway = (url.rpartition("/")[2] for url in (stack.origin, stack.gateway_origin))
    return django, gateway


def opened_through(server, port: int, timeout_s: float = 10) -> int:
    """Return how many of the clients have a WebSocket at the same time."""
    count, url = 0, f"ws://{HOST}:{port}/realtime/websocket"
    server.start()
    with ExitStack() as tabs:
        tabs.callback(server.stop)
        for _ in range(CLIENTS):
            try:
                tabs.enter_context(connect(url, origin=ORIGIN, proxy=None, open_timeout=timeout_s))
            except (OSError, WebSocketException):
                break
            count += 1
    return count


@pytest.mark.parametrize(
    ("worker_connections", "least", "most"),
    [(2 * CLIENTS + 200, CLIENTS, CLIENTS), (CLIENTS, 1, CLIENTS / 2)],
    ids=["of the table", "one for each client"],
)
def test_nginx_needs_two_connections_for_each_client(
    stack, tmp_path, worker_connections, least, most
):
    port = free_port()
    server = balancers.nginx(
        tmp_path, port, *addresses(stack), worker_connections=worker_connections
    )
    assert least <= opened_through(server, port) <= most


@pytest.mark.parametrize(
    ("maxconn", "timeout_s", "least", "most"),
    [(CLIENTS + 200, 10, CLIENTS, CLIENTS), (CLIENTS // 2, 1, 1, CLIENTS / 2)],
    ids=["of the table", "half of the clients"],
)
def test_haproxy_needs_one_connection_for_each_client(
    stack, tmp_path, maxconn, timeout_s, least, most
):
    port = free_port()
    django, gateway = addresses(stack)
    server = balancers.haproxy(
        tmp_path, port, django, (gateway, gateway), (OPS, OPS), maxconn=maxconn
    )
    assert least <= opened_through(server, port, timeout_s) <= most


needs_networks = pytest.mark.skipif(
    not (shutil.which("unshare") and shutil.which("ip"))
    or subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0,
    reason="this user may not make a network namespace",
)


@needs_networks
def test_proxy_needs_another_address_of_the_gateway_for_more_clients_than_local_ports(tmp_path):
    run = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.e2e.few_ports", tmp_path],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    one, two = map(int, run.stdout.split())
    assert few_ports.PORTS / 2 <= one <= few_ports.PORTS
    assert two == few_ports.CLIENTS
