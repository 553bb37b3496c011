"""``manage.py sockgate_gateway``: run the gateway with Django's settings."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import CommandParser
from redis import RedisError

from ...channels import namespaces
from ...conf.gateway_variables import merged, overruled, variables_of_settings
from ..quiet import QuietCommand


class Command(QuietCommand):
    """Become the gateway: the process keeps its id, so signals and systemd reach the gateway."""

    help = (
        "Runs the gateway with Django's Redis, signing keys, prefixes and namespaces. Flags of the "
        "gateway pass through; python -m sockgate_gateway --help lists them."
    )
    requires_system_checks = ["sockgate"]  # noqa: RUF012  (as Django declares it)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make a parser that collects the gateway's flags, which Django does not know."""
        parser = super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

        def parse_args(args: Sequence[str] | None = None, _: None = None) -> argparse.Namespace:
            options, flags = parser.parse_known_args(args)
            options.flags = flags
            return options

        parser.parse_args = parse_args  # type: ignore[assignment]
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the namespaces, and become the gateway."""
        ours = variables_of_settings()
        for name in overruled(os.environ, ours):
            self.stderr.write(f"{name} of the environment is not used: Django's settings differ.")
        self._write_namespaces()
        self._become_gateway(options["flags"], merged(os.environ, ours))

    def _write_namespaces(self) -> None:
        try:
            namespaces.sync()
        except RedisError as error:  # The gateway waits for Redis. Django writes them again.
            self.stderr.write(f"The namespaces are not written yet: {type(error).__name__}.")

    def _become_gateway(self, flags: Sequence[str], environ: Mapping[str, str]) -> None:
        self.stdout.flush()
        self.stderr.flush()
        command = [sys.executable, "-m", "sockgate_gateway", *flags]
        os.execve(sys.executable, command, environ)  # noqa: S606  (no shell is wanted)
