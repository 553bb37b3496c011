"""``manage.py sockgate_online``: who has a page open."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser

from ...channels.presence import presence
from ...dev.terminal import printable
from ..operating import OperatorCommand

_BATCH = 500
"""How many names are read in one query."""


class Command(OperatorCommand):
    """Print how many users are connected, and the first of them by name."""

    help = "Prints how many users are connected, or on a channel, and who they are."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--channel", default="broadcast", help="default: all connections")
        parser.add_argument("--search", default="", help="only names that contain this text")
        parser.add_argument("--limit", type=int, default=50, help="of names; default: 50")
        parser.add_argument("--json", action="store_true")

    def operate(self, options: dict[str, Any]) -> None:
        """Print the numbers, and at most ``--limit`` names."""
        present = presence(options["channel"])
        named = _named(present.users, options["search"])
        shown = list(islice(named, max(options["limit"], 0)))
        counts = {
            "users": len(present.users),
            "connections": sum(present.users.values()) + present.anonymous,
            "anonymous": present.anonymous,
        }
        if options["json"]:
            self.stdout.write(json.dumps({**counts, "shown": shown}))
            return
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))
        for user in shown:
            line = f"{user['name']} (pk {user['pk']}): {user['connections']}"
            self.stdout.write(printable(line))


def _named(users: dict[str, int], search: str) -> Iterator[dict[str, Any]]:
    """Yield users with their names, those with the most connections first."""
    uids = sorted(users, key=lambda uid: (-users[uid], uid))
    manager = get_user_model()._default_manager
    for start in range(0, len(uids), _BATCH):
        batch = uids[start : start + _BATCH]
        found = {str(user.pk): user for user in manager.filter(pk__in=batch)}
        for uid in batch:
            name = found[uid].get_username() if uid in found else "a deleted user"
            if search.casefold() in name.casefold():
                yield {"pk": uid, "name": name, "connections": users[uid]}
