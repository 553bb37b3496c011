from typing import Any

import pytest
from sockgate.dev.exposure import warning_of

PUBLISHED = "django-insecure-of a tutorial"


@pytest.mark.parametrize("address", ["0.0.0.0", "0", "::", "[::]", "", "10.0.0.5", "my-laptop"])
def test_key_that_may_be_public_is_reported_where_others_reach_the_site(
    settings: Any, address: str
) -> None:
    settings.SECRET_KEY = PUBLISHED
    warning = warning_of(address, {}, {})
    assert "SECRET_KEY begins with django-insecure-" in warning
    assert PUBLISHED not in warning


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "a.localhost"])
def test_this_machine_alone_is_no_danger(settings: Any, address: str) -> None:
    settings.SECRET_KEY = PUBLISHED
    assert warning_of(address, {}, {}) == ""


def test_keys_that_are_set_or_secret_are_no_danger(settings: Any) -> None:
    settings.SECRET_KEY = PUBLISHED
    assert warning_of("0.0.0.0", {"SIGNING_KEYS": ["k" * 32]}, {}) == ""
    assert warning_of("0.0.0.0", {}, {"SOCKGATE_SIGNING_KEYS": "k" * 32}) == ""
    settings.SECRET_KEY = b"of this project alone"
    assert warning_of("0.0.0.0", {}, {}) == ""
