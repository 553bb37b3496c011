"""Tabs that share one connection, where one of them or the browser does harm."""

import pytest

from tests.integration.shared.tabs import ROOM

pytestmark = pytest.mark.integration

OWN_CONNECTION_LIMIT_S = 10

REFUSED = "window.SharedWorker = function () { throw new Error('refused'); };"

HARM = {
    4501: "rt.subscribe('room:8', {grant: null, recover: ['epoch', 1.5]})",
    4502: "rooms['room:7'].publish('client-x', 'x'.repeat(40000), () => {})",
    4504: "for (let n = 0; n < 1500; n++) rooms['room:7'].presence(() => {})",
}
"""What a page does to be closed with each code."""


@pytest.mark.parametrize("code", HARM)
def test_tab_that_harms_the_connection_is_closed_alone(open_tab, gateway, publisher, code):
    first, harmful, last = (open_tab(ROOM).ready() for _ in range(3))
    harmful.page.evaluate(HARM[code])
    harmful.wait(state="closed")
    assert harmful.events("state")[-1] == ["state", "closed", code]
    for tab in (first, last):
        tab.ready()
    publisher.publish_to(ROOM, "news", "after")
    for tab in (first, last):
        tab.wait(message="after")
    assert harmful.messages(ROOM) == []
    assert gateway.metric("sockgate_connections") == 1


def test_tab_that_the_browser_refuses_to_share_has_its_own_connection(context, open_tab, gateway):
    context.add_init_script(REFUSED)
    tabs = [open_tab(ROOM) for _ in range(2)]
    for tab in tabs:
        tab.wait(OWN_CONNECTION_LIMIT_S, state="connected")
    assert gateway.metric("sockgate_connections") == 2
