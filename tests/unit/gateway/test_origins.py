"""Exact origins: what only looks like an allowed one is foreign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.origins import OriginPolicy, normalize

FRIEND = "https://friend.example"
OWN = "https://rt.example"


@pytest.fixture(scope="module")
def policy():
    return OriginPolicy([FRIEND, "http://localhost:8000", "http://[::1]:8000"])


@pytest.mark.parametrize(
    ("written", "normal"),
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
def test_origin_is_written_as_browsers_do(written, normal):
    assert normalize(written) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "friend.example",
        "https://",
        "https://*:x",
        "ftp://friend.example",
        "https://friend.example:99999",
        "https://user@friend.example",
        "https://[::1",
    ],
)
def test_text_that_is_no_origin_is_refused(text):
    with pytest.raises(ValueError):
        normalize(text)


@pytest.mark.parametrize("origin", [FRIEND, "HTTPS://FRIEND.EXAMPLE", "http://[::1]:8000", OWN])
def test_friend_and_own_page_are_allowed(policy, origin):
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
def test_foreign_page_is_refused(policy, origin):
    assert not policy.allows(origin, OWN)


def test_program_without_origin_is_allowed(policy):
    assert policy.allows(None, OWN)


def test_referer_counts_only_without_an_origin(policy):
    assert policy.allows(None, OWN, FRIEND + "/page?query")
    assert not policy.allows(None, OWN, "https://foe.example/" + FRIEND)
    assert policy.allows(FRIEND, OWN, "https://foe.example/")
    assert not policy.allows("https://foe.example", OWN, FRIEND + "/")


def test_unknown_own_address_allows_nothing_more(policy):
    assert not policy.allows("http://", "http://")


@given(origin=st.text(), referer=st.none() | st.text())
def test_whatever_is_claimed_is_judged(origin, referer):
    OriginPolicy([FRIEND]).allows(origin, OWN, referer)
    OriginPolicy([FRIEND]).allows(None, origin, referer)
