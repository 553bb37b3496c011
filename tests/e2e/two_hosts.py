"""Django and two gateways behind the balancers of docs/deploy.md, one nginx and one HAProxy."""

from contextlib import ExitStack, contextmanager

from tests.e2e import balancers
from tests.e2e.stack import running_stack
from tests.ports import HOST, free_port

BALANCERS = ("nginx", "haproxy")


class Site:
    """Django and two gateways, behind one address."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = {name: free_port() for name in (*BALANCERS, "other")}
        self.ops_ports = (free_port(), free_port())

    @contextmanager
    def running(self):
        origins = ",".join(f"http://{HOST}:{self.ports[name]}" for name in BALANCERS)
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
