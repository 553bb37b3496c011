"""The options of one gateway: one frozen dataclass, the source of flags, variables and ``--help``.

Each field has one name in three spellings: ``max_connections``, ``--max-connections``,
``SOCKGATE_MAX_CONNECTIONS``. Secrets are never flags.
"""

from dataclasses import dataclass, fields

from ..wire.limits import MAX_CHANNEL_LENGTH
from ..wire.names import KEY_PREFIX, Names, names_at
from ..wire.secrets import masked
from .options import BYTES, COUNT, LIST, RATE, SECONDS, SECRET, SECRETS, SWITCH, option

TRANSPORTS = (
    "websocket",
    "rawwebsocket",
    "xhr_streaming",
    "xhr",
    "eventsource",
    "htmlfile",
    "jsonp",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All options. Durations are in seconds, sizes in bytes."""

    redis_url: str = option(
        "redis://127.0.0.1:6379/0", "where Django keeps its sessions", SECRET, secret=True
    )
    redis_credentials: str = option(
        "", "package.module:factory of a redis-py CredentialProvider, for credentials that expire"
    )
    signing_keys: tuple[str, ...] = option(
        (), "keys that Django signs tokens with, oldest first", SECRETS, secret=True
    )
    replaced_keys: tuple[str, ...] = option(
        (), "ids of leaked signing keys, whose gateways give way to this one", LIST
    )
    host: str = option("127.0.0.1", "address to listen on")
    port: int = option(8001, "port to listen on; the variable PORT is read, too", COUNT)
    prefix: str = option("/realtime", "path under which SockJS is served")
    origins: tuple[str, ...] = option(
        (),
        "origins of the pages that may connect, comma-separated, or https://*.domain",
        LIST,
    )
    workers: int = option(1, "worker processes", COUNT)
    ops_host: str = option("127.0.0.1", "address of health and metrics; not for browsers")
    ops_port: int = option(8011, "port of health and metrics; 0 turns it off", COUNT)
    supervisor_port: int | None = option(
        None,
        "port of /ready and /metrics of several workers together; if not set, one below ops_port; "
        "0 turns it off",
        COUNT,
    )
    hang_timeout: float = option(
        10.0,
        "how long a worker's event loop may stand still before the worker is replaced; 0: forever",
        SECONDS,
    )
    key_prefix: str = option(KEY_PREFIX, "begins every Redis key")
    channel_prefix: str | None = option(
        None, "begins every Redis channel; if not set, rt: in database 0, rt@3: in database 3"
    )
    transports: tuple[str, ...] = option(TRANSPORTS, "transports to offer", LIST)
    trusted_proxies: tuple[str, ...] = option(
        (), "addresses of proxies whose X-Forwarded-For and -Proto are believed", LIST
    )
    token_max_age: float = option(3600.0, "how long a token is valid", SECONDS)
    grant_max_age: float = option(3600.0, "how long a grant for a channel is valid", SECONDS)
    namespaces: str = option("", "JSON of namespaces and their policies, in place of Django's")
    presence_signals: bool = option(
        False, "note who is online for Django's signals user_online and user_offline", SWITCH
    )
    connect_timeout: float = option(
        10.0, "how long a client may take to send its connect frame", SECONDS
    )
    heartbeat: float = option(25.0, "between two heartbeats to a client", SECONDS)
    disconnect_delay: float = option(
        5.0, "how long a polling client may be without a request", SECONDS
    )
    audit_interval: float = option(30.0, "between two audits of all live sessions", SECONDS)
    password_grace: float = option(
        0.4, "how long a session may take to follow its user's new password", SECONDS
    )
    keep_sessions_alive: bool = option(
        False, "an open connection keeps its session of the native engine from expiring", SWITCH
    )
    release_delay: float = option(
        5.0, "how long a channel without subscribers stays subscribed in Redis", SECONDS
    )
    balance_ratio: float = option(
        1.3,
        "a worker with more connections than this multiple of the average sends clients elsewhere; "
        "0: never",
        RATE,
    )
    drain_delay: float = option(
        0.0, "how long a stopping worker still accepts connections, while it is not ready", SECONDS
    )
    drain_timeout: float = option(
        10.0, "how long a stopping worker waits for its clients to leave", SECONDS
    )
    max_connections: int = option(50_000, "connections of one worker", COUNT)
    max_unauthenticated: int = option(5_000, "connections without a checked token", COUNT)
    max_per_user: int = option(100, "connections of one user, or visitor, in one worker", COUNT)
    max_per_address: int = option(1_000, "unauthenticated connections of one IP address", COUNT)
    max_frame: int = option(32 * 1024, "largest frame of a client", BYTES)
    max_frames_per_second: float = option(
        100.0, "frames of one connection, over ten seconds; ten times as many of a user", RATE
    )
    max_channels: int = option(100, "channels that one connection may subscribe to", COUNT)
    max_channel_name: int = option(MAX_CHANNEL_LENGTH, "characters of a channel's name", COUNT)
    max_recover: int = option(1_000, "channels that a reconnecting client may recover", COUNT)
    max_replay: int = option(
        1_000, "publications of one channel that a reconnecting client may recover", COUNT
    )
    max_publication: int = option(1024 * 1024, "largest publication", BYTES)
    live_rate: float = option(
        100.0, "requests a second that all pages make together after a touch or a gap", RATE
    )
    max_outbox: int = option(2 * 1024 * 1024, "what may wait for one slow client", BYTES)
    response_limit: int = option(128 * 1024, "after which a streaming response is ended", BYTES)
    compression: bool = option(
        False, "compress WebSocket messages of 128 bytes or more, for clients that offer it", SWITCH
    )
    jsessionid: bool = option(False, "set the cookie that some balancers need", SWITCH)
    tls_cert: str = option("", "file with the TLS certificate chain")
    tls_key: str = option("", "file with the TLS private key")
    log_level: str = option("info", "debug, info, warning or error")
    log_format: str = option("text", "text or json")

    def __post_init__(self) -> None:
        """Mask the ``repr`` of the secrets."""
        for field in fields(self):
            if field.metadata["secret"]:
                object.__setattr__(self, field.name, masked(getattr(self, field.name)))

    @property
    def names(self) -> Names:
        """The names of Redis keys and channels.

        Raises:
            AddressError: ``redis_url`` is not a URL of Redis.
        """
        return names_at(self.redis_url, self.key_prefix, self.channel_prefix)


def is_secret(name: str) -> bool:
    """Return whether an option is a secret, which is never a flag."""
    return any(f.metadata["secret"] for f in fields(Config) if f.name == name)


def variable(name: str) -> str:
    """Return the environment variable of an option."""
    return f"SOCKGATE_{name.upper()}"
