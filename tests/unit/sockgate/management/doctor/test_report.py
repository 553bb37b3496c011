from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from redis import AuthenticationError
from redis import ConnectionError as RedisConnectionError
from sockgate.management.doctor.report import Outcome, Report, Step, StepFailed, StepSkipped
from sockgate_gateway.wire.documentation import DOCUMENTATION
from sockgate_gateway.wire.errors import TenantError


class Clock:
    """Each reading is a quarter of a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        self.now += 0.25
        return self.now


def raising(error: Exception) -> Callable[[], str]:
    def work() -> str:
        raise error

    return work


@pytest.fixture
def seen() -> list[Step]:
    return []


@pytest.fixture
def report(seen: list[Step]) -> Report:
    return Report(seen.append, Clock().read)


def test_step_has_its_time_and_what_was_found(report: Report, seen: list[Step]) -> None:
    assert report.run("Redis", lambda: "database 0")
    assert seen == report.steps == [Step("Redis", Outcome.OK, 250, "database 0")]
    assert list(seen[0].lines()) == ["ok       Redis                        250 ms  database 0"]


def test_failed_step_names_cause_setting_and_page(report: Report) -> None:
    assert not report.run("gateway", raising(StepFailed("It is off.", "Start it.", "off")))
    (step,) = report.steps
    assert [line.strip() for line in step.lines()][1:] == [
        "It is off.",
        "To do: Start it.",
        f"See {DOCUMENTATION}troubleshooting.html#off",
    ]
    assert not report.is_good
    assert report.as_dict()["ok"] is False
    assert report.as_dict()["steps"][0]["outcome"] == "failed"


def test_skipped_step_is_no_failure(report: Report) -> None:
    assert not report.run("websocket", raising(StepSkipped("not installed")))
    report.skip(["later"], "not reached")
    assert [step.detail for step in report.steps] == ["not installed", "not reached"]
    assert report.is_good


@pytest.mark.parametrize(
    ("error", "cause", "mend"),
    [
        (RedisConnectionError("Connection refused."), "Connection refused", "REDIS_URL"),
        (AuthenticationError("invalid username-password pair"), "username", "password"),
        (ImproperlyConfigured("a setting is bad"), "a setting is bad", "settings"),
        (TenantError("no tenant"), "no tenant", "tenant_command"),
        (OperationalError("no such table: auth_user"), "no such table", "migrate"),
    ],
)
def test_known_error_is_explained(report: Report, error: Exception, cause: str, mend: str) -> None:
    report.run("step", raising(error))
    (step,) = report.steps
    assert cause in step.cause
    assert mend in step.mend


def test_unknown_error_is_not_hidden(report: Report) -> None:
    with pytest.raises(ZeroDivisionError):
        report.run("step", raising(ZeroDivisionError()))
