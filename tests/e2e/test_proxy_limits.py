"""The proxies' limits of docs/deploy.md, at small scale."""

import re
import resource
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

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


def opened_through(server, port: int, timeout_s: float = 10, limits: str = "") -> int:
    """Return how many of the clients have a WebSocket at the same time."""
    count, url = 0, f"ws://{HOST}:{port}/realtime/websocket"
    server.command[:0] = ["sh", "-c", 'ulimit -Sn 1024; exec "$@"', "sh"]  # As Debian's default.
    server.start()
    with ExitStack() as tabs:
        tabs.callback(server.stop)
        if limits:
            assert open_files_of(server) == number_in(limits)
        for _ in range(CLIENTS):
            try:
                tabs.enter_context(connect(url, origin=ORIGIN, proxy=None, open_timeout=timeout_s))
            except (OSError, WebSocketException):
                break
            count += 1
    return count


def number_in(setting: str) -> int:
    return int(re.findall(r"\d+", setting)[0])


def open_files_of(server) -> int:
    """Return the limit of the process that serves: the proxy's child, where it has one."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    limits = Path(f"/proc/{[server.pid, *children][-1]}/limits").read_text()
    return int(re.findall(r"Max open files +(\d+)", limits)[0])


def as_permitted(setting: str) -> str:
    """Return a setting of the table; a number above this user's limit is lowered."""
    command = f"ulimit -Hn {number_in(setting)}"
    run = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    if run.returncode == 0:
        return setting
    lower = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1000
    return re.sub(r"\d+", str(lower), setting)


NGINX_FILES = balancers.for_many_clients("worker_rlimit_nofile")
HAPROXY_FILES = balancers.for_many_clients("ulimit-n")


def test_limits_of_files_of_the_table_are_enough_for_its_clients():
    connections = [number_in(one) for one in balancers.for_many_clients("worker_connections")]
    files = [number_in(one) for one in NGINX_FILES]
    assert all(most >= least + 100 for most, least in zip(files, connections, strict=True))
    assert connections[0] >= 2 * 2_000 + 200
    assert 2 * connections[1] >= 2 * 50_000 + 200, "with two processes"
    maxconn = [number_in(one) for one in balancers.for_many_clients("maxconn")]
    assert maxconn[0] >= 2_000 + 200
    assert maxconn[1] >= 50_000 + 200
    assert [number_in(one) > 2 * maxconn[1] for one in HAPROXY_FILES] == [True]


@pytest.mark.parametrize(
    ("worker_connections", "least", "most", "limits"),
    [
        (2 * CLIENTS + 200, CLIENTS, CLIENTS, NGINX_FILES[1]),
        (CLIENTS, 1, CLIENTS / 2, NGINX_FILES[0]),
    ],
    ids=["of the table", "one for each client"],
)
def test_nginx_needs_two_connections_for_each_client(
    stack, tmp_path, worker_connections, least, most, limits
):
    port, limits = free_port(), as_permitted(limits)
    server = balancers.nginx(
        tmp_path, port, *addresses(stack), worker_connections=worker_connections, limits=limits
    )
    assert least <= opened_through(server, port, limits=limits) <= most


@pytest.mark.parametrize(
    ("maxconn", "timeout_s", "least", "most", "limits"),
    [
        (CLIENTS + 200, 10, CLIENTS, CLIENTS, HAPROXY_FILES[0]),
        (CLIENTS // 2, 1, 1, CLIENTS / 2, ""),
    ],
    ids=["of the table", "half of the clients"],
)
def test_haproxy_needs_one_connection_for_each_client(
    stack, tmp_path, maxconn, timeout_s, least, most, limits
):
    port, limits = free_port(), limits and as_permitted(limits)
    django, gateway = addresses(stack)
    server = balancers.haproxy(
        tmp_path, port, django, (gateway, gateway), (OPS, OPS), maxconn=maxconn, limits=limits
    )
    assert least <= opened_through(server, port, timeout_s, limits) <= most


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
