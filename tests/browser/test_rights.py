"""Changes of rights in Django take effect on open pages."""

import pytest
from sockgate.publishing.publisher import Publisher

from tests.browser.room import Room
from tests.e2e.stack import Stack

pytestmark = pytest.mark.browser

ROOM = "room:staff"

MODELS = "from django.contrib.auth.models import Permission, User"
MAKE_STAFF = "user = User.objects.get(username={!r}); user.is_staff = {!r}; user.save()"
NEW_PERMISSION = "User.objects.get(username={!r}).user_permissions.add(Permission.objects.first())"


def change(stack: Stack, *lines: str) -> None:
    stack.run_in_django("\n".join((MODELS, *lines)))


def test_change_of_rights_reaches_every_page(stack, log_in):
    change(stack, MAKE_STAFF.format("bob", True))
    keeps, loses, gains = (Room(log_in(n).open(), ROOM) for n in ("admin", "bob", "alice"))
    for room in (keeps, loses):
        room.expect(["subscribed", None])
    gains.expect(["unsubscribed", "not_allowed"])
    with Publisher(stack._redis_url) as publisher:
        publisher.publish_to(ROOM, "news", 1)
        for room in (keeps, loses):
            room.expect(["news", 1])
        change(
            stack,
            NEW_PERMISSION.format("admin"),
            MAKE_STAFF.format("bob", False),
            MAKE_STAFF.format("alice", True),
        )
        keeps.expect(["subscribed", None])
        loses.expect(["unsubscribed", "not_allowed"])
        gains.expect(["subscribed", None])
        publisher.publish_to(ROOM, "news", 2)
        for room in (keeps, gains):
            room.expect(["news", 2])
        loses.expect()
    for room in (keeps, loses, gains):
        room.close()
