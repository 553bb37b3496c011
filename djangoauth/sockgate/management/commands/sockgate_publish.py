"""``manage.py sockgate_publish news '{"title": "Hello"}' --user alice``."""

import json
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import CommandError, CommandParser

from ...publishing.calls import broadcast, publish, publish_to, publish_to_group
from ..operating import OperatorCommand, user_named


class Command(OperatorCommand):
    """Publish to a user, a group, a channel or everybody."""

    help = "Publishes an event to a user, a group, a channel or everybody who is connected."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("event")
        parser.add_argument("data", nargs="?", default="null", help="as JSON; default: null")
        to = parser.add_mutually_exclusive_group(required=True)
        to.add_argument("--user", help="the user's name, as for the login")
        to.add_argument("--group", help="the name of a Django group")
        to.add_argument("--channel")
        to.add_argument("--all", action="store_true", help="everybody who is connected")
        parser.add_argument("--sequenced", action="store_true", help="recovered by absent pages")

    def operate(self, options: dict[str, Any]) -> None:
        """Publish, and say how many gateways received it."""
        try:
            data = json.loads(options["data"])
        except ValueError as error:
            raise CommandError(f"The data is not JSON: {error}.") from None
        what = (options["event"], data)
        # A namespace of sequenced publications needs no flag.
        how: dict[str, Any] = {"on_commit": False}
        if options["sequenced"]:
            how["sequenced"] = True
        if options["user"]:
            received = publish(user_named(options["user"]), *what, **how)
        elif options["group"]:
            received = publish_to_group(_group_named(options["group"]), *what, **how)
        elif options["channel"]:
            received = publish_to(options["channel"], *what, **how)
        else:
            received = broadcast(*what, **how)
        self.stdout.write(f"Workers of gateways that received it: {received}.")


def _group_named(name: str) -> Group:
    try:
        return Group.objects.get(name=name)
    except Group.DoesNotExist:
        raise CommandError(f"There is no group {name!r}.") from None
