"""What ``capture_publications`` and ``RealtimeTestCase`` capture, without any server."""

import asyncio
import re
from datetime import date
from unittest.mock import ANY

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import RequestFactory, TestCase
from sockgate import (
    Publisher,
    abroadcast,
    apublish_many,
    broadcast,
    publish,
    publish_many,
    publish_to,
    publish_to_group,
    touch,
)
from sockgate.publishing import sending
from sockgate.testing import Publication, RealtimeTestCase, capture_publications
from sockgate_gateway.wire.namespaces import Namespaces

pytestmark = pytest.mark.django_db

EMPTY = Namespaces()
NOWHERE = "unix:///nowhere/redis.sock"


@pytest.fixture(autouse=True)
def no_redis(settings):
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": NOWHERE}


def test_calls_are_captured_with_channel_event_and_data():
    with capture_publications() as captured:
        publish(User(pk=7), "news", {"a": 1})
        publish_to("room:7", "said", "hi")
        broadcast("all")
        publish_many([1, 2], "many")
        publish_to_group("Night shift", "group")
    assert list(captured) == [
        Publication("user:7", "news", {"a": 1}),
        Publication("room:7", "said", "hi"),
        Publication("broadcast", "all", None),
        Publication("user:1", "many", None),
        Publication("user:2", "many", None),
        Publication("group:Night%20shift", "group", None),
    ]


def test_asynchronous_calls_are_captured():
    async def run():
        await abroadcast("all", on_commit=False)
        await apublish_many([1, 2], "many", on_commit=False)

    with capture_publications() as captured:
        asyncio.run(run())
    assert [publication.channel for publication in captured] == ["broadcast", "user:1", "user:2"]


def test_publisher_is_captured():
    with capture_publications() as captured, Publisher(NOWHERE, namespaces=EMPTY) as publisher:
        assert publisher.publish(7, "news") == 1
    captured.assert_published(User(pk=7), "news")


def test_callbacks_of_a_commit_run_at_the_end_of_the_block():
    with capture_publications() as captured:
        with transaction.atomic():
            publish(7, "kept")
            transaction.on_commit(lambda: publish(7, "nested"))
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish(7, "rolled back")
            1 / 0  # noqa: B018
        assert len(captured) == 0
    assert [publication.event for publication in captured] == ["kept", "nested"]


def test_idempotency_key_publishes_once():
    with capture_publications() as captured:
        counts = [
            publish_to("room:7", "said", on_commit=False, idempotency_key="k") for _ in range(2)
        ]
        publish_to("room:8", "said", on_commit=False, idempotency_key="k")
    assert counts == [1, 0]
    assert [(it.channel, it.is_sequenced) for it in captured] == [
        ("room:7", True),
        ("room:8", True),
    ]


def test_outer_capture_has_what_the_inner_one_has():
    with capture_publications() as outer:
        with capture_publications() as inner:
            publish_to("room:7", "said")
        publish_to("room:8", "said")
    assert [len(outer), len(inner)] == [2, 1]


def test_calls_are_sent_again_after_the_block():
    before = sending.send
    with capture_publications():
        assert sending.send is not before
    assert sending.send is before


def test_bad_publication_raises_as_without_a_capture():
    with capture_publications() as captured, pytest.raises(ValueError, match="reserved"):
        publish(7, "error")
    captured.assert_nothing_published()


def test_assertion_accepts_a_user_a_group_a_key_and_a_channel():
    with capture_publications() as captured:
        publish(7, "news", {"day": date(2012, 6, 4)})
        publish_to_group("editors", "news")
    captured.assert_published(7, "news", {"day": date(2012, 6, 4)})
    captured.assert_published("user:7", "news", {"day": "2012-06-04"})
    captured.assert_published(User(pk=7), "news", {"day": ANY})
    captured.assert_published(Group(name="editors"), "news")
    captured.assert_nothing_published("user:8")
    captured.assert_published("user:8", "news", times=0)


