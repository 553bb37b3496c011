"""An engine of the project's own, wrapped as docs/django.md says: Django's in the cache."""

from django.contrib.sessions.backends import cache

from djangoauth.sessions.mirror import IdentityMirror


class SessionStore(IdentityMirror, cache.SessionStore):
    """A Django session in the cache."""
