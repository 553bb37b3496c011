"""Tests of the shop as ``manage.py test`` runs them."""

from django.contrib.auth.models import User
from sockgate import publish
from sockgate.testing import RealtimeLiveServerTestCase, RealtimeTestCase, capture_publications


class PayTests(RealtimeTestCase):
    """No server is needed: publications are captured."""

    def setUp(self) -> None:
        self.alice = User.objects.create_user("alice")
        self.bob = User.objects.create_user("bob")
        self.client.force_login(self.alice)

    def test_payment_notifies_its_user(self) -> None:
        self.client.post("/orders/9/pay/")
        self.assertPublished(to=self.alice, event="paid", data={"order": 9})
        self.assertPublished(to="room:staff", event="paid")
        self.assertNothingPublished(to=self.bob)

    def test_page_connects(self) -> None:
        page = self.client.get("/orders/9/")
        self.assertContains(page, 'data-sockgate="client"')

    def test_only_staff_follows_the_staff(self) -> None:
        answer = self.client.post("/realtime/grant/", {"channel": "room:staff"})
        self.assertEqual(answer.status_code, 403)

    def test_block_is_captured(self) -> None:
        with capture_publications() as captured:
            publish(self.bob, "news", {"title": "Djangocon 2012"})
        captured.assert_published(self.bob, "news", times=1)


class LiveOrderTests(RealtimeLiveServerTestCase):
    """The real gateway runs beside the tests."""

    def test_order_is_paid_in_every_tab(self) -> None:
        alice = User.objects.create_user("alice")
        first, second = self.tab(alice, "/orders/9/"), self.tab(alice, "/orders/9/")
        first.client.post("/orders/9/pay/")
        first.assert_receives("paid", {"order": 9})
        second.assert_receives("paid", {"order": 9})
        first.logout()
        first.assert_closed(4500)
        second.assert_nothing(0.2)
