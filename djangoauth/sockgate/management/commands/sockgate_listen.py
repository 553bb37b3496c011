"""``manage.py sockgate_listen --user alice``: prints what a user receives."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.http import HttpRequest
from redis import RedisError
from sockgate_gateway.wire.errors import ChannelNameError

from ...access.grants import issue_grant
from ...access.temporary_sessions import temporary_request
from ...client import (
    CallableSource,
    Client,
    ClientError,
    CredentialsError,
    Event,
    IssuedGrant,
    Message,
    StateChanged,
    Unsubscribed,
)
from ...dev.terminal import printable, signals_end_cleanly
from ...errors import SubscriptionRefused
from ..logins import active_user, connections_closed, gateway_url, token_of
from ..operating import in_tenant
from ..quiet import QuietCommand


class Command(QuietCommand):
    """Connect as a user, with a login of its own, and print events until Ctrl-C."""

    help = (
        "Prints what a user receives: one line for each message, on standard output. Changes of "
        "the connection go to standard error. The command logs in by itself, and out at the end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--user", required=True, help="the user's name, as for the login")
        parser.add_argument(
            "--channel",
            action="append",
            default=[],
            help="also subscribe to this channel, if AUTHORIZE allows it; may be repeated",
        )
        parser.add_argument("--url", help="of the gateway; default: GATEWAY_URL, if it is a URL")
        parser.add_argument("--tenant", help='where SOCKGATE["TENANT"] is set')
        parser.add_argument("--count", type=int, help="the number of messages after which it ends")
        parser.add_argument("--json", action="store_true", help="print each message as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print events.

        Raises:
            CommandError: the user may not connect or subscribe, or a setting is wrong.
        """
        url = gateway_url(options["url"])
        with (
            _errors_of_command(),
            signals_end_cleanly(),
            in_tenant(options["tenant"]),
            temporary_request(active_user(options["user"])) as request,
            suppress(KeyboardInterrupt),
        ):
            self._listen(request, url, options)

    def _listen(self, request: HttpRequest, url: str, options: dict[str, Any]) -> None:
        left = options["count"]
        with Client(_source_of(request), url=url) as client:
            for channel in options["channel"]:
                client.subscribe(channel, timeout_s=0)
            for event in client:
                if not isinstance(event, Message):
                    self._report(event, options["channel"])
                    continue
                self.stdout.write(printable(_line_of(event, is_json=options["json"])))
                self.stdout.flush()
                left = None if left is None else left - 1
                if left == 0:
                    return

    def _report(self, event: Event, channels: list[str]) -> None:
        if isinstance(event, Unsubscribed) and event.channel in channels and event.code:
            why = printable(f"({event.code}): {event.message}")
            raise CommandError(f"{event.channel} is rejected {why}")
        self.stderr.write(printable(_report_of(event)))


def _report_of(event: Event) -> str:
    if isinstance(event, StateChanged):
        why = f" {event.code} {event.reason}" if event.code or event.reason else ""
        return f"{event.state.value}{why}"
    return f"{type(event).__name__.lower()} {json.dumps(asdict(event), ensure_ascii=False)}"


def _line_of(message: Message, *, is_json: bool) -> str:
    if is_json:
        return json.dumps(asdict(message), ensure_ascii=False)
    return f"{message.channel} {message.event} {json.dumps(message.data, ensure_ascii=False)}"


def _source_of(request: HttpRequest) -> CallableSource:
    def get_grant(channel: str) -> IssuedGrant:
        try:
            with connections_closed():
                issued = issue_grant(request, channel)
        except SubscriptionRefused:
            reason = 'SOCKGATE["AUTHORIZE"] does not allow it'
            raise CredentialsError(reason, 403, is_final=True) from None
        except ChannelNameError as error:
            raise CredentialsError(str(error), 400, is_final=True) from None
        return IssuedGrant(issued.text, issued.expires_in_s)

    return CallableSource(lambda: token_of(request), get_grant)


@contextmanager
def _errors_of_command() -> Iterator[None]:
    try:
        yield
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    except RedisError as error:
        raise CommandError(f"Redis does not answer: {type(error).__name__}.") from error
    except ClientError as error:
        raise CommandError(f"The connection is {error}.") from error
