"""``manage.py runserver``: Django's, with the gateway and, where needed, a Valkey beside it.

With DEBUG off it is the next command of that name, unchanged.
"""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.servers.basehttp import ServerHandler
from sockgate_gateway.wire.secrets import masked

from ...dev.beside import servers_beside
from ...dev.next_command import next_runserver
from ...dev.planning import Served
from ..quiet import QuietUsage


class Command(QuietUsage, next_runserver()):  # type: ignore[misc]  # of whichever app comes next
    """The next app's ``runserver``, with the servers of Sockgate beside it."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the switch for the gateway."""
        super().add_arguments(parser)
        parser.add_argument(
            "--no-gateway",
            action="store_false",
            dest="use_gateway",
            help="Starts Django without the gateway of Sockgate.",
        )

    def run(self, **options: Any) -> None:
        """Run Django, with the servers beside it in DEBUG."""
        _mask_variables()
        if not settings.DEBUG or os.name != "posix":
            super().run(**options)
            return
        served = Served(
            address=self.addr, port=int(self.port), use_gateway=options.get("use_gateway", True)
        )
        with servers_beside(served, self.stdout.write, use_reloader=options["use_reloader"]):
            super().run(**options)


def _mask_variables() -> None:
    """Mask our variables in ``request.META``, which Django's error page shows.

    The server of wsgiref puts all variables of the environment there.
    """
    environ = ServerHandler.os_environ.items()
    ServerHandler.os_environ = {
        name: masked(text) if name.startswith("SOCKGATE_") else text for name, text in environ
    }
