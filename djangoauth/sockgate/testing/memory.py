"""Emptying ``memory://`` between tests."""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from .. import conf
from ..redis_clients import pools
from ..redis_clients.memory import holds_data, is_memory


def forget_memory() -> None:
    """Empty Redis, if it is ``memory://`` and holds anything. Any other Redis keeps what it has."""
    if holds_data() and is_memory(conf.current().redis_url):
        pools.records().flushall()


def forget_memory_of_site() -> None:
    """Empty ``memory://``, where the site has Sockgate with valid settings."""
    try:
        if apps.ready and apps.is_installed("sockgate"):
            forget_memory()
    except (ImproperlyConfigured, LookupError):
        return  # The tests of the site say what is wrong.
