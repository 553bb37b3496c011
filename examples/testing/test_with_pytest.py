"""Tests of the shop as pytest runs them, with pytest-django."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from sockgate.client import RequestRejected
from sockgate.testing import Publications, Realtime

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def test_payment_notifies_its_user(alice: User, client: Client, publications: Publications) -> None:
    client.force_login(alice)
    client.post("/orders/9/pay/")
    publications.assert_published(alice, "paid", {"order": 9})
    publications.assert_nothing_published("broadcast")
    assert [publication.channel for publication in publications][1:] == ["room:staff"]


def test_only_staff_follows_the_staff(alice: User, realtime: Realtime) -> None:
    tab = realtime.tab(alice, "/orders/9/")
    with pytest.raises(RequestRejected):
        tab.subscribe("room:staff")
    admin = realtime.tab(User.objects.create_superuser("admin"), "/orders/9/")
    admin.subscribe("room:staff")
    tab.client.post("/orders/9/pay/")
    admin.assert_receives("paid", {"order": 9, "by": "alice"}, channel="room:staff")
