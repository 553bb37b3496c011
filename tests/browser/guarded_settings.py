"""The demo's settings, for a site with guarded pages."""

from tests.e2e.demo_settings import *  # noqa: F403

ROOT_URLCONF = "tests.browser.guarded_urls"
