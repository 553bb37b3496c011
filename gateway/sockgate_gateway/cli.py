"""The command line: ``python -m sockgate_gateway``, or the script ``sockgate``."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import NoReturn

from . import __version__
from .advisories import GATEWAY_PACKAGES, known_holes
from .broker.capability_watch import missing_at
from .broker.deployments import find_conflict
from .config.config import Config, is_secret, variable
from .config.loading import load
from .errors import BrokerUnavailable, ConfigError, RegistryForbidden
from .loop.descriptors import Capacity, hard_limit
from .redis_servers.credentials import CredentialsError
from .redis_servers.errors import remedy_for
from .server import logs, private_names, startup
from .wire.deployments import TTL_S
from .wire.key_ids import key_ids
from .wire.names import user_channel

USAGE_ERROR = 2

_OPTIONS = frozenset(option.name for option in fields(Config))
_FLAG = re.compile(r"--[a-z][a-z-]{1,40}")
_EXPLICIT_VALUE = re.compile(r"ignored explicit argument .*", re.DOTALL)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway.

    Returns:
        The exit status: 0 after a clean stop, 1 when it could not serve, 2 when the
        configuration is wrong.
    """
    logs.open_standard_streams()
    options = _read_flags(_parser(), argv)
    if problem := next(private_names.problems(), ""):
        print(f"sockgate: {problem}", file=sys.stderr)
        return USAGE_ERROR
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
    try:
        problem, note = _compare_deployments(config)
    except CredentialsError as error:
        problem, note = f"SOCKGATE_REDIS_CREDENTIALS: {error}", ""
    if problem:
        print(f"sockgate: {problem}", file=sys.stderr)
        return USAGE_ERROR
    if options.check_config:
        _warn_of_descriptors(config)
        for hole in known_holes(GATEWAY_PACKAGES):
            print(f"sockgate: warning: {hole}", file=sys.stderr)
        if note:
            print(f"sockgate: warning: {note}", file=sys.stderr)
        if not _tell_missing(config):
            return USAGE_ERROR
        _report(config)
        return 0
    logs.set_up(config.log_level, config.log_format)
    return startup.run(config)


def _warn_of_descriptors(config: Config) -> None:
    """Warn when the configured connections need more file descriptors than the limit allows."""
    wanted = Capacity(config.max_connections, config.max_unauthenticated)
    limit = hard_limit()
    given = wanted.within(limit)
    if given != wanted:
        print(
            f"sockgate: warning: SOCKGATE_MAX_CONNECTIONS={wanted.connections} and "
            f"SOCKGATE_MAX_UNAUTHENTICATED={wanted.unauthenticated} need {wanted.descriptors} file "
            f"descriptors in each worker, and {limit} are permitted. The gateway would serve "
            f"{given.connections} and {given.unauthenticated}; raise LimitNOFILE= in the systemd "
            "unit, or ulimit -n",
            file=sys.stderr,
        )


class _Parser(argparse.ArgumentParser):
    """A parser whose errors quote no value, because it may be a secret."""

    def error(self, message: str) -> NoReturn:
        """Print an error, and exit."""
        super().error(_EXPLICIT_VALUE.sub("takes no value", message))


def _read_flags(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    options, unknown = parser.parse_known_args(argv)
    if unknown:
        texts = (text.partition("=")[0] for text in unknown)
        names = {text[2:].replace("-", "_"): text for text in texts if _FLAG.fullmatch(text)}
        secrets = [variable(name) for name in names if name in _OPTIONS and is_secret(name)]
        if secrets:
            parser.error(f"{' and '.join(secrets)}: a secret is a variable, never a flag")
        parser.error(f"unknown flags: {', '.join(names.values()) or 'an argument without a flag'}")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="sockgate",
        allow_abbrev=False,
        description="Push to the browsers that Django has logged in.",
        epilog="Every flag is also a variable: --max-outbox is SOCKGATE_MAX_OUTBOX. "
        "SOCKGATE_REDIS_URL and SOCKGATE_SIGNING_KEYS hold secrets and are variables only.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--check-config",
        action="store_true",
        help="check the configuration, and exit (2 if it is wrong)",
    )
    for option in fields(Config):
        if not is_secret(option.name):
            parser.add_argument(
                f"--{option.name.replace('_', '-')}",
                metavar=option.metadata["kind"].metavar,
                help=option.metadata["help"] + _default(option.default),
            )
    return parser


def _report(config: Config) -> None:
    print("sockgate: the configuration is good")
    channel = config.names.channel(user_channel("1"))
    print(f"sockgate: to push to the user with primary key 1: PUBLISH {channel}")
    print(f"sockgate: fingerprints of the signing keys: {', '.join(key_ids(config.signing_keys))}")


def _compare_deployments(config: Config) -> tuple[str, str]:
    """Compare with the deployments on this Redis server.

    Returns:
        A problem, and a note why the comparison was impossible; either may be empty.
    """
    try:
        return asyncio.run(find_conflict(config, _note_wait)), ""
    except BrokerUnavailable as error:
        return "", _unreachable(str(error))
    except RegistryForbidden as error:
        return "", f"not compared with other deployments: {error}"


def _tell_missing(config: Config) -> bool:
    """Print what this Redis cannot do, and return whether the gateway could serve."""
    try:
        missing = asyncio.run(missing_at(config))
    except BrokerUnavailable:  # The comparison of deployments has said so.
        return True
    for one in missing:
        kind = "" if one.capability.is_needed else "warning: "
        print(f"sockgate: {kind}{one}", file=sys.stderr)
    return not any(one.capability.is_needed for one in missing)


def _note_wait(problem: str) -> None:
    print(
        f"sockgate: waiting for up to {TTL_S} s: either that gateway was killed and is forgotten "
        f"then, or it lives: {problem}",
        file=sys.stderr,
    )


def _unreachable(cause: str) -> str:
    remedy = remedy_for(cause) or "check that Redis runs, and the URL"
    return (
        f"Redis does not answer: {cause}. To do: {remedy} (SOCKGATE_REDIS_URL). The gateway would "
        "start, and refuse every connect (3003) until Redis answers"
    )


def _default(default: object) -> str:
    return "" if default is None else f" (default: {_shown(default)})"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, float):
        return f"{default:g}"
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    return (text or "none").replace("%", "%%")
