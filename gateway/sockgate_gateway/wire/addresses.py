"""Addresses of Redis: one server, a master under Sentinel, or a cluster.

::

    redis://[user[:password]@]host[:port][/db]                       rediss: with TLS
    unix:///path/of/the/socket
    redis+sentinel://[user[:password]@]host[:port],…/service[/db]    rediss+sentinel: with TLS
    redis+cluster://[user[:password]@]host[:port],…                  rediss+cluster: with TLS
    memory://                                        in the process, for the tests of a Django site

The option ``pubsub`` of a cluster says how publications travel through it; see ``PubSub``.

User and password are those of the servers. The options ``sentinel_username`` and
``sentinel_password`` are those of the Sentinels. Every other option (``?socket_timeout=1``) is
redis-py's, which also reads ``server_url``. No message quotes a URL or an option of one, because a
URL holds secrets.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from .errors import AddressError
from .secrets import Secret, masked

Node = tuple[str, int]
"""Host and port."""

_SERVER_PORT = 6379
_SENTINEL_PORT = 26379
_NETLOC_END = re.compile(r"[/?#]")
_SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")


_NUMBERS = ("socket_timeout", "socket_connect_timeout")
_WHOLE_NUMBERS = (
    *("db", "health_check_interval", "max_connections", "protocol", "socket_read_size"),
    *("port", "ssl_min_version"),
)
_TEXTS = (
    *("client_name", "encoding", "encoding_errors", "host", "lib_name", "lib_version", "password"),
    *("path", "retry_on_timeout", "socket_keepalive", "username"),
)
_TLS_TEXTS = (
    *("ssl_ca_certs", "ssl_ca_data", "ssl_ca_path", "ssl_certfile", "ssl_check_hostname"),
    *("ssl_ciphers", "ssl_exclude_verify_flags", "ssl_include_verify_flags", "ssl_keyfile"),
    *("ssl_password", "ssl_validate_ocsp"),
)


def _ssl_cert_reqs(text: str) -> None:
    if text not in ("none", "optional", "required"):
        raise ValueError("unknown")


_OPTIONS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(_NUMBERS, float),
    **dict.fromkeys(_WHOLE_NUMBERS, int),
    **dict.fromkeys((*_TEXTS, *_TLS_TEXTS), str),
    "ssl_cert_reqs": _ssl_cert_reqs,
}
"""The options of redis-py's connections, and what reads each."""

_PUBSUB = "pubsub"


class Kind(Enum):
    """The kinds of deployments of Redis."""

    SERVER = ""
    SENTINEL = "sentinel"
    CLUSTER = "cluster"
    MEMORY = "memory"
    """In the process, without a server: no gateway can read it."""


class PubSub(Enum):
    """How publications travel through a cluster, the same for Django and all gateways.

    ``PUBLISH`` reaches every node. ``SPUBLISH`` stays with the primary that has the channel's slot.
    """

    CLASSIC = "classic"
    """Everything by ``PUBLISH``."""

    BOTH = "both"
    """Everything by ``PUBLISH``; gateways listen to both, so that others may use ``SPUBLISH``."""

    SHARDED = "sharded"
    """Private and named channels by ``SPUBLISH``; gateways listen to both."""


class RedisAddress(NamedTuple):
    """A URL, read.

    Args:
        kind: one server, Sentinel or a cluster.
        server_url: the URL of one server in redis-py's form, with credentials, database and
            options; host and port are those of the first node.
        nodes: the Sentinels, or some nodes of the cluster.
        service: the Sentinels' name of the master.
        sentinel_options: the credentials of the Sentinels, as redis-py names them.
        pubsub: how publications travel through a cluster.
    """

    kind: Kind
    server_url: str
    nodes: tuple[Node, ...] = ()
    service: str = ""
    sentinel_options: tuple[tuple[str, str], ...] = ()
    pubsub: PubSub = PubSub.CLASSIC

    @property
    def database(self) -> int:
        """The number of the database, as redis-py reads it: the option ``db`` before the path."""
        parts = urlsplit(self.server_url)
        asked = dict(parse_qsl(parts.query)).get("db")
        path = "" if parts.scheme == "unix" else unquote(parts.path).replace("/", "")
        text = path if asked is None else asked
        return int(text) if text.isdecimal() else 0


def read_address(url: str) -> RedisAddress:
    """Read a URL.

    Raises:
        AddressError: it is none of the forms above; the message says why.
    """
    secret = Secret(url)  # What a traceback shows of this call is masked.
    del url
    try:
        address = _read(secret)
    except AddressError as error:
        raise AddressError(str(error)) from None
    return address._replace(
        server_url=Secret(address.server_url), sentinel_options=masked(address.sentinel_options)
    )


