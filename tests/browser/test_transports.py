"""Each transport that Chromium can be made to use, cross-origin: the right page hears."""

import pytest

from .windows import TRANSPORTS

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
def test_private_message_reaches_its_users_page_alone(stack, alice, bob, transport):
    hers = alice.open_board(transport).expect_connected(transport)
    his = bob.open_board(transport).expect_connected(transport)
    stack.publish("user:1", news("Djangocon 2012"))
    stack.publish("broadcast", news("to everyone"))
    hers.expect_messages("to everyone", "Djangocon 2012")
    his.expect_messages("to everyone")
    assert hers.channels() == ["broadcast", "user:1"]
    hers.close()
    his.close()
