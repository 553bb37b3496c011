"""Composing, previewing and sending a broadcast in Django's admin."""

import json
import re
import time
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core import signing
from django.db import connection
from django.test import Client
from redis import ConnectionError as RedisConnectionError
from sockgate.models import Broadcast
from sockgate.publishing.broadcasts import admin, drafts

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

ADD = "/admin/sockgate/broadcast/add/"
LIST = "/admin/sockgate/broadcast/"
FORM = {"audience": "everyone", "event": "news", "kind": "text", "text": "Lunch is ready"}


def preview(browser: Client, **fields: str):
    return browser.post(ADD, {**FORM, **fields})


def sealed_of(response) -> str:
    return re.search(r'name="sealed" value="([^"]+)"', response.content.decode()).group(1)


def confirm(browser: Client, sealed: str):
    return browser.post(ADD, {"sealed": sealed, "_send": "Send"}, follow=True)


def messages_of(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def errors_of(response) -> dict[str, list[str]]:
    return response.context["adminform"].form.errors


class TestSending:
    def test_preview_shows_the_frame_and_how_many_it_would_reach(self, browser, worker):
        response = preview(browser, kind="json", text='{"title": "Djangocon \\u2012"}')
        assert response.context["connections"] == 3
        frame = response.context["draft"].frame
        data = {"event": "news", "data": {"title": "Djangocon ‒"}}
        assert json.loads(frame) == {"channel": "broadcast", "data": data}
        assert "3 connections" in response.content.decode()

    def test_preview_sends_no_publication(self, browser, worker):
        preview(browser)
        assert worker.publications() == []
        assert not Broadcast.objects.exists()

    def test_broadcast_arrives_as_previewed(self, browser, worker):
        shown = preview(browser)
        confirm(browser, sealed_of(shown))
        channel, payload = worker.next_publication()
        assert channel == "rt:broadcast"
        assert f'{{"channel":"broadcast","data":{payload}}}' == shown.context["draft"].frame

    def test_broadcast_to_a_user_goes_to_the_users_channel(self, browser, worker, alice):
        confirm(browser, sealed_of(preview(browser, audience="user", username="alice")))
        assert worker.next_publication()[0] == f"rt:user:{alice.pk}"

    def test_broadcast_to_a_group_goes_to_its_channel(self, browser, worker):
        Group.objects.create(name="the editors")
        confirm(browser, sealed_of(preview(browser, audience="group", group="the editors")))
        assert worker.next_publication()[0] == "rt:group:the%20editors"

    def test_row_has_sender_time_audience_payload_and_count(self, browser, worker, alice, sender):
        confirm(browser, sealed_of(preview(browser, audience="user", username="alice")))
        row = Broadcast.objects.get()
        assert (row.sent_by, row.sender) == (sender, "sam")
        assert (row.audience, row.recipient) == ("user", "alice")
        assert row.channel == f"user:{alice.pk}"
        assert json.loads(row.payload) == {"event": "news", "data": "Lunch is ready"}
        assert (row.connections, row.workers) == (3, 1)
        assert row.sent_at >= row.created_at

    def test_row_remains_after_its_user_and_group_are_deleted(self, browser, worker, alice, sender):
        confirm(browser, sealed_of(preview(browser, audience="user", username="alice")))
        alice.delete()
        sender.delete()
        row = Broadcast.objects.get()
        assert (row.sent_by, row.sender, row.recipient) == (None, "sam", "alice")

    def test_sending_is_logged_in_the_admin(self, browser, worker, sender):
        confirm(browser, sealed_of(preview(browser)))
        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_id) == (sender, str(Broadcast.objects.get().pk))

    def test_sender_sees_how_many_were_reached(self, browser, worker):
        response = confirm(browser, sealed_of(preview(browser)))
        assert "Sent to 3 connections." in messages_of(response)
        assert response.request["PATH_INFO"].endswith("/change/")

    def test_line_ends_of_the_form_are_those_that_were_typed(self, browser, worker):
        confirm(browser, sealed_of(preview(browser, text="one\r\ntwo")))
        assert json.loads(worker.next_publication()[1])["data"] == "one\ntwo"

    def test_row_is_committed_before_the_publication_is_sent(self, browser, worker, monkeypatch):
        states = []

        def publish_to(*args, **kwargs):
            states.append((connection.in_atomic_block, Broadcast.objects.count()))
            return 1

        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        monkeypatch.setattr(drafts, "publish_to", publish_to)
        confirm(browser, sealed_of(preview(browser)))
        assert states == [(False, 1)]


