"""``@tracked_task``: the progress of tasks of Celery and of Django."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate import tracked_task
from sockgate.publishing.progress.background import BACKGROUND
from sockgate.publishing.progress.records import read

from tests.integration.sockgate.conftest import Subscriber
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def _project(sockgate: Any, transactional_db: None) -> None:
    BACKGROUND.reset()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", pk=1)


def published(subscriber: Subscriber) -> list[dict[str, Any]]:
    """Return the reports that were published to the first user."""
    found = [json.loads(raw) for channel, raw in subscriber.messages() if channel == "rt:user:1"]
    return [one["data"] for one in found]


def shown(progress_id: str) -> dict[str, Any]:
    return read("1", [progress_id])[progress_id]


def test_tracked_task_names_what_is_missing(alice: User) -> None:
    def export(owner: int) -> None: ...

    with pytest.raises(TypeError, match="has no parameter 'user_id'"):
        tracked_task(export)
    with pytest.raises(TypeError, match="was not called as a task"):
        tracked_task(user="owner")(export)(1)


@pytest.fixture
def celery(redis_server: Any, redis: Redis, alice: User, tmp_path: Path) -> Iterator[Any]:
    """Celery's app, with a worker as a process."""
    url = redis_server.connection_url
    environ = {
        **{key: text for key, text in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"},
        "SOCKGATE_REDIS_URL": url,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    name = "tests.integration.sockgate.publishing.progress_tasks"
    command = [sys.executable, "-m", "celery", "-A", name, "worker", "--concurrency=1"]
    log = (tmp_path / "worker.log").open("wb")
    worker = subprocess.Popen(
        [*command, "--without-mingle", "--without-gossip", "--pool=prefork"],
        env=environ,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    from tests.integration.sockgate.publishing.progress_tasks import app

    app.conf.broker_url = url
    try:
        yield app
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(60)
        finally:
            worker.kill()
            log.close()


def run_task(app: Any, name: str, *args: Any) -> str:
    # A connection of its own: the pools of Celery are shared by the whole process.
    with app.connection_for_write() as connection:
        return str(app.send_task(name, args, connection=connection).id)


def wait_for(progress_id: str, state: str) -> dict[str, Any]:
    def is_there() -> bool:
        found = read("1", [progress_id])
        return bool(found) and found[progress_id]["state"] == state

    wait_until(is_there)
    return shown(progress_id)


def test_tasks_of_celery_are_tracked(celery: Any) -> None:
    done = wait_for(run_task(celery, "export", 1), "done")
    assert (done["done"], done["total"], done["attempt"]) == (3, 3, 1)
    again = wait_for(run_task(celery, "fragile", 1, 2), "done")
    assert (again["attempt"], again["run"]) == (2, 2)
    failed = wait_for(run_task(celery, "fragile", 1, 9), "failed")
    assert (failed["attempt"], failed["message"]) == (2, "")
    assert wait_for(run_task(celery, "by_hand", 1), "done")["attempt"] == 2
    assert wait_for(run_task(celery, "goes_on", 1, True), "done")["attempt"] == 2
    assert wait_for(run_task(celery, "broken", 1), "failed")["message"] == "The file has no rows."
    killed = run_task(celery, "dies", 1)
    wait_until(lambda: read("1", [killed]).get(killed, {}).get("age", 0) > 1)
    assert shown(killed)["state"] == "running"  # Pages show it as stalled.


def test_retry_of_celery_is_shown(alice: User, subscriber: Subscriber) -> None:
    from tests.integration.sockgate.publishing.progress_tasks import fragile

    fragile.apply((1, 2), throw=False)
    states = [(one["state"], one["attempt"]) for one in published(subscriber)]
    assert states == [("running", 1), ("retrying", 1), ("running", 2), ("done", 2)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Celery raises the error once the call's own limit is reached.
        ("own_limit", [("running", 1), ("retrying", 1), ("running", 2), ("failed", 2)]),
        # The limit of a call counts for autoretry_for, too.
        (
            "beyond",
            [
                *[("running", 1), ("retrying", 1), ("running", 2), ("retrying", 2)],
                *[("running", 3), ("done", 3)],
            ],
        ),
        ("options", [("running", 1), ("retrying", 1), ("running", 2), ("failed", 2)]),
        ("ignored", [("running", 1), ("done", 1)]),
        ("ended", [("running", 1), ("failed", 1)]),
        ("returned", [("running", 1), ("retrying", 1)]),
        ("rejected", [("running", 1), ("failed", 1)]),
        # Celery's ``apply`` runs no other try after it; a worker does.
        ("goes_on", [("running", 1), ("retrying", 1)]),
    ],
)
def test_end_of_celery_is_shown_as_it_is(
    alice: User, subscriber: Subscriber, name: str, expected: list[tuple[str, int]]
) -> None:
    from tests.integration.sockgate.publishing import progress_tasks

    getattr(progress_tasks, name).apply((1,), throw=False)
    assert [(one["state"], one["attempt"]) for one in published(subscriber)] == expected


def test_tasks_of_django_are_tracked(alice: User, settings: Any) -> None:
    pytest.importorskip("django.tasks")
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    from tests.integration.sockgate.publishing import django_tasks

    done = django_tasks.export.enqueue(1)
    assert (shown(done.id)["state"], shown(done.id)["done"]) == ("done", 3)
    failed = django_tasks.broken.enqueue(1)
    assert (shown(failed.id)["state"], shown(failed.id)["message"]) == ("failed", "")
    ran = django_tasks.asynchronous.enqueue(1)
    assert shown(ran.id)["state"] == "done"
