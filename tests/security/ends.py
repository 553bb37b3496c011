"""Everything that ends a Django session."""

import re
import time
from collections.abc import Callable
from unittest.mock import patch

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.test import Client
from redis import Redis
from sockgate import refresh_users, revoke_session, revoke_user
from sockgate_gateway.wire.names import Names, sid_of

from tests.security.visits import Visit

NAMES = Names()
NEW_PASSWORD = "a-second-password-2"
LIFE_S = 1.5

Redises = Redis
End = Callable[[Visit, Redis], None]


def logout(visit: Visit, redis: Redis) -> None:
    assert visit.client.post("/accounts/logout/").status_code == 200


def flush(visit: Visit, redis: Redis) -> None:
    visit.client.session.flush()


def password_saved(visit: Visit, redis: Redis) -> None:
    visit.user.set_password(NEW_PASSWORD)
    visit.user.save()


def changepassword_command(visit: Visit, redis: Redis) -> None:
    with patch.object(changepassword.Command, "_get_pass", return_value=NEW_PASSWORD):
        call_command("changepassword", visit.user.username, verbosity=0)


def password_in_admin(visit: Visit, redis: Redis) -> None:
    form = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true"}
    answer = _staff().post(f"/admin/auth/user/{visit.user.pk}/password/", form)
    assert answer.status_code == 302


def password_reset(visit: Visit, redis: Redis) -> None:
    client = Client()
    client.post("/accounts/password_reset/", {"email": visit.user.email})
    link = re.search(r"/accounts/reset/\S+", mail.outbox[-1].body)
    assert link
    form = client.get(link[0], follow=True).request["PATH_INFO"]
    new = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post(form, new).status_code == 302


def deactivated(visit: Visit, redis: Redis) -> None:
    visit.user.is_active = False
    visit.user.save()


def deactivated_in_bulk(visit: Visit, redis: Redis) -> None:
    chosen = User.objects.filter(pk=visit.user.pk)
    chosen.update(is_active=False)
    refresh_users(chosen)


def deleted(visit: Visit, redis: Redis) -> None:
    visit.user.delete()


def session_revoked(visit: Visit, redis: Redis) -> None:
    revoke_session(visit.session_key)


def user_revoked(visit: Visit, redis: Redis) -> None:
    revoke_user(visit.user)


def admin_action(visit: Visit, redis: Redis) -> None:
    form = {"action": "sign_out_everywhere", "_selected_action": [visit.user.pk]}
    assert _staff().post("/admin/auth/user/", form).status_code == 302


def rows_deleted(visit: Visit, redis: Redis) -> None:
    Session.objects.all().delete()


def expired(visit: Visit, redis: Redis) -> None:
    """The clock runs from the end of the session's life."""
    session = visit.client.session
    session.set_expiry(2)
    session.save()
    time.sleep(2)  # The session expires by the clock of Redis.


def record_deleted(visit: Visit, redis: Redis) -> None:
    redis.delete(NAMES.session(sid_of(visit.session_key)))


def user_record_deleted(visit: Visit, redis: Redis) -> None:
    redis.delete(NAMES.user(str(visit.user.pk)))


def _staff() -> Client:
    client = Client()
    client.force_login(User.objects.get(username="root"))
    return client


ANNOUNCED: dict[str, End] = {
    "logout": logout,
    "`session.flush()`": flush,
    "password saved": password_saved,
    "`changepassword`": changepassword_command,
    "password set in the admin": password_in_admin,
    "password reset by mail": password_reset,
    "`is_active = False`": deactivated,
    "`update(is_active=False)`, `refresh_users`": deactivated_in_bulk,
    "user deleted": deleted,
    "`revoke_session`": session_revoked,
    "`revoke_user`": user_revoked,
    "admin action": admin_action,
}
"""Ends that Django announces to the gateways."""

OF_ROWS: dict[str, End] = {"`Session.objects.all().delete()`": rows_deleted}
"""Those of the engines that keep sessions in the database."""

BY_ITSELF: dict[str, End] = {"expired": expired}
"""The gateway knows the expiry."""

UNANNOUNCED: dict[str, End] = {
    "session record deleted by hand": record_deleted,
    "user record deleted by hand": user_record_deleted,
}
"""Only the audit notices these."""

ALL = {**ANNOUNCED, **OF_ROWS, **BY_ITSELF, **UNANNOUNCED}
