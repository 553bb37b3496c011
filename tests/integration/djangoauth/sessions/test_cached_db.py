import pytest

from djangoauth.sessions.cached_db import SessionStore
from tests.integration.djangoauth.sessions.behaviour import SessionBehaviour
from tests.integration.djangoauth.sessions.mirrored import MirroredIdentity

pytestmark = pytest.mark.integration


class TestBehaviour(SessionBehaviour):
    store = SessionStore


class TestIdentity(MirroredIdentity):
    store = SessionStore
    replaced = "django.contrib.sessions.backends.cached_db"
