"""``manage.py sockgate_env``: print the variables of a gateway on another host."""

import re
import shlex
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...conf.gateway_variables import SECRETS, fingerprints, variables_of_settings
from ..quiet import QuietCommand

_PLAIN = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
_SPECIAL = re.compile(r'(["$`\\])')


class Command(QuietCommand):
    """Print the gateway's variables, as Django's settings determine them."""

    help = (
        "Prints the variables of a gateway that runs elsewhere. The Redis URL and the signing keys "
        "are left out unless --secrets is given."
    )
    requires_system_checks = ["sockgate"]  # noqa: RUF012  (as Django declares it)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the format and the switch for secrets."""
        parser.add_argument(
            "--format",
            choices=("shell", "systemd"),
            default="shell",
            help="shell: export NAME=value; systemd: lines of an EnvironmentFile",
        )
        parser.add_argument(
            "--secrets",
            action="store_true",
            help="print the Redis URL and the signing keys, too",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each variable."""
        is_shell = options["format"] == "shell"
        for name, text in variables_of_settings().items():
            if name in SECRETS and not options["secrets"]:
                self.stdout.write(f"# {name} is a secret: add --secrets to print it")
            else:
                self.stdout.write(_line(name, text, is_shell=is_shell))
        self.stdout.write(f"# fingerprints of the signing keys: {' '.join(fingerprints())}")


def _line(name: str, text: str, *, is_shell: bool) -> str:
    if not text.isprintable():
        raise CommandError(f"{name} has a control character, which this format cannot hold.")
    return f"export {name}={shlex.quote(text)}" if is_shell else f"{name}={_quote(text)}"


def _quote(text: str) -> str:
    """Quote a value for systemd's EnvironmentFile; see systemd.exec(5)."""
    return text if _PLAIN.fullmatch(text) else '"' + _SPECIAL.sub(r"\\\1", text) + '"'
