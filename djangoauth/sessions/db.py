"""Django's own database engine, with the identity mirrored into Redis.

``SESSION_ENGINE = "djangoauth.sessions.db"`` in place of ``django.contrib.sessions.backends.db``:
nobody is logged out by the change.
"""

from .database import DatabaseMirror


class SessionStore(DatabaseMirror):
    """A Django session in the database."""
