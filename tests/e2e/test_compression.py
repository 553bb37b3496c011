"""permessage-deflate, switched on, with a client that offers it."""

import pytest

from tests.e2e.stack import running_stack

pytestmark = pytest.mark.e2e

LONG = {"event": "news", "data": {"text": "Djangocon " * 500}}
SHORT = {"event": "news", "data": {"text": "Djangocon"}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running_stack(tmp_path_factory.mktemp("compression"), compression="yes") as stack:
        yield stack


@pytest.mark.parametrize("transport", ["websocket", "rawwebsocket"])
def test_compressed_messages_arrive_whole(stack, log_in, open_tab, transport):
    tab = open_tab(transport)
    assert [extension.name for extension in tab.extensions] == ["permessage-deflate"]
    own = f"user:{tab.show(log_in('alice').token())['user']}"
    for payload in (LONG, SHORT, LONG):
        stack.publish(own, payload)
        assert tab.read()["data"] == payload
