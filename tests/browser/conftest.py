"""Chromium before the whole stack."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import which

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.stack import Stack, running_stack

from .windows import Profile

LogIn = Callable[[str], Profile]

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


# Not for the whole session: while it lives, an event loop counts as running in this thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = which("chromium")
    assert program, "Chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def log_in(stack: Stack, chromium: Browser) -> Iterator[LogIn]:
    """Log in, in a profile of its own; no page in it may have broken its policy."""
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