def _read(url: str) -> RedisAddress:
    try:
        parts = _split(url)
    except ValueError:
        raise AddressError("is not a URL") from None
    if parts.netloc and "@" in parts.path + parts.fragment:
        raise AddressError("has an @ behind the host: percent-encode the password (/ is %2F)")
    _check_options(parts)
    scheme, _, kind = parts.scheme.partition("+")
    if kind == Kind.SENTINEL.value and scheme in ("redis", "rediss"):
        return _read_sentinel(parts, scheme)
    if kind == Kind.CLUSTER.value and scheme in ("redis", "rediss"):
        return _read_cluster(parts, scheme)
    if parts.scheme == Kind.MEMORY.value:
        return _read_memory(url, parts)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise AddressError(
            "must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
        )
    return _read_server(url, parts)


def _split(url: str) -> SplitResult:
    """Split a URL, which may name several hosts.

    Python accepts brackets only around a single host, since the releases of 2025.
    """
    scheme, _, rest = url.partition("://")
    if "+" not in scheme:
        return urlsplit(url)
    netloc = _NETLOC_END.split(rest, maxsplit=1)[0]
    parts = urlsplit(f"{scheme}://several{rest[len(netloc) :]}")
    return parts._replace(netloc=netloc)


def _read_server(url: str, parts: SplitResult) -> RedisAddress:
    if parts.scheme != "unix":
        _check_db(parts.path.strip("/"))
        place = parts.netloc.rpartition("@")[2]
        if "," in place:
            raise AddressError("names several hosts: say redis+sentinel:// or redis+cluster://")
        _node(place or "localhost", _SERVER_PORT)
    elif not parts.path.strip("/"):
        raise AddressError("names no socket")
    _check_db(dict(parse_qsl(parts.query)).get("db", ""))
    return RedisAddress(Kind.SERVER, url)


def _read_sentinel(parts: SplitResult, scheme: str) -> RedisAddress:
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise AddressError("names no service: redis+sentinel://host:port,host:port/<service>/<db>")
    _check_db(db)
    nodes = _nodes(parts, _SENTINEL_PORT)
    options = parse_qsl(parts.query)
    own = tuple((name.partition("_")[2], text) for name, text in options if _is_sentinels(name))
    rest = [(name, text) for name, text in options if not _is_sentinels(name)]
    server_url = _server_url(parts, scheme, nodes[0], db, rest)
    return RedisAddress(Kind.SENTINEL, server_url, nodes, unquote(service), own)


def _read_cluster(parts: SplitResult, scheme: str) -> RedisAddress:
    if parts.path.strip("/") not in ("", "0"):
        raise AddressError("names a database, but a cluster has only 0")
    nodes = _nodes(parts, _SERVER_PORT)
    options = parse_qsl(parts.query)
    rest = [(name, text) for name, text in options if name != _PUBSUB]
    server_url = _server_url(parts, scheme, nodes[0], "", rest)
    pubsub = PubSub(dict(options).get(_PUBSUB, PubSub.CLASSIC.value))
    return RedisAddress(Kind.CLUSTER, server_url, nodes, pubsub=pubsub)


def _read_memory(url: str, parts: SplitResult) -> RedisAddress:
    if parts.netloc or parts.path or parts.query:
        raise AddressError("must be memory:// and nothing else")
    return RedisAddress(Kind.MEMORY, url)


def _check_options(parts: SplitResult) -> None:
    is_tls = parts.scheme.startswith("rediss")
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        if _is_sentinels(name):
            continue
        if name == _PUBSUB:
            _check_pubsub(parts, text)
            continue
        reader = _OPTIONS.get(name)
        if reader is None:
            raise AddressError(f"has an unknown option; there are {', '.join(sorted(_OPTIONS))}")
        if name.startswith("ssl_") and not is_tls:
            raise AddressError(f"has the option {name}, which needs rediss://")
        try:
            reader(text)
        except ValueError:
            raise AddressError(f"has a value of the option {name} that cannot be read") from None


def _check_pubsub(parts: SplitResult, text: str) -> None:
    if not parts.scheme.endswith("+cluster"):
        raise AddressError("has the option pubsub, which needs redis+cluster://")
    known = [way.value for way in PubSub]
    if text not in known:
        raise AddressError(f"has a value of the option pubsub that is none of {', '.join(known)}")


def _is_sentinels(option: str) -> bool:
    return option in _SENTINEL_OPTIONS


def _check_db(text: str) -> None:
    if text and not text.isdecimal():
        raise AddressError("names a database that is not a number")


def _nodes(parts: SplitResult, default_port: int) -> tuple[Node, ...]:
    return tuple(_node(text, default_port) for text in parts.netloc.rpartition("@")[2].split(","))


def _node(text: str, default_port: int) -> Node:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        raise AddressError("names a port that is not a number, or a bad host") from None
    if parts.hostname is None:
        raise AddressError("lacks a host")
    return unquote(parts.hostname), port or default_port


def _server_url(
    parts: SplitResult, scheme: str, node: Node, db: str, options: list[tuple[str, str]]
) -> str:
    credentials, at, _ = parts.netloc.rpartition("@")
    host, port = node
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{credentials}{at}{host}:{port}/{db}?{urlencode(options)}"
