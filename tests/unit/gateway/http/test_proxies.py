"""Forwarded headers count only from trusted proxies, and only as far back as these wrote them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.http.proxies import Client, ProxyPolicy

PROXY = "10.0.0.1"
BROWSER = "203.0.113.5"


@pytest.fixture(scope="module")
def policy():
    return ProxyPolicy(["10.0.0.0/8", "::1"])


def forwarded(for_: str, proto: str = "") -> dict[str, str]:
    return {"x-forwarded-for": for_, "x-forwarded-proto": proto}


def test_no_peer_is_trusted_by_default():
    client = ProxyPolicy([]).client_of(PROXY, "http", forwarded(BROWSER, "https"))
    assert client == Client(PROXY, "http")


def test_headers_of_an_untrusted_peer_are_ignored(policy):
    assert policy.client_of(BROWSER, "http", forwarded("127.0.0.1", "https")) == Client(
        BROWSER, "http"
    )


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
def test_nearest_untrusted_address_is_the_client(policy, for_, address):
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
def test_scheme_is_the_one_that_the_nearest_proxy_forwards(policy, proto, scheme):
    assert policy.client_of(PROXY, "http", forwarded(BROWSER, proto)).scheme == scheme


@pytest.mark.parametrize("trusted", ["localhost", "10.0.0.0/64", ""])
def test_entry_that_is_not_an_address_raises(trusted):
    with pytest.raises(ValueError):
        ProxyPolicy([trusted])


@given(peer=st.text() | st.just(PROXY), for_=st.text(), proto=st.text())
def test_any_forwarded_text_is_decided_without_an_error(peer, for_, proto):
    client = ProxyPolicy(["10.0.0.0/8"]).client_of(peer, "http", forwarded(for_, proto))
    assert client.scheme in ("http", "https")


def test_only_the_end_of_a_long_header_is_read():
    policy = ProxyPolicy(["10.0.0.0/8"])
    written = "192.0.2.1, " + "10.0.0.2, " * 60
    for end in ("203.0.113.7", "203.0.113.7, 10.0.0.3"):
        headers = {"x-forwarded-for": written + end}
        assert policy.client_of("10.0.0.1", "http", headers).address == "203.0.113.7"
    cut = "1" * 600 + ".0.2.1"  # The end looks like an address of its own.
    assert policy.client_of("10.0.0.1", "http", {"x-forwarded-for": cut}).address == "10.0.0.1"
    only_ours = {"x-forwarded-for": "192.0.2.1," + "10.0.0.2," * 200 + "10.0.0.2"}
    assert policy.client_of("10.0.0.1", "http", only_ours).address == "10.0.0.2"
