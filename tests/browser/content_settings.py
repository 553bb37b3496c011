"""The demo's settings, for a site with pages that show HTML of their users."""

from tests.e2e.demo_settings import *  # noqa: F403
from tests.e2e.demo_settings import MIDDLEWARE

ROOT_URLCONF = "tests.browser.content_site"
MIDDLEWARE = [name for name in MIDDLEWARE if not name.endswith(".content_security_policy")]