@pytest.mark.parametrize(
    ("to", "event", "data", "times"),
    [
        (7, "news", {"a": 2}, 1),
        (7, "other", ..., 1),
        (8, "news", ..., 1),
        (7, "news", ..., 2),
        (7, "news", object(), 1),
    ],
)
def test_failed_assertion_lists_what_was_published(to, event, data, times):
    with capture_publications() as captured:
        publish(7, "news", {"a": 1})
    with pytest.raises(AssertionError, match=re.escape('user:7 news {"a": 1}')):
        captured.assert_published(to, event, data, times=times)


def test_failed_assertion_of_nothing_names_it():
    with capture_publications() as captured:
        pass
    with pytest.raises(AssertionError, match="Nothing was published"):
        captured.assert_published(7, "news")


def run_case(test):
    """Run a method as a test of ``RealtimeTestCase``."""
    case = type(
        "Case", (RealtimeTestCase,), {"test": test, "setUp": lambda self: publish(1, "set")}
    )
    result = case("test").run()
    assert result is not None
    assert not (result.errors or result.failures), result.errors + result.failures


def test_case_captures_set_up_and_runs_commits():
    def test(self):
        publish(7, "paid", {"order": 9})
        self.assertPublished(to=7, event="paid", data={"order": 9})
        self.assertPublished(to=1, event="set")
        self.assertPublished(to=7, event="paid", times=1)
        self.assertNothingPublished(to=8)

    run_case(test)


def test_case_runs_no_commit_of_a_block_that_is_open_or_rolled_back():
    def test(self):
        with transaction.atomic():
            publish(7, "open")
            self.assertNothingPublished(to=7)
        self.assertPublished(7, "open")
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            publish(8, "rolled back")
            1 / 0  # noqa: B018
        self.assertNothingPublished(to=8)

    run_case(test)


def test_case_runs_each_callback_once_beside_djangos_own_capture():
    def test(self):
        ran = []
        with self.captureOnCommitCallbacks(execute=True):
            publish(7, "paid")
            transaction.on_commit(lambda: ran.append(1))
        self.assertPublished(7, "paid")
        self.assertEqual(ran, [1])

    run_case(test)


def test_plain_case_with_djangos_capture_publishes_once_in_a_capture():
    with capture_publications() as captured, TestCase.captureOnCommitCallbacks(execute=True):
        publish(7, "paid")
    captured.assert_published(7, "paid", times=1)


def test_excluded_connection_is_captured():
    request = RequestFactory().post("/", headers={"X-Sockgate-Connection": "c1"})
    with capture_publications() as captured:
        publish(7, "news", exclude=request)
        publish_many([8], "news", exclude="c2")
    assert [one.excluded for one in captured] == ["c1", "c2"]


def test_touches_are_captured_once_for_each_block():
    for _ in range(2):
        with capture_publications() as captured:
            touch("orders")
            with transaction.atomic():
                touch("orders")
        captured.assert_touched("orders")
        assert list(captured) == [Publication("orders", "touch", None)]


def test_touch_that_no_block_has_run_hides_no_later_one():
    touch("orders")
    with capture_publications() as captured:
        touch("orders")
    captured.assert_touched("orders")
    with pytest.raises(AssertionError, match="orders touch: published 1, not 2 times"):
        captured.assert_touched("orders", times=2)


def test_case_counts_touches():
    def test(self):
        touch("orders")
        touch("orders")
        self.assertTouched("orders")
        with transaction.atomic():
            touch("orders")
            touch("customer:7")
        self.assertTouched("orders", times=2)
        self.assertTouched("customer:7")

    run_case(test)


def test_failed_assertion_fails_the_case():
    class Case(RealtimeTestCase):
        def test(self):
            self.assertPublished(7, "paid")

    (failure,) = Case("test").run().failures
    assert "user:7 paid: published 0, not 1 times" in failure[1]
