import pytest
from sockgate.sessions.db import SessionStore

from tests.integration.sockgate.sessions.behaviour import SessionBehaviour
from tests.integration.sockgate.sessions.mirrored import MirroredIdentity

pytestmark = pytest.mark.integration


class TestBehaviour(SessionBehaviour):
    store = SessionStore


class TestIdentity(MirroredIdentity):
    store = SessionStore
    replaced = "django.contrib.sessions.backends.db"
