"""Fixtures: the whole stack, and logins in Chromium."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from tests.browser.windows import Profile
from tests.e2e.stack import Stack, running_stack

LogIn = Callable[[str], Profile]


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def log_in(stack: Stack, chromium: Browser) -> Iterator[LogIn]:
    """Log in, each time in a new profile. Fails if a page has violated its policy."""
    with _profiles(chromium, stack.origin) as log_in:
        yield log_in


@pytest.fixture(scope="module")
def log_in_once(stack: Stack, chromium: Browser) -> Iterator[LogIn]:
    """Log in for all tests of a module."""
    with _profiles(chromium, stack.origin) as log_in:
        yield log_in


@contextmanager
def _profiles(chromium: Browser, origin: str) -> Iterator[LogIn]:
    profiles: list[Profile] = []

    def log_in(name: str) -> Profile:
        profile = Profile(chromium, origin)
        profiles.append(profile)
        return profile.log_in(name)

    yield log_in
    for profile in profiles:
        profile.close()
    assert [violation for profile in profiles for violation in profile.violations] == []
