"""The stack of the end to end tests, and its visitors."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.nodetab import NodeTab
from tests.e2e.stack import Stack, running_stack
from tests.e2e.tabs import TABS, Tab
from tests.e2e.visitor import Visitor

LogIn = Callable[[str], Visitor]
OpenTab = Callable[..., Tab]
OpenNodeTab = Callable[[str], NodeTab]


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def log_in(stack: Stack) -> LogIn:
    """Log in over HTTP, in a browser of its own."""
    return lambda name: Visitor(stack.origin).log_in(name)


@pytest.fixture
def open_tab(stack: Stack) -> Iterator[OpenTab]:
    """Open a tab on a transport, in a page of the demo unless another origin is given."""
    tabs: list[Tab] = []

    def open_tab(
        transport: str, origin: str | None = stack.origin, url: str = stack.gateway_url
    ) -> Tab:
        tab = TABS[transport](url, origin)
        tab.open()
        tabs.append(tab)
        return tab

    yield open_tab
    for tab in tabs:
        tab.close()


@pytest.fixture
def open_node_tab(stack: Stack) -> Iterator[OpenNodeTab]:
    """Open a tab of sockjs-client, held to one transport."""
    tabs: list[NodeTab] = []

    def open_tab(transport: str) -> NodeTab:
        tab = NodeTab(stack.gateway_url, transport)
        tabs.append(tab)
        tab.open()
        return tab

    yield open_tab
    for tab in tabs:
        tab.close()
