"""Only a trusted proxy may speak for another, and only as far back as proxies are trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxies import Client, ProxyPolicy, source_of

PROXY = "10.0.0.1"
BROWSER = "203.0.113.5"


@pytest.fixture(scope="module")
def policy():
    return ProxyPolicy(["10.0.0.0/8", "::1"])


def forwarded(for_: str, proto: str = "") -> dict[str, str]:
    return {"x-forwarded-for": for_, "x-forwarded-proto": proto}


def test_nobody_is_trusted_by_default():
    client = ProxyPolicy([]).client_of(PROXY, "http", forwarded(BROWSER, "https"))
    assert client == Client(PROXY, "http")


def test_stranger_speaks_for_himself(policy):
    assert policy.client_of(BROWSER, "http", forwarded("127.0.0.1", "https")) == (BROWSER, "http")


@pytest.mark.parametrize(
    ("for_", "address"),
    [
        (BROWSER, BROWSER),
        (f"6.6.6.6, {BROWSER}", BROWSER),
        (f"{BROWSER}, 10.0.0.9", BROWSER),
        (f"6.6.6.6,{BROWSER} , 10.0.0.9", BROWSER),
        ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
        (f"{BROWSER}, unknown", PROXY),
        ("unknown, 10.0.0.9", "10.0.0.9"),
        ("", PROXY),
        ("2001:db8::7", "2001:db8::7"),
        (f"{BROWSER}, ::ffff:10.0.0.9", BROWSER),
        ("fe80::1%user=7 code=0", PROXY),
    ],
)
def test_nearest_stranger_is_the_client(policy, for_, address):
    assert policy.client_of(PROXY, "http", forwarded(for_)).address == address


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("https, http", "http"),
        ("gopher", "http"),
        ("", "http"),
    ],
)
def test_scheme_is_what_the_nearest_proxy_says(policy, proto, scheme):
    assert policy.client_of(PROXY, "http", forwarded(BROWSER, proto)).scheme == scheme


@pytest.mark.parametrize("trusted", ["localhost", "10.0.0.0/64", ""])
def test_policy_of_no_address_is_refused(trusted):
    with pytest.raises(ValueError):
        ProxyPolicy([trusted])


@pytest.mark.parametrize(
    ("address", "source"),
    [
        (BROWSER, BROWSER),
        ("2001:db8::7", "2001:db8::/64"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (f"::ffff:{BROWSER}", BROWSER),
        ("unix:", "unix:"),
    ],
)
def test_limits_count_addresses_of_ipv4_and_networks_of_ipv6(address, source):
    assert source_of(address) == source


@given(peer=st.text() | st.just(PROXY), for_=st.text(), proto=st.text())
def test_whatever_is_forwarded_is_judged(peer, for_, proto):
    client = ProxyPolicy(["10.0.0.0/8"]).client_of(peer, "http", forwarded(for_, proto))
    assert client.scheme in ("http", "https")
