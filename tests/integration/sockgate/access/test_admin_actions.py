"""Signing users out in Django's admin."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.test import Client
from sockgate.access.admin_actions import add_to_user_admins, sign_out_everywhere

from tests.integration.sockgate.access.test_revocation import client_of, is_logged_in

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

USERS = "/admin/auth/user/"


@pytest.fixture
def alice(sockgate: Any, transactional_db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def staff(alice: User) -> Client:
    return client_of(User.objects.create_superuser("root"))


def sign_out(staff: Client, *users: User) -> list[str]:
    """Run the action; return the messages of the page."""
    form = {"action": "sign_out_everywhere", "_selected_action": [user.pk for user in users]}
    answer = staff.post(USERS, form, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_sign_out_ends_every_login_of_the_chosen(alice: User, staff: Client) -> None:
    bob = User.objects.create_user("bob")
    phone, laptop, other = client_of(alice), client_of(alice), client_of(bob)
    assert sign_out(staff, alice) == ["1 user was signed out."]
    assert [is_logged_in(c) for c in (phone, laptop, other)] == [False, False, True]


def test_sign_out_leaves_an_entry_in_the_log(alice: User, staff: Client) -> None:
    sign_out(staff, alice)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(alice.pk), "Signed out everywhere.")


def test_sign_out_requires_the_permission_to_change_users(
    alice: User, staff: Client, rf: Any
) -> None:
    request = rf.get(USERS)
    request.user = alice
    assert "sign_out_everywhere" not in UserAdmin(User, admin.site).get_actions(request)
    request.user = User.objects.get(username="root")
    assert "sign_out_everywhere" in UserAdmin(User, admin.site).get_actions(request)


def test_sign_out_reports_that_redis_is_down(alice: User, staff: Client, settings: Any) -> None:
    settings.SESSION_ENGINE = "sockgate.sessions.db"  # Here the staff stays logged in.
    staff.force_login(User.objects.get(username="root"))
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": "unix:///nowhere/redis.sock"}
    assert sign_out(staff, alice) == ["Redis does not answer. Not all were signed out; try again."]
    assert not LogEntry.objects.exists()


def test_action_reaches_subclasses_that_were_made_before(sockgate: Any) -> None:
    class StaffAdmin(UserAdmin):
        pass

    before = tuple(UserAdmin.actions)
    add_to_user_admins()
    assert tuple(UserAdmin.actions) == before
    assert sign_out_everywhere in StaffAdmin.actions
