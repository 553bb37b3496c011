"""Checks of the options: each returns problems, one sentence each, which name the variable."""

import re
import ssl
from collections.abc import Callable
from dataclasses import fields
from math import isfinite
from pathlib import Path

from ..http.origins import domain_of
from ..http.proxies import ProxyPolicy
from ..redis_servers.credentials import CredentialsError, find_factory
from ..wire.addresses import Kind, read_address
from ..wire.errors import AddressError, NamespacesError, PrefixError
from ..wire.key_ids import is_key_id, key_ids
from ..wire.limits import MAX_CHANNEL_LENGTH
from ..wire.names import check_prefix, prefix_problem
from ..wire.namespaces import read_namespaces
from ..wire.secrets import without_login
from .config import TRANSPORTS, Config, variable

MIN_KEY_LENGTH = 32
MIN_BALANCE_RATIO = 1.1

_HOST = re.compile(r"[\w.:%-]{0,255}")


def find_problems(config: Config) -> list[str]:
    """Run all checks.

    Returns:
        One sentence for each problem, beginning with the name of its variable.
    """
    return [problem for check in _CHECKS for problem in check(config)]


def _check_keys(config: Config) -> list[str]:
    if not config.signing_keys:
        return ["SOCKGATE_SIGNING_KEYS: not set; give the keys that Django signs with"]
    if any(len(key) < MIN_KEY_LENGTH for key in config.signing_keys):
        return [f"SOCKGATE_SIGNING_KEYS: a key is shorter than {MIN_KEY_LENGTH} characters"]
    return []


def _check_replaced_keys(config: Config) -> list[str]:
    ids = config.replaced_keys
    if not all(map(is_key_id, ids)):
        return [
            "SOCKGATE_REPLACED_KEYS: ids of 8 characters, not keys; --check-config prints those of "
            "SOCKGATE_SIGNING_KEYS"
        ]
    if set(ids) & set(key_ids(config.signing_keys)):
        return ["SOCKGATE_REPLACED_KEYS: names a key of SOCKGATE_SIGNING_KEYS"]
    return []


def _check_redis(config: Config) -> list[str]:
    try:
        address = read_address(config.redis_url)
    except AddressError as error:
        return [f"SOCKGATE_REDIS_URL: {error}"]
    if address.kind is Kind.MEMORY:
        return ["SOCKGATE_REDIS_URL: memory:// is in the process of Django's tests; name a server"]
    return []


def _check_credentials(config: Config) -> list[str]:
    try:
        if config.redis_credentials:
            find_factory(config.redis_credentials)
    except CredentialsError as error:
        return [f"SOCKGATE_REDIS_CREDENTIALS: {error}"]
    return []


def _check_prefixes(config: Config) -> list[str]:
    given = {"key_prefix": config.key_prefix, "channel_prefix": config.channel_prefix}
    problems = []
    for name, prefix in given.items():
        try:
            check_prefix(prefix) if prefix is not None else None
        except PrefixError as error:
            problems.append(f"{variable(name)}: {error}")
    if problems or _check_redis(config):
        return problems
    problem = prefix_problem(config.names)
    return [f"SOCKGATE_KEY_PREFIX, SOCKGATE_CHANNEL_PREFIX: {problem}"] if problem else []


def _shown_origin(origin: str) -> str:
    is_origin = origin.startswith(("http://", "https://"))
    return ascii(without_login(origin)) if is_origin else "an entry"


def _check_origins(config: Config) -> list[str]:
    problems = []
    for origin in config.origins:
        try:
            domain_of(origin)
        except ValueError:
            problems.append(
                f"SOCKGATE_ORIGINS: {_shown_origin(origin)} is not scheme://host[:port], nor "
                "scheme://*.domain[:port] for a domain with its subdomains"
            )
    return problems


def _check_proxies(config: Config) -> list[str]:
    try:
        ProxyPolicy(config.trusted_proxies)
    except ValueError as error:
        return [f"SOCKGATE_TRUSTED_PROXIES: {error}"]
    return []


