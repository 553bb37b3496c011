"""Django's cached database engine, with the login mirrored into Redis.

Set ``SESSION_ENGINE = "sockgate.sessions.cached_db"`` in place of
``django.contrib.sessions.backends.cached_db``. Existing sessions stay valid.
"""

from django.contrib.sessions.backends.cached_db import SessionStore as CachedDatabaseStore

from .database import DatabaseMirror


class SessionStore(DatabaseMirror, CachedDatabaseStore):
    """A Django session in the database and the cache."""
