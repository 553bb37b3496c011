"""Two gateways behind a balancer, set up as in docs/deploy.md."""

from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e import balancers
from tests.e2e.stack import NEWS, running_stack
from tests.e2e.tabs import TABS
from tests.e2e.visitor import Visitor
from tests.ports import HOST, free_port

pytestmark = pytest.mark.e2e

TABS_OF_EACH = 5
"""An odd number: in turns, each would otherwise come to its own host by chance."""


class Site:
    """Django and two gateways, behind one address."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = {name: free_port() for name in ("nginx", "haproxy", "other")}
        self.ops_ports = (free_port(), free_port())

    @contextmanager
    def running(self):
        origins = ",".join(f"http://{HOST}:{self.ports[name]}" for name in ("nginx", "haproxy"))
        first, second = (
            {"origins": origins, "trusted_proxies": HOST, "ops_port": str(port)}
            for port in self.ops_ports
        )
        with running_stack(self.folder, **first) as self.stack, ExitStack() as others:
            other = str(self.ports["other"])
            others.enter_context(self.stack.another_gateway(port=other, **second))
            for balancer in (self._nginx(), self._haproxy()):
                balancer.start()
                others.callback(balancer.stop)
            yield self

    def origin(self, balancer):
        return f"http://{HOST}:{self.ports[balancer]}"

    @property
    def _addresses(self):
        django, gateway = self.stack.origin, self.stack.gateway_origin
        return *(
            url.rpartition("/")[2] for url in (django, gateway)
        ), f"{HOST}:{self.ports['other']}"

    def _nginx(self):
        django, gateway, other = self._addresses
        folder = self.folder / "nginx"
        folder.mkdir()
        return balancers.nginx(folder, self.ports["nginx"], django, gateway, other)

    def _haproxy(self):
        django, *gateways = self._addresses
        port = self.ports["haproxy"]
        return balancers.haproxy(self.folder, port, django, tuple(gateways), self.ops_ports)


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
@pytest.mark.parametrize("balancer", ["nginx", "haproxy"])
def test_requests_of_one_sockjs_session_reach_one_host(site, open_tab, balancer, transport):
    alice = Visitor(site.origin(balancer)).log_in("alice")
    tabs = [open_tab(balancer, transport) for _ in range(TABS_OF_EACH)]
    frames = [tab.show(alice.token()) for tab in tabs]
    assert [frame["type"] for frame in frames] == ["connected"] * TABS_OF_EACH
    site.stack.publish("user:1")
    assert [tab.read()["data"] for tab in tabs] == [NEWS] * TABS_OF_EACH


@pytest.mark.parametrize("balancer", ["nginx", "haproxy"])
def test_other_host_serves_while_one_is_down(site, open_tab, balancer):
    alice = Visitor(site.origin(balancer)).log_in("alice")
    site.stack.gateway.stop()
    try:
        for transport in TABS:
            assert open_tab(balancer, transport).show(alice.token())["type"] == "connected"
    finally:
        site.stack.gateway.start()
