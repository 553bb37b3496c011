"""Two gateways behind a balancer, set up as in docs/deploy.md."""

from contextlib import ExitStack
from urllib.request import urlopen

import pytest

from tests.e2e.stack import NEWS
from tests.e2e.tabs import TABS
from tests.e2e.two_hosts import BALANCERS, Site
from tests.e2e.visitor import Visitor
from tests.ports import HOST

pytestmark = pytest.mark.e2e

TABS_AFTER = 24
"""Half of them are expected at the host that came back; 4 or fewer are once in a thousand runs."""

TABS_OF_EACH = 5
"""An odd number: in turns, each would otherwise come to its own host by chance."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("hosts")).running() as site:
        yield site


@pytest.fixture
def open_tab(site):
    with ExitStack() as tabs:

        def open_tab(balancer, transport):
            origin = site.origin(balancer)
            tab = TABS[transport](f"{origin}/realtime", origin)
            tab.open()
            tabs.callback(tab.close)
            return tab

        yield open_tab


@pytest.mark.parametrize("transport", TABS)
@pytest.mark.parametrize("balancer", BALANCERS)
def test_requests_of_one_sockjs_session_reach_one_host(site, open_tab, balancer, transport):
    alice = Visitor(site.origin(balancer)).log_in("alice")
    tabs = [open_tab(balancer, transport) for _ in range(TABS_OF_EACH)]
    frames = [tab.show(alice.token()) for tab in tabs]
    assert [frame["type"] for frame in frames] == ["connected"] * TABS_OF_EACH
    site.stack.publish("user:1")
    assert [tab.read()["data"] for tab in tabs] == [NEWS] * TABS_OF_EACH


@pytest.mark.parametrize("balancer", BALANCERS)
def test_other_host_serves_while_one_is_down(site, open_tab, balancer):
    alice = Visitor(site.origin(balancer)).log_in("alice")
    site.stack.gateway.stop()
    try:
        for transport in TABS:
            assert open_tab(balancer, transport).show(alice.token())["type"] == "connected"
    finally:
        site.stack.gateway.start()


def test_host_that_came_back_gets_its_share_at_once(site, open_tab):
    """nginx tries it no more than once in 10 s, unless it has ``max_fails=0``."""
    site.stack.gateway.stop()
    try:
        for _ in range(TABS_OF_EACH):
            open_tab("nginx", "websocket")  # So that nginx has met the host that is down.
    finally:
        site.stack.gateway.start()
    for _ in range(TABS_AFTER):
        open_tab("nginx", "websocket")
    assert connections_at(site.ops_ports[0]) > 4


def connections_at(ops_port):
    with urlopen(f"http://{HOST}:{ops_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    (line,) = (line for line in lines if line.startswith("sockgate_connections "))
    return float(line.split()[1])
