"""``RealtimeLiveServerTestCase``, with the real gateway."""

import errno
from contextlib import ExitStack
from functools import cache
from typing import Any, ClassVar

from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import Client, override_settings

from ..conf.defaults.ports import HOST, free_port, is_free
from .assertions import PublicationAssertions
from .capture import capturing
from .commits import CommitRunner
from .publications import CapturedPublications
from .realtime import Realtime
from .servers import live_servers, origins_of
from .tab import Tab


class RealtimeLiveServerTestCase(PublicationAssertions, StaticLiveServerTestCase):
    """A ``LiveServerTestCase`` with the real gateway on a real Valkey.

    ``self.tab(user, path)`` opens tabs, and ``self.realtime`` has the rest. Pages of
    ``self.live_server_url`` may connect, too.
    """

    realtime: Realtime
    _live: ClassVar[ExitStack]

    @classmethod
    def setUpClass(cls) -> None:
        """Start the site's server, and the gateway unless it runs."""
        cls.port = _port_of_site()
        try:
            super().setUpClass()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            cls.port = _port_of_site()  # Another program has just taken it.
            super().setUpClass()
        cls._live = ExitStack()
        cls.addClassCleanup(cls._live.close)
        servers = live_servers()
        cls._live.enter_context(override_settings(SOCKGATE=servers.settings()))
        servers.require_gateway(origins_of(cls.live_server_url))

    def run(self, result: Any = None) -> Any:
        """Run the test with tabs, which are closed at its end."""
        live_servers().clear()
        self.realtime = Realtime(live_servers(), CommitRunner())
        with capturing(CapturedPublications(), is_sent=True) as self.publications:
            try:
                return super().run(result)
            finally:
                self.realtime.close()

    def tab(self, user: Any = None, path: str = "/", *, client: Client | None = None) -> Tab:
        """Open a tab; see ``Realtime.tab``."""
        return self.realtime.tab(user, path, client=client)


@cache
def _chosen_port() -> int:
    return free_port()


def _port_of_site() -> int:
    """Return one port for the sites of all classes, so that the gateway knows their origin.

    Another program may take it between two classes. Then a new one is chosen, and the gateway
    starts again.
    """
    if not is_free(HOST, _chosen_port()):
        _chosen_port.cache_clear()
    return _chosen_port()
