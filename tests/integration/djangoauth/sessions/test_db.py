import pytest

from djangoauth.sessions.db import SessionStore

from tests.integration.djangoauth.sessions.behaviour import SessionBehaviour

pytestmark = pytest.mark.integration


class TestBehaviour(SessionBehaviour):
    store = SessionStore