def _check_transports(config: Config) -> list[str]:
    entries = enumerate(config.transports, 1)
    unknown = [number for number, name in entries if name not in TRANSPORTS]
    problems = [f"SOCKGATE_TRANSPORTS: entry {it} is none of {TRANSPORTS}" for it in unknown]
    if not config.transports:
        problems.append("SOCKGATE_TRANSPORTS: at least one is needed")
    return problems


def _check_prefix(config: Config) -> list[str]:
    if not config.prefix.startswith("/") or config.prefix.endswith("/"):
        return ["SOCKGATE_PREFIX: must begin with a slash and not end with one"]
    return []


def _check_numbers(config: Config) -> list[str]:
    may_be_zero = {
        *("ops_port", "port", "supervisor_port"),
        *(
            "balance_ratio",
            "drain_delay",
            "drain_timeout",
            "hang_timeout",
            "password_grace",
            "release_delay",
        ),
    }
    problems = []
    for field in fields(Config):
        value = getattr(config, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not isfinite(value) or value < 0 or (value == 0 and field.name not in may_be_zero):
            problems.append(f"{variable(field.name)}: must be positive")
    return problems


def _check_balance(config: Config) -> list[str]:
    if 0 < config.balance_ratio < MIN_BALANCE_RATIO:
        return [f"SOCKGATE_BALANCE_RATIO: at least {MIN_BALANCE_RATIO}, or 0"]
    return []


def _check_ports(config: Config) -> list[str]:
    ports = ("port", "ops_port", "supervisor_port")
    names = [name for name in ports if (getattr(config, name) or 0) > 65535]
    return [f"{variable(name)}: there are 65535 ports" for name in names]


def _check_hosts(config: Config) -> list[str]:
    names = [name for name in ("host", "ops_host") if not _HOST.fullmatch(getattr(config, name))]
    return [f"{variable(name)}: must be an IP address or the name of a host" for name in names]


def _check_tls(config: Config) -> list[str]:
    if bool(config.tls_cert) != bool(config.tls_key):
        return ["SOCKGATE_TLS_CERT, SOCKGATE_TLS_KEY: set both or neither"]
    names = [name for name in ("tls_cert", "tls_key") if getattr(config, name)]
    missing = [name for name in names if not Path(getattr(config, name)).is_file()]
    if missing or not config.tls_cert:
        return [f"{variable(name)}: no such file" for name in missing]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_cert, config.tls_key)
    except OSError as error:  # an SSLError is one
        cause = getattr(error, "reason", None) or error.strerror
        return [f"SOCKGATE_TLS_CERT, SOCKGATE_TLS_KEY: cannot be used: {cause}"]
    return []


def _check_namespaces(config: Config) -> list[str]:
    if config.max_channel_name > MAX_CHANNEL_LENGTH:
        return [f"SOCKGATE_MAX_CHANNEL_NAME: at most {MAX_CHANNEL_LENGTH}"]
    try:
        read_namespaces(config.namespaces or "{}")
    except NamespacesError as error:
        return [f"SOCKGATE_NAMESPACES: {error}"]
    return []


def _check_logging(config: Config) -> list[str]:
    problems = []
    if config.log_level.lower() not in ("debug", "info", "warning", "error"):
        problems.append("SOCKGATE_LOG_LEVEL: must be debug, info, warning or error")
    if config.log_format not in ("text", "json"):
        problems.append("SOCKGATE_LOG_FORMAT: must be text or json")
    return problems


_CHECKS: tuple[Callable[[Config], list[str]], ...] = (
    _check_keys,
    _check_replaced_keys,
    _check_redis,
    _check_credentials,
    _check_prefixes,
    _check_origins,
    _check_proxies,
    _check_transports,
    _check_prefix,
    _check_numbers,
    _check_balance,
    _check_ports,
    _check_hosts,
    _check_tls,
    _check_namespaces,
    _check_logging,
)
