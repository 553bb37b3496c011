"""Exact origins: one that only resembles an allowed origin is foreign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.http.origins import OriginPolicy, domain_of, normalize_origin

FRIEND = "https://friend.example"
OWN = "https://rt.example"


@pytest.fixture(scope="module")
def policy():
    return OriginPolicy([FRIEND, "http://localhost:8000", "http://[::1]:8000"])


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("https://Friend.Example", FRIEND),
        ("https://friend.example:443", FRIEND),
        ("https://friend.example/", FRIEND),
        (" https://friend.example ", FRIEND),
        ("http://friend.example:80", "http://friend.example"),
        ("https://friend.example:80", "https://friend.example:80"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_origin_is_written_as_browsers_do(written, normalized):
    assert normalize_origin(written) == normalized


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "friend.example",
        "https://",
        "https://*:x",
        "https://*.friend.example",
        "ftp://friend.example",
        "https://friend.example:99999",
        "https://user@friend.example",
        "https://[::1",
    ],
)
def test_text_that_is_not_an_origin_raises(text):
    with pytest.raises(ValueError):
        normalize_origin(text)


@pytest.mark.parametrize("origin", [FRIEND, "HTTPS://FRIEND.EXAMPLE", "http://[::1]:8000", OWN])
def test_configured_and_own_origins_are_allowed(policy, origin):
    assert policy.allows(origin, OWN)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://friend.example",
        "https://friend.example:8443",
        "https://friend.example.foe.example",
        "https://foe-friend.example",
        "https://sub.friend.example",
        "https://friend.example@foe.example",
        "http://localhost",
        "garbage",
    ],
)
def test_foreign_origin_is_refused(policy, origin):
    assert not policy.allows(origin, OWN)


def test_program_without_origin_is_allowed(policy):
    assert policy.allows(None, OWN)


def test_referer_counts_only_without_an_origin(policy):
    assert policy.allows(None, OWN, FRIEND + "/page?query")
    assert not policy.allows(None, OWN, "https://foe.example/" + FRIEND)
    assert policy.allows(FRIEND, OWN, "https://foe.example/")
    assert not policy.allows("https://foe.example", OWN, FRIEND + "/")


def test_invalid_own_origin_allows_nothing_more(policy):
    assert not policy.allows("http://", "http://")


@given(origin=st.text(), referer=st.none() | st.text())
def test_any_header_text_is_decided_without_an_error(origin, referer):
    OriginPolicy([FRIEND]).allows(origin, OWN, referer)
    OriginPolicy([FRIEND]).allows(None, origin, referer)


@pytest.fixture(scope="module")
def tenants():
    return OriginPolicy(["https://*.Shop.Example", "http://*.localhost:8000"])


@pytest.mark.parametrize(
    "origin",
    [
        "https://acme.shop.example",
        "https://a.b.shop.example",
        "https://ACME.shop.example:443",
        "https://shop.example",
        "http://acme.localhost:8000",
    ],
)
def test_subdomains_of_a_domain_are_allowed(tenants, origin):
    assert tenants.allows(origin, OWN)
    assert tenants.allows(None, OWN, f"{origin}/page")


@pytest.mark.parametrize(
    "origin",
    [
        "http://acme.shop.example",
        "https://acme.shop.example:8443",
        "https://evilshop.example",
        "https://shop.example.evil.example",
        "https://acme.shop.example.",
        "https://acme.shop.example@evil.example",
        "https://*.shop.example",
        "https://example",
        "https://",
        "null",
        "http://acme.localhost",
        "https://[::1]",
    ],
)
def test_neighbours_of_a_domain_are_foreign(tenants, origin):
    assert not tenants.allows(origin, OWN)


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "https://*",
        "https://*.com",
        "https://*.",
        "https://*.*.a.example",
        "https://a*.b.example",
    ],
)
def test_entry_that_is_too_wide_or_no_domain_raises(entry):
    with pytest.raises(ValueError):
        domain_of(entry)


def test_sources_have_the_domain_and_its_subdomains(tenants):
    assert tenants.sources() == [
        "http://*.localhost:8000",
        "http://localhost:8000",
        "https://*.shop.example",
        "https://shop.example",
    ]


def test_long_address_of_a_page_has_its_origin():
    policy = OriginPolicy(["https://*.example.com"])
    assert policy.allows(None, OWN, "https://shop.example.com/" + "a" * 5000)
    assert not policy.allows(None, OWN, "https://" + "a." * 5000 + "example.com/")
    assert not policy.allows("https://shop.example.com/" + "a" * 5000, OWN)
    assert not policy.allows(
        None, OWN, "https://evil.example/?https://shop.example.com" + "/" * 600
    )
