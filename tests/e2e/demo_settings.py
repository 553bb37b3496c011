"""The demo's settings, with passwords that are cheap to check."""

from project.settings import *  # noqa: F403
from project.settings import SOCKGATE

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

SOCKGATE = {**SOCKGATE, "PAGE_TIMEOUT": 10}  # A busy machine must not send a page without grants.

ROOT_URLCONF = "tests.e2e.demo_urls"
LOGIN_REDIRECT_URL = "/"