class TestSendingOnce:
    def test_second_confirmation_sends_no_publication(self, browser, worker):
        sealed = sealed_of(preview(browser))
        confirm(browser, sealed)
        response = confirm(browser, sealed)
        assert len(worker.publications()) == 1
        assert Broadcast.objects.count() == 1
        assert "not sent again" in messages_of(response)

    def test_same_broadcast_composed_twice_is_sent_twice(self, browser, worker):
        for _ in range(2):
            confirm(browser, sealed_of(preview(browser)))
        assert len(worker.publications()) == 2

    def test_preview_of_another_sender_is_refused(self, browser, worker, sender):
        sealed = sealed_of(preview(browser))
        other = User.objects.create_superuser("other")
        browser.force_login(other)
        assert confirm(browser, sealed).status_code == 403
        assert worker.publications() == []

    def test_changed_preview_is_refused(self, browser, worker):
        sealed = sealed_of(preview(browser))
        changed = ("A" if sealed[0] != "A" else "B") + sealed[1:]
        assert confirm(browser, changed).status_code == 403
        assert worker.publications() == []

    def test_old_preview_is_composed_again(self, browser, worker, monkeypatch):
        sealed = sealed_of(preview(browser, text="kept"))
        later = SimpleNamespace(time=lambda: time.time() + drafts.MAX_AGE_S + 1)
        monkeypatch.setattr(signing, "time", later)
        response = browser.post(ADD, {"sealed": sealed, "_send": "Send"})
        assert "too old" in messages_of(response)
        assert response.context["adminform"].form["text"].value() == "kept"
        assert worker.publications() == []

    def test_edit_brings_back_what_was_composed(self, browser, worker, alice):
        shown = preview(browser, audience="user", username="alice", kind="json", text="[1]")
        response = browser.post(ADD, {"sealed": sealed_of(shown), "_edit": "Edit"})
        form = response.context["adminform"].form
        values = {name: form[name].value() for name in form.fields}
        assert values == {
            "audience": "user",
            "group": "",
            "username": "alice",
            "event": "news",
            "kind": "json",
            "text": "[1]",
        }


class TestRedisDown:
    def test_broadcast_that_cannot_be_counted_leaves_no_row(self, browser, worker, monkeypatch):
        sealed = sealed_of(preview(browser))
        monkeypatch.setattr(drafts, "count_connections", _no_redis)
        response = confirm(browser, sealed)
        assert "Nothing was sent" in messages_of(response)
        assert not Broadcast.objects.exists()
        assert sealed_of(response) == sealed

    def test_broadcast_that_was_not_confirmed_leaves_an_unsent_row(
        self, browser, worker, monkeypatch
    ):
        sealed = sealed_of(preview(browser))
        monkeypatch.setattr(drafts, "publish_to", _no_redis)
        response = confirm(browser, sealed)
        assert "did not confirm" in messages_of(response)
        assert Broadcast.objects.get().sent_at is None

    def test_preview_reports_that_it_cannot_be_sent(self, browser, worker, monkeypatch):
        monkeypatch.setattr(admin, "count_connections", _no_redis)
        assert "cannot be sent now" in preview(browser).content.decode()


