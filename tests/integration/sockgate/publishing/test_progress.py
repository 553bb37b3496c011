"""Progress of long work: what Redis holds, what is published, what the view and the tag show."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client, override_settings
from django.urls import include, path
from redis import Redis
from sockgate import ProgressFailed, progress, use_tenant
from sockgate.errors import PublicationInvalid
from sockgate.publishing.progress import bar as bar_module
from sockgate.publishing.progress.background import BACKGROUND
from sockgate.publishing.progress.records import key_of, read

from tests.integration.sockgate.conftest import Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ADDRESS = "/realtime/progress/"


def page(request: HttpRequest) -> HttpResponse:
    tag = '{% load sockgate %}{% task_progress "job" label="Export" %}{% task_progress "job" %}'
    return HttpResponse(Template(tag).render(Context({"request": request})))


urlpatterns = [path("", page), path("realtime/", include("sockgate.urls"))]


@pytest.fixture(autouse=True)
def _project(sockgate: Any, transactional_db: None) -> Iterator[None]:
    BACKGROUND.reset()
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", pk=1)


@pytest.fixture
def login(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def published(subscriber: Subscriber) -> list[dict[str, Any]]:
    """Return the reports that were published to the first user."""
    found = [json.loads(raw) for channel, raw in subscriber.messages() if channel == "rt:user:1"]
    assert all(one["event"] == "sockgate-progress" for one in found)
    return [one["data"] for one in found]


def shown(progress_id: str = "job") -> dict[str, Any]:
    return read("1", [progress_id])[progress_id]


def test_block_reports_start_and_end(alice: User, subscriber: Subscriber) -> None:
    with progress(alice, total=2, id="job", message="Go") as bar:
        assert shown()["state"] == "running"
        bar.advance(2)
    first, *_, last = published(subscriber)
    assert (first["state"], first["done"], first["message"]) == ("running", 0, "Go")
    assert (last["state"], last["done"], last["total"]) == ("done", 2, 2)
    assert {**shown(), "age": 0} == {**last, "age": 0}
    assert first["n"] < last["n"]


def test_reports_are_few_and_the_last_one_is_always_sent(
    alice: User, subscriber: Subscriber, monkeypatch: Any
) -> None:
    now = [100.0]
    monkeypatch.setattr(bar_module, "monotonic", lambda: now[0])
    with progress(alice, total=1000) as bar:
        for _ in bar.track(range(1000)):
            now[0] += 0.001
    reports = published(subscriber)
    assert 10 <= len(reports) <= 13
    assert reports[-1]["done"] == 1000


def test_failure_is_shown_without_its_text_and_raised(alice: User) -> None:
    with (
        pytest.raises(OSError, match="secret"),
        progress(alice, id="job", message="Row 7"),
    ):
        raise OSError("a secret path")
    assert (shown()["state"], shown()["message"]) == ("failed", "")
    with pytest.raises(ProgressFailed), progress(alice, id="job"):
        raise ProgressFailed("The file has no rows.")
    assert (shown()["state"], shown()["message"]) == ("failed", "The file has no rows.")


def test_second_run_takes_the_place_of_the_first(alice: User) -> None:
    for number in (1, 2):
        with progress(alice, id="job"):
            assert shown()["run"] == number


def test_report_does_not_wait_for_a_transaction(alice: User, subscriber: Subscriber) -> None:
    with transaction.atomic(), progress(alice):
        assert len(published(subscriber)) == 1


async def test_asynchronous_block_does_the_same(sockgate: Any, db: None) -> None:
    from asgiref.sync import sync_to_async

    async with progress(1, total=1, id="job") as bar:
        await bar.aupdate(message="x")
        await bar.aadvance()
    report = await sync_to_async(shown)()
    assert (report["state"], report["done"]) == ("done", 1)


def test_record_ends_by_itself(alice: User, redis: Redis) -> None:
    with progress(alice, ttl=100):
        pass
    (key,) = redis.scan_iter("sockgate:progress:*")
    assert 90 <= redis.ttl(key) <= 100


def test_long_message_is_shortened(alice: User) -> None:
    with progress(alice, id="job", message="x" * 501) as bar:
        assert shown()["message"] == "x" * 499 + "…"
        bar.update(message="y" * 500)
        bar.advance(0, message="z" * 10_000)
        bar.start()
        assert shown()["message"] == "z" * 499 + "…"
    # The end says itself.
    assert shown()["message"] == ""
    with pytest.raises(ProgressFailed), progress(alice, id="job"):
        raise ProgressFailed("w" * 501)
    assert shown()["message"] == "w" * 499 + "…"


def test_work_goes_on_without_redis(alice: User, no_redis: None, caplog: Any) -> None:
    with progress(alice, total=100_000) as bar:
        for _ in bar.track(range(100_000)):
            pass
    assert bar.state == "done"
    assert caplog.text.count("the work goes on") == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"total": -1}, "total must be a number"),
        ({"total": float("nan")}, "total must be a number"),
        ({"total": "9"}, "total must be a number"),
        ({"id": "a b"}, "needs an id"),
        ({"id": ""}, "needs an id"),
        ({"id": "x" * 101}, "needs an id"),
        ({"ttl": 0}, "ttl must be"),
        ({"stalled_after": -1}, "stalled_after must be"),
    ],
)
def test_misuse_raises(alice: User, given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        progress(alice, **given)
    with pytest.raises(PublicationInvalid):
        progress(None)  # type: ignore[arg-type]


def test_view_shows_a_user_only_their_own(alice: User, login: Client) -> None:
    bob = User.objects.create_user("bob", pk=2)
    with progress(alice, id="job"), progress(bob, id="other"):
        answer = login.get(ADDRESS, {"id": ["job", "other", "no such", "*", "job"]})
    assert list(answer.json()["progress"]) == ["job"]
    assert "no-store" in answer["Cache-Control"]
    assert Client().get(ADDRESS, {"id": "job"}).status_code == 401


def test_view_extends_no_session(alice: User, login: Client, settings: Any) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    assert login.get(ADDRESS, {"id": "job"}).cookies == {}
    assert login.get(ADDRESS).json() == {"progress": {}}


def test_view_reads_a_bounded_number(alice: User, login: Client) -> None:
    with progress(alice, id="job"):
        ids = [f"job{number}" for number in range(50)]
        assert login.get(ADDRESS, {"id": [*ids, "job"]}).json() == {"progress": {}}


def test_names_of_tenants_differ(alice: User, settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": lambda: "acme"}
    with progress(alice, id="job"):
        assert shown()["state"] == "running"
        with use_tenant("other"):
            assert read("1", ["job"]) == {}


def test_tag_shows_the_present_value(alice: User, login: Client) -> None:
    with progress(alice, total=10, id="job") as bar:
        bar.finish("running", "<b>Row 4</b>")
        html = login.get("/").content.decode()
    assert html.count("sockgate-progress.js") == 1
    assert html.count("<sockgate-progress ") == 2
    assert '<label>Export <progress value="0" max="10"></progress></label>' in html
    assert "<b>" not in html
    # Right before the element, in a block that no sanitizer lets a user write.
    blocks = re.findall(r'data-sockgate="bar">([^<]*)</script><sockgate-progress state=', html)
    assert len(blocks) == 2
    order = json.loads(blocks[0])
    assert (order["id"], order["report"]["message"]) == ("job", "<b>Row 4</b>")


def test_tag_shows_work_that_has_not_begun(login: Client) -> None:
    html = login.get("/").content.decode()
    assert '{"id": "job", "report": null}</script><sockgate-progress state="waiting">' in html
    assert "Waiting for the start" in html


def test_tag_leaves_a_visitors_page_alone(client: Client) -> None:
    answer = client.get("/")
    assert (answer.content, answer.cookies) == (b"", {})


def test_tag_works_without_redis(login: Client, settings: Any) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"
    login.force_login(User.objects.get())
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    assert 'state="waiting"' in login.get("/").content.decode()


def test_users_whose_keys_contain_separators_share_no_record(sockgate: Any, redis: Redis) -> None:
    """A site may have texts as primary keys, and an id may contain colons."""
    keys = [key_of(*one) for one in (("smith", "jones:job"), ("smith:jones", "job"))]
    keys += [key_of(*one) for one in (("a/b", "job"), ("b", "job"), ("b", "job:a"))]
    assert len({*keys}) == len(keys)
