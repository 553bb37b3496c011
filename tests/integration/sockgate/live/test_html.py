"""``publish_html``: a rendered template in one publication."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.template import TemplateDoesNotExist
from django.test import override_settings
from sockgate import (
    EventNameError,
    PublicationInvalid,
    PublicationTooLarge,
    apublish_html,
    publish,
    publish_html,
)
from sockgate.testing import capture_publications
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.markup import MarkupSigner

from tests.integration.sockgate.conftest import Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {"toast.html": "<p>{{ text }}</p>", "safe.html": "{{ text|safe }}"},
                )
            ]
        },
    }
]


@pytest.fixture(autouse=True)
def _project(sockgate: Any, transactional_db: None) -> Any:
    with override_settings(TEMPLATES=TEMPLATES):
        yield


@pytest.fixture
def group(redis: Any) -> Group:
    return Group.objects.create(name="editors")


def html_of(subscriber: Subscriber, channel: str = "rt:user:1") -> list[dict[str, Any]]:
    found = [json.loads(raw) for name, raw in subscriber.messages() if name == channel]
    assert {one["event"] for one in found} <= {"sockgate:html"}
    return [one["data"] for one in found]


def test_template_is_rendered_once_and_escapes(subscriber: Subscriber) -> None:
    assert publish_html(1, "toasts", "toast.html", {"text": "<script>"}) == 1
    assert html_of(subscriber) == [
        {"target": "toasts", "swap": "append", "html": "<p>&lt;script&gt;</p>"}
    ]


def test_async_twin_publishes_the_same(subscriber: Subscriber) -> None:
    async_to_sync(apublish_html)(1, "bell", "toast.html", {"text": 3}, "replace")
    assert html_of(subscriber) == [{"target": "bell", "swap": "replace", "html": "<p>3</p>"}]


def test_recipient_is_a_user_a_group_or_a_channel(subscriber: Subscriber, group: Group) -> None:
    user = User.objects.create(pk=1, username="alice")
    publish_html(user, "a", None, swap="remove")
    assert html_of(subscriber) == [{"target": "a", "swap": "remove", "html": ""}]
    publish_html("broadcast", "a", None, swap="remove")
    assert len(html_of(subscriber, "rt:broadcast")) == 1
    assert publish_html(group, "a", None, swap="remove") == 0


def test_publication_waits_for_the_commit(subscriber: Subscriber) -> None:
    with transaction.atomic():
        assert publish_html(1, "a", "toast.html", {"text": "old"}) is None
        assert html_of(subscriber) == []
    assert [data["html"] for data in html_of(subscriber)] == ["<p>old</p>"]


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ((1, "", "toast.html"), "target must be"),
        ((1, "a b", "toast.html"), "target must be"),
        ((1, None, "toast.html"), "target must be"),
        ((1, "a" * 256, "toast.html"), "target must be"),
        ((1, "a", None), "no template"),
        ((1, "a", "toast.html", {}, "remove"), "no template"),
        ((1, "a", "toast.html", {}, "innerHTML"), "swap must be one of append"),
        ((1, "a", "toast.html", [1]), "context must be a dict"),
        ((1.5, "a", "toast.html"), "not a primary key"),
    ],
)
def test_wrong_use_names_the_cause(redis: Any, given: Any, cause: str) -> None:
    with pytest.raises(PublicationInvalid, match=cause):
        publish_html(*given)


def test_request_is_no_context(redis: Any, rf: Any) -> None:
    with pytest.raises(PublicationInvalid, match="belongs to no request"):
        publish_html(1, "a", "toast.html", rf.get("/"))


def test_other_errors_are_those_of_publish(redis: Any, settings: Any) -> None:
    with pytest.raises(TemplateDoesNotExist):
        publish_html(1, "a", "none.html")
    with pytest.raises(ChannelNameError):
        publish_html("a b", "a", "toast.html")
    with pytest.raises(TypeError, match="unknown keyword"):
        publish_html(1, "a", "toast.html", nonsense=1)  # type: ignore[call-arg]
    settings.SOCKGATE = {**settings.SOCKGATE, "MAX_PAYLOAD": 200}
    with pytest.raises(PublicationTooLarge):
        publish_html(1, "a", "toast.html", {"text": "x" * 200})


def test_no_other_call_publishes_its_event(redis: Any) -> None:
    with pytest.raises(EventNameError, match="publish_html"):
        publish(1, "sockgate:html", {"target": "a", "swap": "append", "html": ""})


def test_captured_publications_know_what_was_pushed(redis: Any) -> None:
    with capture_publications() as captured:
        publish_html("orders", "toasts", "toast.html", {"text": 1})
    [found] = captured.assert_published("orders", "sockgate:html")
    assert found.data["html"] == "<p>1</p>"


def test_fragment_is_signed_when_it_is_sent(subscriber: Subscriber, settings: Any) -> None:
    now = [1_700_000_000]
    with patch("sockgate_gateway.wire.clock_signer.ClockSigner.get_timestamp", lambda _: now[0]):
        with transaction.atomic():
            publish_html(1, "toasts", "toast.html", {"text": "1"})
            now[0] += 3600  # The transaction takes an hour.
        async_to_sync(apublish_html)("broadcast", "toasts", "toast.html", {"text": "2"})
    signer = MarkupSigner(settings.SOCKGATE["SIGNING_KEYS"], lambda: now[0])
    found = [json.loads(signer.verify(channel, raw, 0)) for channel, raw in subscriber.messages()]
    assert [one["data"]["html"] for one in found] == ["<p>1</p>", "<p>2</p>"]
