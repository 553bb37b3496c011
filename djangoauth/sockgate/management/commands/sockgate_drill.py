"""``manage.py sockgate_drill --tabs 500 --restart``: a rehearsal before going live."""

import asyncio
import json
from argparse import ArgumentTypeError
from contextlib import ExitStack
from dataclasses import asdict
from secrets import token_hex
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils.module_loading import import_string
from sockgate_gateway.wire.names import check_channel

from ...access.temporary_sessions import temporary_request
from ...client import CredentialSource, SiteSession
from ...dev.terminal import printable, signals_end_cleanly
from ..drill.drill import Plan, drill
from ..drill.tabs import MAX_CALLS, OwnLogin
from ..drill.tally import table_of
from ..logins import active_user, gateway_url
from ..operating import OperatorCommand


class Command(OperatorCommand):
    """Open many tabs, let something happen, and say what was lost."""

    help = (
        "Opens simulated tabs, publishes numbers to them all the time, and does what the options "
        "say, in their order. Then it prints for each: tabs that were away, and for how long; "
        "numbers that were lost, or came twice; and how many tokens and grants the tabs asked for "
        "in the worst second. The exit status is 1 if something was lost without a gap, came "
        "twice, or a tab did not come back. For a staging site: it puts real load on it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--tabs", type=_whole, default=100, help="default: 100")
        parser.add_argument(
            "--user",
            action="append",
            default=[],
            help="whose tabs; may be repeated. Default: active users, one for each tab",
        )
        parser.add_argument(
            "--login",
            help="a function, as package.module.function, that receives the number of a tab and "
            "returns the cookies of a login; then tokens and grants come from --site",
        )
        parser.add_argument("--site", help="with --login: its origin, such as https://shop.example")
        parser.add_argument(
            "--channel",
            default="drill",
            help='default: "drill", for which AUTHORIZE is not asked unless --login is given',
        )
        parser.add_argument("--url", help="of the gateway; default: GATEWAY_URL, if it is a URL")
        parser.add_argument(
            "--rate", type=_positive, default=5.0, help="numbers a second; default: 5"
        )
        parser.add_argument(
            "--watch", type=_positive, default=10.0, help="seconds after each step; default: 10"
        )
        parser.add_argument(
            "--limit",
            type=_positive,
            default=60.0,
            help="seconds more for the last tab to come back; default: 60",
        )
        _add_steps(parser)
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def operate(self, options: dict[str, Any]) -> None:
        """Carry the drill out, and print what happened."""
        with signals_end_cleanly(), ExitStack() as logins:
            results = asyncio.run(self._drill(options, logins))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in results]))
        else:
            for line in table_of(results):
                self.stdout.write(printable(line))
        if not all(one.is_good for one in results):
            raise CommandError("Not all went well: see the columns not back, lost and twice.")

    async def _drill(self, options: dict[str, Any], logins: ExitStack) -> Any:
        channel = check_channel(options["channel"])
        slots = asyncio.Semaphore(MAX_CALLS)
        sources = await asyncio.to_thread(_sources, options, logins, slots)
        plan = Plan(
            channel,
            options["url"] or ("" if options["login"] else gateway_url(None)),
            options["rate"],
            options["watch"],
            options["limit"],
            options["steps"],
            token_hex(8),
        )
        return await drill(plan, sources, lambda text: self.stderr.write(printable(text)), input)


def _add_steps(parser: CommandParser) -> None:
    parser.add_argument(
        "--restart",
        dest="steps",
        action="append_const",
        const=("restart", ""),
        default=[],
        help="restart the workers of this host one after another (SIGHUP to their supervisor)",
    )
    parser.add_argument(
        "--kill-worker",
        dest="steps",
        action="append_const",
        const=("kill-worker", ""),
        help="kill one worker of this host",
    )
    parser.add_argument(
        "--run",
        dest="steps",
        action="append",
        type=lambda text: ("run", text),
        help="run a command, such as 'systemctl restart sockgate'; may be repeated",
    )
    parser.add_argument(
        "--ask",
        dest="steps",
        action="append",
        type=lambda text: ("ask", text),
        help="ask you to do something, such as 'Fail Redis over'; may be repeated",
    )


def _sources(
    options: dict[str, Any], logins: ExitStack, slots: asyncio.Semaphore
) -> list[CredentialSource]:
    tabs = range(options["tabs"])
    if options["login"]:
        if not options["site"]:
            raise CommandError("--login needs --site, the origin that gives tokens and grants.")
        log_in = _function(options["login"])
        return [SiteSession(options["site"], log_in(number)) for number in tabs]
    users = [active_user(name) for name in options["user"]]
    users = users or list(get_user_model()._default_manager.filter(is_active=True)[: len(tabs)])
    if not users:
        raise CommandError("There is no active user. Name one with --user.")
    requests = [logins.enter_context(temporary_request(user)) for user in users]
    return [OwnLogin(requests[number % len(requests)], slots) for number in tabs]


def _function(name: str) -> Any:
    try:
        function = import_string(name)
    except ImportError as error:
        raise CommandError(f"--login cannot be imported: {error}.") from error
    if not callable(function):
        raise CommandError("--login must name a function.")
    return function


def _whole(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 10_000:
        raise ArgumentTypeError("expected a number from 1 to 10000")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 3600:
        raise ArgumentTypeError("expected a number above 0, at most 3600")
    return number
