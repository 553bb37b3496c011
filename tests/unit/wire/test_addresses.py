"""URLs of Redis: the meaning of each form, and the errors of invalid ones."""

import re
from urllib.parse import urlsplit

import pytest
from sockgate_gateway.wire import addresses
from sockgate_gateway.wire.addresses import Kind, PubSub, read_address
from sockgate_gateway.wire.errors import AddressError
from sockgate_gateway.wire.names import names_at


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://host",
        "redis://:secret@host:6380/2",
        "rediss://user:secret@host?ssl_ca_certs=/ca.pem",
        "redis://[::1]:6379/0",
        "unix:///run/redis.sock?db=2",
    ],
)
def test_one_server_is_left_to_redis_py(url):
    address = read_address(url)
    assert (address.kind, address.server_url) == (Kind.SERVER, url)


def test_memory_has_no_server_and_database_0():
    address = read_address("memory://")
    assert (address.kind, address.database) == (Kind.MEMORY, 0)


@pytest.mark.parametrize("url", ["memory://host", "memory:///1", "memory://?db=1"])
def test_memory_has_no_options(url):
    with pytest.raises(AddressError, match="must be memory:// and nothing else"):
        read_address(url)


def test_sentinels_are_named_with_their_service():
    address = read_address("redis+sentinel://user:s%40cret@a:1,b,[::1]:3/shop/2?socket_timeout=1")
    assert address.kind is Kind.SENTINEL
    assert address.nodes == (("a", 1), ("b", 26379), ("::1", 3))
    assert address.service == "shop"
    assert address.server_url == "redis://user:s%40cret@a:1/2?socket_timeout=1"
    assert address.sentinel_options == ()


@pytest.mark.parametrize(
    ("option", "pubsub"),
    [("", PubSub.CLASSIC), *((f"pubsub={way.value}", way) for way in PubSub)],
)
def test_publications_travel_through_a_cluster_as_its_url_says(option, pubsub):
    address = read_address(f"rediss+cluster://a,b?socket_timeout=1&{option}")
    assert address.pubsub is pubsub
    assert address.server_url == "rediss://a:6379/?socket_timeout=1"
    assert names_at(f"redis+cluster://a?{option}").pubsub is pubsub


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://a?pubsub=sharded", "needs redis\\+cluster"),
        ("redis+sentinel://a/shop?pubsub=both", "needs redis\\+cluster"),
        ("redis+cluster://a?pubsub=SHARDED", "none of classic, both, sharded"),
        ("redis+cluster://a?pubsub=", "none of classic, both, sharded"),
    ],
)
def test_other_ways_are_refused(url, problem):
    with pytest.raises(AddressError, match=problem):
        read_address(url)


def strict_urlsplit(url):
    """Split as Python does since 2025: brackets are allowed around a single host only."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if "[" in host and not re.fullmatch(r"\[[^\[\]]*\](:\d*)?", host):
        raise ValueError("Invalid IPv6 URL")
    return parts


def test_address_of_ipv6_may_stand_among_others(monkeypatch):
    monkeypatch.setattr(addresses, "urlsplit", strict_urlsplit)
    address = read_address("redis+cluster://:x@a:1,[::1]:3")
    assert address.nodes == (("a", 1), ("::1", 3))
    address = read_address("redis+sentinel://[::1]:3,[::2]/shop/2?db=1")
    assert address.nodes == (("::1", 3), ("::2", 26379))
    assert (address.service, address.server_url) == ("shop", "redis://[::1]:3/2?db=1")


def test_sentinels_have_credentials_of_their_own():
    address = read_address(
        "rediss+sentinel://a/shop?sentinel_username=u&sentinel_password=p%26q&ssl_cert_reqs=none"
    )
    assert dict(address.sentinel_options) == {"username": "u", "password": "p&q"}
    assert address.server_url == "rediss://a:26379/?ssl_cert_reqs=none"


def test_cluster_is_named_by_some_of_its_nodes():
    address = read_address("redis+cluster://:secret@a:1,b/0")
    assert address.kind is Kind.CLUSTER
    assert address.nodes == (("a", 1), ("b", 6379))
    assert address.server_url == "redis://:secret@a:1/?"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "must begin with"),
        ("http://secret@host", "must begin with"),
        ("redis+cloud://secret@host", "must begin with"),
        ("unix+sentinel://secret@host/shop", "must begin with"),
        ("redis://[::1", "not a URL"),
        ("redis://:secret@host:none", "port"),
        ("redis://:secret@host:70000", "port"),
        ("redis://:secret@a:1,b:2/0", "redis+sentinel://"),
        ("redis://:secret@host/shop", "database"),
        ("unix://", "socket"),
        ("redis+sentinel://:secret@a:1,b:2", "service"),
        ("redis+sentinel://:secret@a:1,b:2/", "service"),
        ("redis+sentinel://:secret@/shop", "host"),
        ("redis+sentinel://:secret@a,,b/shop", "host"),
        ("redis+sentinel://:secret@a:none/shop", "port"),
        ("redis+sentinel://:secret@a/shop/two", "database"),
        ("redis+cluster://:secret@a/1", "database"),
        ("redis+cluster://", "host"),
    ],
)
def test_invalid_url_is_explained_and_never_quoted(url, why):
    with pytest.raises(AddressError, match=why.replace("+", r"\+")) as caught:
        read_address(url)
    assert "secret" not in str(caught.value)
