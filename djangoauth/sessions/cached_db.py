"""Django's own cached database engine, with the identity mirrored into Redis.

``SESSION_ENGINE = "djangoauth.sessions.cached_db"`` in place of
``django.contrib.sessions.backends.cached_db``: nobody is logged out by the change.
"""

from django.contrib.sessions.backends.cached_db import SessionStore as CachedDatabaseStore

from .database import DatabaseMirror


class SessionStore(DatabaseMirror, CachedDatabaseStore):
    """A Django session in the database and the cache."""
