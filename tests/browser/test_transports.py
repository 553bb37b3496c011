"""Every transport that Chromium can use, cross-origin: only the right page receives a message."""

import pytest

from tests.browser.windows import TRANSPORTS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def alice(log_in_once):
    return log_in_once("alice")


@pytest.fixture(scope="module")
def bob(log_in_once):
    return log_in_once("bob")


def news(title):
    return {"event": "news", "data": {"title": title}}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_private_message_reaches_only_the_page_of_its_user(stack, alice, bob, transport):
    alices = alice.open_board(transport).expect_connected(transport)
    bobs = bob.open_board(transport).expect_connected(transport)
    stack.publish("user:1", news("Djangocon 2012"))
    stack.publish("broadcast", news("to everyone"))
    alices.expect_messages("to everyone", "Djangocon 2012")
    bobs.expect_messages("to everyone")
    assert alices.channels() == ["broadcast", "user:1"]
    alices.close()
    bobs.close()
