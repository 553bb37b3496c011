"""``RealtimeLiveServerTestCase``, with tabs and with a page in Chromium."""

import json
import socket
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from playwright.sync_api import Browser
from sockgate import publish, publish_to
from sockgate.conf.defaults.ports import HOST, is_free
from sockgate.testing import RealtimeLiveServerTestCase, expect_event, live_cases, watch_events

from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("_realtime_servers")]

PAGE = "/page/"


@pytest.fixture(scope="module", autouse=True)
def allow_orm_beside_playwright() -> Iterator[None]:
    """Playwright's synchronous API runs a loop in this thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@override_settings(ROOT_URLCONF="tests.integration.sockgate.testing.site_urls")
class LiveTests(RealtimeLiveServerTestCase):
    @pytest.fixture(autouse=True)
    def _use_chromium(self, chromium: Browser) -> None:
        self.chromium = chromium

    @classmethod
    def setUpClass(cls) -> None:
        """Start, although another program takes the site's port after it was chosen."""
        port = live_cases._chosen_port()
        found = iter([True])  # Later answers are is_free's.
        with socket.create_server((HOST, port)), pytest.MonkeyPatch.context() as patch:
            patch.setattr(live_cases, "is_free", lambda *at: next(found, None) or is_free(*at))
            super().setUpClass()
        assert cls.server_thread.port != port

    def setUp(self) -> None:
        self.alice = User.objects.create_user("alice")

    def test_tab_receives_and_is_closed_at_the_logout(self) -> None:
        tab = self.tab(self.alice, PAGE)
        tab.client.post("/pay/9/")
        self.assertPublished(self.alice, "paid", {"order": 9})
        tab.assert_receives("paid", {"order": 9}, within=PATIENCE_S)
        self.assertNothingPublished("broadcast")
        tab.logout()
        tab.assert_closed(4500, within=PATIENCE_S)

    def test_page_in_a_browser_receives(self) -> None:
        self.client.force_login(self.alice)
        cookie = self.client.cookies["sessionid"].value
        with self.chromium.new_context() as context:
            context.add_cookies(
                [{"name": "sessionid", "value": cookie, "url": self.live_server_url}]
            )
            page = context.new_page()
            with self.assertRaisesRegex(RuntimeError, "watch_events"):
                expect_event(page, "paid")
            watch_events(page)
            page.goto(f"{self.live_server_url}{PAGE}")
            page.wait_for_function("window.rt.state === 'connected'")
            publish(self.alice, "other", {"a": 1})
            publish(self.alice, "paid", {"order": 9})
            message = expect_event(page, "paid", {"order": 9}, within=PATIENCE_S)
            self.assertEqual(message.channel, f"user:{self.alice.pk}")
            with self.assertRaisesRegex(AssertionError, r"unread:\s+user:\d+ other"):
                expect_event(page, "paid", within=0)

    def test_redis_of_the_tests_is_the_gateways(self) -> None:
        self.assertEqual(publish_to("broadcast", "all"), 1)
        self.assertIn("127.0.0.1", json.dumps(self.realtime.url))
