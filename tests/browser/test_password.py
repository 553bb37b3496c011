"""A password change by a site that is slow between its two saves."""

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.browser

CHANGE = """
import time
from importlib import import_module
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User

user = User.objects.get(username="alice")
user.set_password("alice-demo")
user.save()
time.sleep(3)  # A slow request: the gateway must not end this session meanwhile.
session = import_module(settings.SESSION_ENGINE).SessionStore({key!r})
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
"""


def test_page_of_the_kept_session_reconnects_by_itself(stack, log_in):
    alice = log_in("alice")
    board = alice.open_board().expect_connected()
    stack.run_in_django(CHANGE.format(key=alice.cookie("sessionid")))
    # The connection was closed in between.
    wait_until(lambda: "code=4402" in stack.gateway.log.read_text())
    board.expect_connected()
    stack.publish("user:1")
    board.expect_messages("Djangocon 2012")
    board.close()
