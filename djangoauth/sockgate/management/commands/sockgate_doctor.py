"""``manage.py sockgate_doctor``: try the whole loop of the running site, and name what is wrong."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from sockgate_gateway.wire.errors import TenantError
from sockgate_gateway.wire.secrets import without_login

from ...dev.terminal import printable, signals_end_cleanly
from ...tenants import use_tenant
from ..doctor.report import Report, Step
from ..doctor.site import Site, find_site
from ..doctor.visit import Visit
from ..doctor.walk import Walk
from ..quiet import QuietCommand

TIMEOUT_S = 10.0
MAX_TIMEOUT_S = 3600.0


class Command(QuietCommand):
    """Walk through the running site as a page does; exit with 1 if a step has failed."""

    help = (
        "Tries the whole loop of the running site: settings, Redis, login, token, gateway, "
        "publication and logout, over xhr-streaming and WebSocket. Names the step that failed, the "
        "cause and the setting. Removes the user and the sessions that it makes."
    )
    requires_system_checks = []  # noqa: RUF012  (the walk makes them)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the site, the user and the format."""
        parser.add_argument(
            "--site",
            help="URL under which browsers open the site; in DEBUG runserver's",
        )
        parser.add_argument(
            "--redis", action="store_true", help="try Redis alone, and list what it can do"
        )
        parser.add_argument("--user", help="an existing user, in place of a throw-away one")
        parser.add_argument("--tenant", help='where SOCKGATE["TENANT"] is set')
        parser.add_argument("--timeout", type=float, default=TIMEOUT_S, help="seconds per answer")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Walk, and print the report."""
        if options["redis"]:
            self._try_redis(json_only=options["json"])
            return
        site, origin = find_site(options["site"])
        if not _is_site(site):
            raise CommandError("Name the site as browsers open it: --site https://www.example.com")
        if not 0 < options["timeout"] <= MAX_TIMEOUT_S:
            raise CommandError(f"--timeout must be a number of seconds up to {MAX_TIMEOUT_S:g}.")
        report = Report(self._ignore if options["json"] else self._print)
        walk = Walk(
            Site(site, options["timeout"]), Visit(options["user"]), report, options["timeout"]
        )
        if not options["json"]:
            self.stdout.write(printable(f"Site: {without_login(site)} ({origin})"))
        with signals_end_cleanly(), _in_tenant(options["tenant"]):
            walk.run()
        if options["json"]:
            found = {"site": without_login(site), "site_is": origin.value}
            self.stdout.write(json.dumps({**report.as_dict(), **found}))
        if not report.is_good:
            sys.exit(1)

    def _try_redis(self, *, json_only: bool) -> None:
        report = Report(self._ignore if json_only else self._print)
        Walk(Site("http://localhost", TIMEOUT_S), Visit(None), report, TIMEOUT_S).run_redis()
        if json_only:
            self.stdout.write(json.dumps(report.as_dict()))
        if not report.is_good:
            sys.exit(1)

    def _print(self, step: Step) -> None:
        for line in step.lines():
            self.stdout.write(printable(line))
        self.stdout.flush()

    def _ignore(self, step: Step) -> None:
        """Print nothing before the end."""


@contextmanager
def _in_tenant(tenant: str | None) -> Iterator[None]:
    with ExitStack() as block:
        if tenant is not None:
            try:
                block.enter_context(use_tenant(tenant))
            except (TenantError, ImproperlyConfigured) as error:
                raise CommandError(f"--tenant: {error}") from error
        yield


def _is_site(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
