"""Defaults of the settings in a test run, where nothing is configured.

Django's test runner and pytest-django turn DEBUG off, and with it the defaults of development. A
site's tests must not need keys of their own, and must not write to the Redis of development.
"""

from importlib.util import find_spec

from django.conf import settings
from django.core import mail

from .debug_defaults import derive_key

MEMORY_URL = "memory://"


def is_test_run() -> bool:
    """Return whether ``setup_test_environment`` of Django is in force."""
    return hasattr(mail, "outbox")


def signing_keys() -> tuple[str, ...]:
    """Derive a signing key from ``SECRET_KEY``; empty: this is no test run."""
    is_derived = is_test_run() and settings.SECRET_KEY
    return (derive_key(f"tests {settings.SECRET_KEY}"),) if is_derived else ()


def redis_url() -> str:
    """Return the URL of Redis in the process; empty: no test run, or fakeredis is missing."""
    has_memory = find_spec("fakeredis") and find_spec("lupa")
    return MEMORY_URL if is_test_run() and has_memory else ""
