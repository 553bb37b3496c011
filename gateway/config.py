"""The configuration of one gateway: frozen, checked, from flags and ``SOCKGATE_*`` variables.

Each field has one name in three spellings: ``max_connections``, ``--max-connections``,
``SOCKGATE_MAX_CONNECTIONS``. A flag wins over a variable. Secrets are never flags.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .options import BYTES, COUNT, LIST, RATE, SECONDS, SWITCH, option
from .origins import normalize
from .proxies import ProxyPolicy
from .wire.addresses import read_address
from .wire.errors import AddressError, NamespacesError
from .wire.names import MAX_CHANNEL_LENGTH
from .wire.namespaces import read_namespaces

TRANSPORTS = (
    "websocket",
    "rawwebsocket",
    "xhr_streaming",
    "xhr",
    "eventsource",
    "htmlfile",
    "jsonp",
)

MIN_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set. Durations are in seconds, sizes in bytes."""

    redis_url: str = option(
        "redis://127.0.0.1:6379/0", "where Django keeps its sessions", secret=True
    )
    signing_keys: tuple[str, ...] = option(
        (), "keys that Django signs tokens with, oldest first", LIST, secret=True
    )
    host: str = option("127.0.0.1", "address to listen on")
    port: int = option(8001, "port to listen on; the variable PORT is read, too", COUNT)
    prefix: str = option("/realtime", "path under which SockJS is served")
    origins: tuple[str, ...] = option(
        (), "origins of the pages that may connect, comma-separated", LIST
    )
    workers: int = option(1, "worker processes", COUNT)
    ops_host: str = option("127.0.0.1", "address of health and metrics; not for browsers")
    ops_port: int = option(8011, "port of health and metrics; 0 turns it off", COUNT)
    key_prefix: str = option("sockgate:", "begins every Redis key")
    channel_prefix: str = option("rt:", "begins every Redis channel")
    transports: tuple[str, ...] = option(TRANSPORTS, "transports to offer", LIST)
    trusted_proxies: tuple[str, ...] = option(
        (), "addresses of proxies whose X-Forwarded-For and -Proto are believed", LIST
    )
    token_max_age: float = option(3600.0, "how long a token may be shown", SECONDS)
    grant_max_age: float = option(3600.0, "how long a grant for a channel may be shown", SECONDS)
    namespaces: str = option("", "JSON of namespaces and their policies, in place of Django's")
    connect_timeout: float = option(10.0, "how long a browser may take to show its token", SECONDS)
    heartbeat: float = option(25.0, "between two signs of life to a browser", SECONDS)
    disconnect_delay: float = option(5.0, "how long a polling browser may be away", SECONDS)
    audit_interval: float = option(30.0, "between two readings of all live sessions", SECONDS)
    password_grace: float = option(
        0.4, "how long a session may take to follow its user's new password", SECONDS
    )
    keep_sessions_alive: bool = option(
        False, "an open connection keeps its session of the native engine from expiring", SWITCH
    )
    release_delay: float = option(5.0, "how long a channel that nobody hears is kept", SECONDS)
    drain_timeout: float = option(
        10.0, "how long a stopping worker waits for its browsers", SECONDS
    )
    max_connections: int = option(50_000, "connections of one worker", COUNT)
    max_unauthenticated: int = option(5_000, "connections without a checked token", COUNT)
    max_per_user: int = option(100, "connections of one user, or visitor, in one worker", COUNT)
    max_per_address: int = option(1_000, "unauthenticated connections of one IP address", COUNT)
    max_frame: int = option(32 * 1024, "largest message of a browser", BYTES)
    max_frames_per_second: float = option(100.0, "messages of one browser, over ten seconds", RATE)
    max_channels: int = option(100, "channels that one connection may hear", COUNT)
    max_channel_name: int = option(MAX_CHANNEL_LENGTH, "characters of a channel's name", COUNT)
    max_recover: int = option(1_000, "channels that a returning browser may recover", COUNT)
    max_replay: int = option(
        1_000, "publications of one channel that a returning browser is given", COUNT
    )
    max_publication: int = option(1024 * 1024, "largest publication", BYTES)
    max_outbox: int = option(2 * 1024 * 1024, "what may wait for one slow browser", BYTES)
    response_limit: int = option(128 * 1024, "after which a streaming response is ended", BYTES)
    compression: bool = option(
        False, "compress WebSocket messages of 128 bytes or more, for clients that offer it", SWITCH
    )
    jsessionid: bool = option(False, "set the cookie that some balancers need", SWITCH)
    tls_cert: str = option("", "file with the TLS certificate chain")
    tls_key: str = option("", "file with the TLS private key")
    log_level: str = option("info", "debug, info, warning or error")
    log_format: str = option("text", "text or json")

    def problems(self) -> list[str]:
        """List what is wrong, in words that name the variable."""
        return [problem for check in _CHECKS for problem in check(self)]


