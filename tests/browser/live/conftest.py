"""Fixtures: the site with live pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import LogIn, _profiles
from tests.browser.live.site import Site, running_site


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("live")) as site:
        yield site


@pytest.fixture(autouse=True)
def _clean(site: Site) -> Iterator[None]:
    site.redis.delete(*(site.redis.keys("site:*") or ["none"]))
    site.show("first", version="v1")
    yield


@pytest.fixture
def log_in(site: Site, chromium: Browser) -> Iterator[LogIn]:
    """Log in, each time in a new profile. Fails if a page has violated its policy."""
    with _profiles(chromium, site.stack.origin) as log_in:
        yield log_in
