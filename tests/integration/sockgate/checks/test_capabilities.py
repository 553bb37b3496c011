"""The deploy checks and the doctor name what Redis refuses, with its consequence."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from redis import Redis
from sockgate.checks.redis import check_capabilities

from tests.integration.providers import create_account, with_account

pytestmark = pytest.mark.integration

ACCOUNT = "refused"


@pytest.fixture
def refuse(sockgate: Any, redis: Redis) -> Iterator[Callable[..., None]]:
    """Let Django use an account that lacks these commands."""

    def refuse(*rules: str) -> None:
        create_account(redis, ACCOUNT, rules)
        url = with_account(sockgate.SOCKGATE["REDIS_URL"], ACCOUNT)
        sockgate.SOCKGATE = {**sockgate.SOCKGATE, "REDIS_URL": url}

    yield refuse
    redis.acl_deluser(ACCOUNT)


def test_server_that_refuses_nothing_has_no_warning(refuse) -> None:
    refuse()
    assert list(check_capabilities()) == []


def test_refused_clock_is_a_warning_with_its_consequence(refuse) -> None:
    refuse("-time")
    (found,) = check_capabilities()
    assert found.id == "sockgate.W123"
    assert "Redis refuses TIME in scripts" in found.msg
    assert "Instead, the clock of each caller counts." in found.msg


def test_refused_scripts_are_an_error(refuse) -> None:
    refuse("-eval")
    assert [one.id for one in check_capabilities()] == ["sockgate.E121"]


def test_doctor_lists_what_redis_can_do(refuse) -> None:
    refuse("-role")
    out = StringIO()
    call_command("sockgate_doctor", redis=True, stdout=out)
    assert "has      TIME in scripts: the age of kept publications" in out.getvalue()
    assert "missing  Redis refuses ROLE" in out.getvalue()


def test_doctor_fails_where_nobody_can_log_in(refuse) -> None:
    refuse("-eval")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("sockgate_doctor", redis=True, json=True, stdout=out)
    (step,) = (one for one in json.loads(out.getvalue())["steps"] if one["outcome"] == "failed")
    assert "Redis refuses EVAL" in step["cause"]


def test_full_memory_is_no_missing_command(refuse, redis) -> None:
    refuse()
    redis.config_set("maxmemory", 1)
    try:
        assert list(check_capabilities()) == []
    finally:
        redis.config_set("maxmemory", 0)
