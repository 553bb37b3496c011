"""``manage.py sockgate_disconnect --user alice``: ends logins, or takes a channel away."""

from typing import Any

from django.core.management.base import CommandParser

from ...access.revocation import revoke_channel, revoke_user
from ..operating import OperatorCommand, user_named


class Command(OperatorCommand):
    """Sign a user out everywhere, or unsubscribe them from one channel."""

    help = (
        "Ends all sessions of a user, so that their connections are closed and their pages "
        "covered. With --channel, the login stays, and the channel is taken away: first make "
        "AUTHORIZE refuse the user."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--user", required=True, help="the user's name, as for the login")
        parser.add_argument("--channel", help="only unsubscribe the user from this channel")

    def operate(self, options: dict[str, Any]) -> None:
        """End the sessions, or take the channel away."""
        user = user_named(options["user"])
        if options["channel"]:
            revoke_channel(user, options["channel"])
            self.stdout.write(f"{options['user']} was unsubscribed from {options['channel']}.")
        else:
            revoke_user(user)
            self.stdout.write(f"{options['user']} was signed out everywhere.")