class TestForm:
    def test_bad_json_is_an_error_with_its_place(self, browser, worker):
        response = preview(browser, kind="json", text='{"a": 1,\r\n "b": }')
        assert errors_of(response)["text"] == ["Not JSON: line 2, column 7: Expecting value."]

    @pytest.mark.parametrize("text", ["NaN", "1e999", '"\\ud800"', "[" * 100_000, "1" * 5000, ""])
    def test_json_that_no_browser_could_read_is_an_error(self, browser, worker, text):
        assert errors_of(preview(browser, kind="json", text=text)).keys() == {"text"}

    def test_data_over_the_limit_is_an_error(self, browser, worker, settings):
        settings.SOCKGATE = {**settings.SOCKGATE, "MAX_PAYLOAD": 100}
        assert "over the limit of 100" in errors_of(preview(browser, text="x" * 100))["text"][0]

    @pytest.mark.parametrize("event", ["sockgate:html", "turbo-stream", "turbo-stream:rows"])
    def test_event_with_markup_is_at_fault(self, browser, event):
        assert "markup" in errors_of(preview(browser, event=event))["event"][0]

    def test_reserved_event_is_at_fault(self, browser):
        assert "reserved" in errors_of(preview(browser, event="gap"))["event"][0]

    def test_text_that_looks_like_json_stays_text(self, browser, worker):
        confirm(browser, sealed_of(preview(browser, text="[1]")))
        assert json.loads(worker.next_publication()[1])["data"] == "[1]"

    @pytest.mark.parametrize(
        ("fields", "at_fault"),
        [
            ({"audience": ""}, "audience"),
            ({"audience": "group"}, "group"),
            ({"audience": "group", "group": "nobody"}, "group"),
            ({"audience": "user"}, "username"),
            ({"audience": "user", "username": "nobody"}, "username"),
            ({"audience": "everyone", "username": "alice"}, "username"),
            ({"event": ""}, "event"),
            ({"event": "x" * 101}, "event"),
        ],
    )
    def test_field_that_does_not_fit_is_at_fault(self, browser, worker, alice, fields, at_fault):
        assert errors_of(preview(browser, **fields)).keys() == {at_fault}

    def test_groups_are_not_offered_where_they_have_no_channels(self, browser, worker, settings):
        settings.SOCKGATE = {**settings.SOCKGATE, "GROUPS": False}
        form = browser.get(ADD).context["adminform"].form
        assert "group" not in form.fields
        assert [value for value, _ in form.fields["audience"].choices] == ["everyone", "user"]

    def test_page_works_without_javascript(self, browser, worker):
        page = browser.get(ADD).content.decode()
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r"\son[a-z]+=", page)


class TestRights:
    @pytest.fixture
    def viewer(self, sender) -> Client:
        user = User.objects.create_user("vera", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_broadcast"))
        client = Client()
        client.force_login(user)
        return client

    def test_sending_requires_its_own_permission(self, viewer, worker):
        assert viewer.get(ADD).status_code == 403
        assert preview(viewer).status_code == 403

    def test_viewer_reads_rows(self, browser, viewer, worker):
        confirm(browser, sealed_of(preview(browser, kind="json", text='{"a": [1, 2]}')))
        assert "Lunch" not in viewer.get(LIST).content.decode()
        page = viewer.get(f"{LIST}{Broadcast.objects.get().pk}/change/").content.decode()
        assert "&quot;a&quot;: [" in page
        assert 'name="_save"' not in page

    def test_staff_without_permission_is_refused(self, viewer, worker):
        User.objects.get(username="vera").user_permissions.clear()
        assert viewer.get(LIST).status_code == 403

    def test_rows_cannot_be_changed_or_deleted_even_by_a_superuser(self, browser, worker):
        confirm(browser, sealed_of(preview(browser)))
        browser.force_login(User.objects.create_superuser("root"))
        row = Broadcast.objects.get()
        assert browser.post(f"{LIST}{row.pk}/change/", {"event": "other"}).status_code == 403
        assert browser.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert Broadcast.objects.get().event == "news"

    def test_confirmation_needs_the_csrf_token(self, sender, worker):
        client = Client(enforce_csrf_checks=True)
        client.force_login(sender)
        assert preview(client).status_code == 403


def _no_redis(*args: object, **kwargs: object) -> int:
    raise RedisConnectionError("refused")
