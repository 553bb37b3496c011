"""``manage.py sockgate_disconnect --user alice``: ends logins or connections, or a channel."""

from typing import Any

from django.core.management.base import CommandParser

from ...access.revocation import disconnect_user, revoke_channel, revoke_user
from ..operating import OperatorCommand, user_named


class Command(OperatorCommand):
    """Sign a user out everywhere, close connections, or unsubscribe from one channel."""

    help = (
        "Ends all sessions of a user, so that their connections are closed and their pages "
        "covered. With --keep-login, connections are closed, and the pages connect again. With "
        "--channel, the channel is taken away: first make AUTHORIZE refuse the user."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--user", required=True, help="the user's name, as for the login")
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--channel", help="only unsubscribe the user from this channel")
        only.add_argument(
            "--keep-login", action="store_true", help="only close connections; logins stay"
        )
        only.add_argument("--connection", default="", help="only close this one, by its id")

    def operate(self, options: dict[str, Any]) -> None:
        """End the sessions, or take the channel away."""
        user = user_named(options["user"])
        if options["channel"]:
            revoke_channel(user, options["channel"])
            self.stdout.write(f"{options['user']} was unsubscribed from {options['channel']}.")
        elif options["keep_login"] or options["connection"]:
            disconnect_user(user, options["connection"])
            self.stdout.write(f"Connections of {options['user']} were closed; logins stay.")
        else:
            revoke_user(user)
            self.stdout.write(f"{options['user']} was signed out everywhere.")
