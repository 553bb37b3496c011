"""Where Redis is: one server, the master that Sentinels name, or a cluster.

::

    redis://[user[:password]@]host[:port][/db]                       rediss: with TLS
    unix:///path/of/the/socket
    redis+sentinel://[user[:password]@]host[:port],…/service[/db]    rediss+sentinel: with TLS
    redis+cluster://[user[:password]@]host[:port],…                  rediss+cluster: with TLS

User and password are those of the servers; of the Sentinels themselves they are the options
``sentinel_username`` and ``sentinel_password``. Every other option (``?socket_timeout=1``) is
redis-py's, as is the reading of ``server_url``. No message quotes a URL: it holds secrets.
"""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from .errors import AddressError

Node = tuple[str, int]
"""Host and port."""

_SERVER_PORT = 6379
_SENTINEL_PORT = 26379
_SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")


class Kind(Enum):
    """How many servers there are, and who says which of them to ask."""

    SERVER = ""
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A URL, read.

    Args:
        kind: what stands there.
        server_url: how one server is opened, in redis-py's own form, with its credentials,
            database and options; host and port are those of the first node.
        nodes: the Sentinels, or some nodes of the cluster.
        service: what the Sentinels call the master.
        sentinel_options: the credentials of the Sentinels, as redis-py names them.
    """

    kind: Kind
    server_url: str
    nodes: tuple[Node, ...] = ()
    service: str = ""
    sentinel_options: tuple[tuple[str, str], ...] = ()


def read_address(url: str) -> RedisAddress:
    """Read a URL.

    Raises:
        AddressError: it is none of the forms above; the message says why.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise AddressError("is not a URL") from None
    scheme, _, kind = parts.scheme.partition("+")
    if kind == Kind.SENTINEL.value and scheme in ("redis", "rediss"):
        return _read_sentinel(parts, scheme)
    if kind == Kind.CLUSTER.value and scheme in ("redis", "rediss"):
        return _read_cluster(parts, scheme)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise AddressError(
            "must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
        )
    return _read_server(url, parts)


def _read_server(url: str, parts: SplitResult) -> RedisAddress:
    if parts.scheme != "unix":
        _check_db(parts.path.strip("/"))
        place = parts.netloc.rpartition("@")[2]
        if "," in place:
            raise AddressError("names several hosts: say redis+sentinel:// or redis+cluster://")
        _node(place or "localhost", _SERVER_PORT)
    elif not parts.path.strip("/"):
        raise AddressError("names no socket")
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
    server_url = _server_url(parts, scheme, nodes[0], "", parse_qsl(parts.query))
    return RedisAddress(Kind.CLUSTER, server_url, nodes)


def _is_sentinels(option: str) -> bool:
    return option in _SENTINEL_OPTIONS


def _check_db(text: str) -> None:
    if text and not text.isdecimal():
        raise AddressError("names a database that is no number")


def _nodes(parts: SplitResult, default_port: int) -> tuple[Node, ...]:
    return tuple(_node(text, default_port) for text in parts.netloc.rpartition("@")[2].split(","))


def _node(text: str, default_port: int) -> Node:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        raise AddressError("names a port that is no number, or a bad host") from None
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
