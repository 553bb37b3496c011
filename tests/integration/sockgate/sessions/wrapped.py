"""Django's cache engine, wrapped as in docs/django.md."""

from django.contrib.sessions.backends import cache
from sockgate.sessions.mirror import IdentityMirror


class SessionStore(IdentityMirror, cache.SessionStore):
    """A Django session in the cache."""
