"""Visitors without a login: their sessions are short, and their pages reconnect after the end."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.security.visits import Tabs, Visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("engine", ["redis", "db"])
def test_page_of_a_visitor_reconnects_after_its_session_has_expired(
    site: Any, alice: User, tabs: Tabs, engine: str
) -> None:
    site.SESSION_ENGINE = f"sockgate.sessions.{engine}"
    site.SOCKGATE = {**site.SOCKGATE, "ANONYMOUS": True, "ANONYMOUS_SESSION_AGE": 3}
    visitor = Visit(alice, Client())
    page = tabs.open(visitor.token())
    former = visitor.client.cookies["sessionid"].value
    assert page.wait_for_close().code == 4402
    again = tabs.open(visitor.token())
    assert visitor.client.cookies["sessionid"].value != former
    assert again.frames[0]["user"] is None
