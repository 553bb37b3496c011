"""``memory://`` and a real Valkey pass the same tests."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from sockgate.checks.redis import check_redis
from sockgate.redis_clients import pools
from sockgate.testing import RealtimeTestCase

from tests.integration.sockgate.testing.behaviour import *  # noqa: F403

pytestmark = pytest.mark.integration


@pytest.fixture(params=["memory", "server"])
def store(request: pytest.FixtureRequest, settings: Any) -> Any:
    """Django's settings, with an empty Redis."""
    if request.param == "server":
        request.getfixturevalue("redis")
        url = request.getfixturevalue("redis_server").connection_url
    else:
        url = "memory://"
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": url}
    settings.ROOT_URLCONF = "tests.integration.sockgate.testing.site_urls"
    pools.records().flushall()
    return settings


@pytest.fixture
def memory(settings: Any) -> Any:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "memory://"}
    settings.ROOT_URLCONF = "tests.integration.sockgate.testing.site_urls"
    pools.records().flushall()
    return settings


@pytest.mark.parametrize("engine", ["db", "cache", "signed_cookies", "cached_db", "file"])
def test_page_renders_with_any_session_engine(
    memory: Any, transactional_db: None, engine: str, tmp_path: Any
) -> None:
    memory.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    memory.SESSION_FILE_PATH = str(tmp_path)
    browser = Client()
    browser.force_login(User.objects.create_user("alice", password="alice-demo"))
    page = browser.get("/page/")
    assert '"token": null' in page.content.decode()
    assert browser.post("/realtime/token/").status_code == 401
    browser.logout()


def test_test_case_empties_the_memory(memory: Any, db: None) -> None:
    pools.records().set("left", 1)

    class Case(RealtimeTestCase):
        def test(self) -> None:
            assert not pools.records().exists("left")

    result = Case("test").run()
    assert not (result.errors or result.failures), result.errors


def test_memory_is_an_error_of_check_deploy(memory: Any) -> None:
    assert [message.id for message in check_redis()] == ["sockgate.E106"]