def is_secret(name: str) -> bool:
    """Tell whether an option may not be given as a flag."""
    return any(f.metadata["secret"] for f in fields(Config) if f.name == name)


def load(flags: Mapping[str, str], environ: Mapping[str, str]) -> Config:
    """Build a configuration from flags (by field name) and the environment.

    Raises:
        ConfigError: with every problem found, not just the first.
    """
    values, problems = _parse({**_from_environ(environ), **flags})
    problems += [f"SOCKGATE_{name}: unknown variable" for name in _unknown(environ)]
    config = Config(**values)
    problems += config.problems()
    if problems:
        raise ConfigError(problems)
    return config


def _from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    found = {"port": environ["PORT"]} if environ.get("PORT") else {}
    for field in fields(Config):
        value = environ.get(f"SOCKGATE_{field.name.upper()}")
        if value is not None:
            found[field.name] = value
    return found


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = {f"SOCKGATE_{field.name.upper()}" for field in fields(Config)}
    ours = [name for name in environ if name.startswith("SOCKGATE_")]
    return sorted(name.removeprefix("SOCKGATE_") for name in ours if name not in known)


def _parse(texts: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems = []
    for field in fields(Config):
        if field.name not in texts:
            continue
        kind = field.metadata["kind"]
        try:
            values[field.name] = kind.read(texts[field.name])
        except ValueError:
            problems.append(f"{_variable(field.name)}: must be {kind.expected}")
    return values, problems


def _variable(name: str) -> str:
    return f"SOCKGATE_{name.upper()}"


def _check_keys(config: Config) -> list[str]:
    if not config.signing_keys:
        return ["SOCKGATE_SIGNING_KEYS: not set; give the keys that Django signs with"]
    if any(len(key) < MIN_KEY_LENGTH for key in config.signing_keys):
        return [f"SOCKGATE_SIGNING_KEYS: a key is shorter than {MIN_KEY_LENGTH} characters"]
    return []


def _check_redis(config: Config) -> list[str]:
    try:
        read_address(config.redis_url)
    except AddressError as error:
        return [f"SOCKGATE_REDIS_URL: {error}"]
    return []


def _check_origins(config: Config) -> list[str]:
    problems = []
    for origin in config.origins:
        try:
            normalize(origin)
        except ValueError:
            problems.append(f"SOCKGATE_ORIGINS: {origin!r} is not scheme://host[:port]")
    return problems


def _check_proxies(config: Config) -> list[str]:
    try:
        ProxyPolicy(config.trusted_proxies)
    except ValueError as error:
        return [f"SOCKGATE_TRUSTED_PROXIES: {error}"]
    return []


def _check_transports(config: Config) -> list[str]:
    unknown = [name for name in config.transports if name not in TRANSPORTS]
    problems = [f"SOCKGATE_TRANSPORTS: {name!r} is none of {TRANSPORTS}" for name in unknown]
    if not config.transports:
        problems.append("SOCKGATE_TRANSPORTS: at least one is needed")
    return problems


def _check_prefix(config: Config) -> list[str]:
    if not config.prefix.startswith("/") or config.prefix.endswith("/"):
        return ["SOCKGATE_PREFIX: must begin with a slash and not end with one"]
    return []


def _check_numbers(config: Config) -> list[str]:
    may_be_zero = {"ops_port", "port", "drain_timeout", "password_grace", "release_delay"}
    problems = []
    for field in fields(Config):
        value = getattr(config, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not isfinite(value) or value < 0 or (value == 0 and field.name not in may_be_zero):
            problems.append(f"{_variable(field.name)}: must be positive")
    return problems


def _check_ports(config: Config) -> list[str]:
    names = [name for name in ("port", "ops_port") if getattr(config, name) > 65535]
    return [f"{_variable(name)}: there are 65535 ports" for name in names]


def _check_tls(config: Config) -> list[str]:
    if bool(config.tls_cert) != bool(config.tls_key):
        return ["SOCKGATE_TLS_CERT, SOCKGATE_TLS_KEY: set both or neither"]
    names = [name for name in ("tls_cert", "tls_key") if getattr(config, name)]
    missing = [name for name in names if not Path(getattr(config, name)).is_file()]
    if missing or not config.tls_cert:
        return [f"{_variable(name)}: no such file" for name in missing]
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
    _check_redis,
    _check_origins,
    _check_proxies,
    _check_transports,
    _check_prefix,
    _check_numbers,
    _check_ports,
    _check_tls,
    _check_namespaces,
    _check_logging,
)
