"""``manage.py sockgate_signals``: send the signals ``user_online`` and ``user_offline``."""

import signal
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import conf
from ...channels.online import user_offline, user_online
from ...channels.online_sender import CLAIM_AFTER_S, SignalSender
from ..quiet import QuietCommand


class Command(QuietCommand):
    """Send the signals until SIGTERM or Ctrl-C; the present receiver is not interrupted."""

    help = (
        "Sends the signals user_online and user_offline, each to one process: it may run several "
        'times. Needs SOCKGATE["PRESENCE_SIGNALS"] = True, for the gateway, too.'
    )
    requires_system_checks = ["sockgate"]  # noqa: RUF012  (as Django declares it)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the time after which the events of a killed process are read again."""
        parser.add_argument(
            "--claim-after",
            type=float,
            default=CLAIM_AFTER_S,
            help="seconds after which an event that another process has read, and not finished, "
            "is read again; more than the slowest receiver takes",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Send signals.

        Raises:
            CommandError: the setting is off, or the option is not a time.
        """
        if not conf.current().presence_signals:
            raise CommandError(
                'SOCKGATE["PRESENCE_SIGNALS"] is not True, so that gateways note nobody. Set it, '
                "and restart the gateway with it (manage.py sockgate_env prints its variables)."
            )
        if not 0 < options["claim_after"] < float("inf"):
            raise CommandError("--claim-after must be a number of seconds above 0.")
        if not (user_online.receivers or user_offline.receivers):
            self.stderr.write("No receiver is connected: import your receivers in AppConfig.ready.")
        sender = SignalSender(options["claim_after"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sender.stop())
        self.stdout.write("Sending user_online and user_offline.")
        self.stdout.flush()
        sender.run()
