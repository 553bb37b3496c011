"""Django's database engine, with the login mirrored into Redis.

Set ``SESSION_ENGINE = "sockgate.sessions.db"`` in place of
``django.contrib.sessions.backends.db``. Existing sessions stay valid.
"""

from .database import DatabaseMirror


class SessionStore(DatabaseMirror):
    """A Django session in the database."""
