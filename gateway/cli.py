"""The command line: ``python -m gateway``, or the script ``sockgate``."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields

from . import __version__, logs, workers
from .config import Config, is_secret, load
from .errors import ConfigError

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway.

    Returns:
        The exit status: 0 after a clean stop, 1 when it could not serve, 2 when the
        configuration is wrong.
    """
    options = _parser().parse_args(argv)
    flags = {
        name: value
        for name, value in vars(options).items()
        if value is not None and name != "check_config"
    }
    try:
        config = load(flags, os.environ)
    except ConfigError as error:
        for problem in error.problems:
            print(f"sockgate: {problem}", file=sys.stderr)
        return USAGE_ERROR
    if options.check_config:
        print("sockgate: the configuration is good")
        return 0
    logs.set_up(config.log_level, config.log_format)
    return workers.run(config)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sockgate",
        description="Push to the browsers that Django has logged in.",
        epilog="Every flag is also a variable: --max-outbox is SOCKGATE_MAX_OUTBOX. "
        "SOCKGATE_REDIS_URL and SOCKGATE_SIGNING_KEYS hold secrets and are variables only.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--check-config", action="store_true", help="say what is wrong, and exit (2 if anything is)"
    )
    for option in fields(Config):
        if not is_secret(option.name):
            parser.add_argument(
                f"--{option.name.replace('_', '-')}",
                metavar=option.metadata["kind"].metavar,
                help=f"{option.metadata['help']} (default: {_shown(option.default)})",
            )
    return parser


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, float):
        return f"{default:g}"
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    return (text or "none").replace("%", "%%")
