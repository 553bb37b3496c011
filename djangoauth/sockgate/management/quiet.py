"""Commands whose usage errors quote no value, because it may be a secret."""

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

_UNKNOWN = "unrecognized arguments: "
_FLAG = re.compile(r"--[a-z][a-z-]{1,30}(?=$|=)")
_QUOTED = re.compile(r"(value: |choice: |argument )(['\"]).*?\2(?=$| \(choose)", re.DOTALL)


def without_values(message: str) -> str:
    """Return an error of argparse without what was typed behind its flags."""
    if message.startswith(_UNKNOWN):
        words = message.removeprefix(_UNKNOWN).split()
        flags = [match[0] for word in words if (match := _FLAG.match(word))]
        return f"unknown: {', '.join(flags) or 'an argument without a flag'}"
    return _QUOTED.sub(r"\1<not shown>", message)


class QuietUsage:
    """Before a command class: its usage errors quote no value."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser of the command line."""
        parser: CommandParser = super().create_parser(  # type: ignore[misc]  # of the command
            prog_name, subcommand, **kwargs
        )
        fail = parser.error
        parser.error = lambda message: fail(without_values(message))  # type: ignore[method-assign]
        return parser


class QuietCommand(QuietUsage, BaseCommand):
    """A command whose usage errors quote no value."""
