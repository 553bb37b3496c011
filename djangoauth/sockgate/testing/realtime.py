"""``Realtime``: what a live test has of Sockgate, tabs and outages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client, override_settings

from .. import conf
from .commits import CommitRunner
from .servers import PAGE_ORIGIN, LiveServers, origins_of
from .tab import Tab


class Realtime:
    """The live servers, in one test.

    Args:
        servers: of this process.
        commits: callbacks of ``on_commit``, which run before each step of a tab.
    """

    def __init__(self, servers: LiveServers, commits: CommitRunner) -> None:
        self._servers = servers
        self._commits = commits
        self._tabs: list[Tab] = []

    @property
    def url(self) -> str:
        """The URL of the gateway."""
        return conf.current().gateway_url

    def tab(self, user: Any = None, path: str = "/", *, client: Client | None = None) -> Tab:
        """Render a page in a browser of its own, and connect as its script does.

        Args:
            user: who is logged in; None: a visitor.
            path: of the page.
            client: a test client that the tab shares, with its cookies.

        Raises:
            NoClient: the page does not connect.
            ConnectionClosed: the gateway refuses the page.
        """
        browser = client or Client()
        if user is not None:
            browser.force_login(user)
        self._commits.run()
        tab = Tab(browser, path, origin=PAGE_ORIGIN, commits=self._commits)
        self._tabs.append(tab)
        return tab

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Let the gateway be away during the block: connections are lost, nothing is delivered.

        Publications still reach Redis. At the end the gateway is ready again, and tabs come back
        by themselves.
        """
        with self._servers.gateway_away():
            yield
            self._commits.run()

    def close(self) -> None:
        """Close all tabs."""
        for tab in self._tabs:
            tab.close()
        self._tabs.clear()


@contextmanager
def realtime_of_test(servers: LiveServers, live_server_url: str) -> Iterator[Realtime]:
    """Run a test on the live servers, for pages of the test client and of one site."""
    with override_settings(SOCKGATE=servers.settings()):
        servers.require_gateway(origins_of(live_server_url) if live_server_url else ())
        servers.clear()
        realtime = Realtime(servers, CommitRunner())
        try:
            yield realtime
        finally:
            realtime.close()
