"""The configuration of docs/deploy.md, in a real nginx."""

import json
from http.client import HTTPConnection

import pytest
from websockets.sync.client import connect

from tests.e2e import balancers
from tests.e2e.stack import NEWS, running_stack
from tests.e2e.tabs import TABS, HttpRefused
from tests.e2e.visitor import Visitor
from tests.ports import HOST, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def nginx_port():
    return free_port()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, nginx_port):
    origin = f"http://{HOST}:{nginx_port}"
    folder = tmp_path_factory.mktemp("stack")
    with running_stack(folder, origins=origin, trusted_proxies=HOST) as stack:
        yield stack


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, stack, nginx_port):
    gateway, django = (url.rpartition("/")[2] for url in (stack.gateway_origin, stack.origin))
    server = balancers.nginx(tmp_path_factory.mktemp("nginx"), nginx_port, django, gateway)
    server.start()
    yield f"http://{HOST}:{nginx_port}"
    server.stop()


@pytest.mark.parametrize("transport", TABS)
def test_every_transport_passes_nginx(stack, nginx, transport):
    alice = Visitor(nginx).log_in("alice")
    tab = TABS[transport](f"{nginx}/realtime", nginx)
    tab.open()
    try:
        own = f"user:{tab.show(alice.token())['user']}"
        stack.publish(own)
        assert tab.read()["data"] == NEWS
    finally:
        tab.close()


@pytest.mark.parametrize("transport", TABS)
def test_foreign_page_is_refused_behind_nginx(nginx, transport):
    tab = TABS[transport](f"{nginx}/realtime", "https://evil.example")
    with pytest.raises(HttpRefused) as refused:
        tab.open()
    assert refused.value.status == 403


def test_client_address_is_the_one_that_nginx_forwards(stack, nginx):
    alice = Visitor(nginx).log_in("alice")
    url = nginx.replace("http", "ws") + "/realtime/websocket"
    lie = {"X-Forwarded-For": "203.0.113.9"}
    source = ("127.0.0.5", 0)
    with connect(
        url, origin=nginx, proxy=None, additional_headers=lie, source_address=source
    ) as ws:
        ws.send(json.dumps({"type": "connect", "token": alice.token()}))
        assert json.loads(ws.recv(10))["type"] == "connected"
    wait_until(lambda: "address=127.0.0.5" in stack.gateway.log.read_text())
    assert "203.0.113.9" not in stack.gateway.log.read_text()


def test_token_view_is_djangos_behind_nginx(nginx):
    connection = HTTPConnection(nginx.removeprefix("http://"), timeout=5)
    connection.request("GET", "/realtime/token/")
    assert connection.getresponse().status == 405
    connection.close()
