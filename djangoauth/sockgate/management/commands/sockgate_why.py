"""``manage.py sockgate_why --user alice --channel orders --since 10m``: what happened to a user."""

import re
from argparse import ArgumentTypeError
from time import time
from typing import Any

from django.core.management.base import CommandParser

from ...channels.inspection.sentences import tell, time_of
from ...channels.inspection.why import find_out
from ...dev.terminal import printable
from ...users.recipients import uid_of
from ..operating import OperatorCommand, user_named

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Command(OperatorCommand):
    """Ask all workers and Redis what happened to a user, and tell it in order."""

    help = (
        "Tells why a user did not get something: connects, ends with their causes, gaps, refusals, "
        "publications and sessions, in order, from all workers and from Redis."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--user", required=True, help="the user's name, as for the login")
        parser.add_argument("--channel", default="", help="only what concerns this channel")
        parser.add_argument(
            "--since", type=_duration_s, default=600.0, help="30s, 10m, 2h or 1d; default: 10m"
        )

    def operate(self, options: dict[str, Any]) -> None:
        """Print what happened, then what is so now."""
        uid = uid_of(user_named(options["user"]))
        since = time() - options["since"]
        found = find_out(uid, options["channel"], since)
        story = tell(found)
        count = len(found.asked.answers)
        workers = "1 worker" if count == 1 else f"{count} workers"
        head = f"{options['user']} (pk {uid}), since {time_of(since)} UTC; {workers} answered."
        self.stdout.write(printable(head))
        for line in story.lines:
            self.stdout.write(printable(f"{time_of(line.at)}  {line.text}"))
        self.stdout.write("Now:")
        for text in story.now:
            self.stdout.write(printable(f"  {text}"))


def _duration_s(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if found is None:
        raise ArgumentTypeError("expected a time such as 30s, 10m, 2h or 1d")
    return float(int(found[1]) * _UNITS_S[found[2]])
