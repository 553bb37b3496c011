"""A tab: a page of the site with its connection, driven by the test step by step."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from django.test import Client as TestClient

from ..client import (
    Client,
    ConnectionClosed,
    CredentialsError,
    Event,
    Gap,
    Message,
    Presence,
    Reconnect,
    RequestRejected,
    SocketOptions,
    State,
    StateChanged,
    Subscribed,
    Unsubscribed,
)
from ..client.frames import Recover
from .commits import CommitRunner
from .page import Page
from .publications import ANY_DATA, is_same_data

WITHIN_S = 5.0
"""How long an assertion waits by default; one that holds returns at once."""

_POLL_S = 0.05
_RECONNECT = Reconnect(min_s=0.05, max_s=0.5)


class Tab:
    """One tab of a browser.

    Args:
        client: Django's test client with the login of the user; ``tab.client`` goes on using it.
        path: of the page.
        origin: of the page, as the gateway sees it.
        commits: callbacks of ``on_commit``, which run before each step.

    Raises:
        NoClient: the page does not connect.
        ConnectionClosed: the gateway refuses the page.
    """

    def __init__(
        self, client: TestClient, path: str, *, origin: str, commits: CommitRunner
    ) -> None:
        self.client = client
        self.messages: list[Message] = []
        self.states: list[StateChanged] = []
        self._closed: ConnectionClosed | None = None
        self._gaps: list[str] = []
        self._unread: list[Message] = []
        self._channels: dict[str, Subscribed | Unsubscribed] = {}
        self._commits = commits
        self._page = Page(client, path)
        commits.run()
        sockets = SocketOptions(origin=origin, uses_proxy=False)
        url = self._page.gateway_url
        self._connection = Client(self._page, url=url, reconnect=_RECONNECT, sockets=sockets)
        self._connection.connect()
        self._wait_until_connected()

    @property
    def page(self) -> Any:
        """The response with the page."""
        return self._page.response

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self._connection.state

    @property
    def user(self) -> str | None:
        """The primary key of the user as text; None for a visitor."""
        return self._connection.user

    @property
    def gaps(self) -> list[str]:
        """The channels that may have lost something so far, in order."""
        self._wait(lambda: False, 0.0)  # Take what is there.
        return list(self._gaps)

    def subscribe(
        self, channel: str, *, recover: Recover | bool = True, within: float = WITHIN_S
    ) -> None:
        """Subscribe with a grant of the page; else ``AUTHORIZE`` decides, as for a browser.

        Args:
            channel: its name.
            recover: as in the page's ``rt.subscribe``: a position, how many of the newest
                publications, ``"all"``, or False.
            within: seconds to wait.

        Raises:
            RequestRejected: it is not allowed.
        """
        self._commits.run()
        try:
            grant = self._page.request_grant(channel)
        except CredentialsError as error:
            raise RequestRejected("not_allowed", f"{channel}: {error.reason}") from None
        self._channels.pop(channel, None)
        self._connection.subscribe(channel, grant=grant, recover=recover, timeout_s=0)
        if not self._wait(lambda: channel in self._channels, within):
            raise AssertionError(f"{channel} was not subscribed within {within} s. {self}")
        answer = self._channels[channel]
        if isinstance(answer, Unsubscribed):
            raise RequestRejected(answer.code, answer.message)

    def unsubscribe(self, channel: str) -> None:
        """End a subscription."""
        self._connection.unsubscribe(channel)

    def publish(self, channel: str, event: str, data: Any = None) -> int | None:
        """Publish as the browser; raises as ``Client.publish``."""
        return self._connection.publish(channel, event, data)

    def presence(self, channel: str) -> Presence:
        """Request the presence; raises as ``Client.presence``."""
        return self._connection.presence(channel)

    def set_presence(self, channel: str, data: dict[str, Any] | None) -> None:
        """Set what presence shows of this tab; raises as ``Client.set_presence``."""
        self._connection.set_presence(channel, data)

    def logout(self) -> None:
        """Log out at the site, in this browser."""
        self.client.logout()
        self._commits.run()

    def assert_receives(
        self,
        event: str,
        data: Any = ANY_DATA,
        *,
        channel: str | None = None,
        within: float = WITHIN_S,
    ) -> Message:
        """Wait for a message, and return it. Each message counts for one assertion.

        Args:
            event: its name.
            data: as it was passed to ``publish``; default: any.
            channel: on which it must arrive; default: any.
            within: seconds to wait.

        Raises:
            AssertionError: it has not arrived in time.
        """

        def find() -> Message | None:
            return next((it for it in self._unread if _matches(it, event, data, channel)), None)

        if not self._wait(lambda: find() is not None, within):
            wanted = event if data is ANY_DATA else f"{event} {data!r}"
            raise AssertionError(f"{wanted} was not received within {within} s. {self}")
        found = find()
        assert found is not None  # noqa: S101
        self._unread.remove(found)
        return found

    def assert_nothing(self, for_s: float = 0.2) -> None:
        """Check that no message arrives for some time, and that none is unread.

        Raises:
            AssertionError: one is there.
        """
        if self._wait(lambda: bool(self._unread), for_s):
            raise AssertionError(f"expected no message. {self}")

    def assert_gap(self, channel: str, *, within: float = WITHIN_S) -> None:
        """Wait until the tab has been notified that a channel may have lost something.

        Raises:
            AssertionError: it was not.
        """
        if not self._wait(lambda: channel in self._gaps, within):
            raise AssertionError(f"no gap of {channel} within {within} s. {self}")

    def assert_closed(self, code: int | None = None, *, within: float = WITHIN_S) -> None:
        """Wait until the connection is closed for good, with a close code of docs/protocol.md.

        Raises:
            AssertionError: it is open, or was closed with another code.
        """
        if not self._wait(lambda: self._closed is not None, within) or self._closed is None:
            raise AssertionError(f"not closed within {within} s. {self}")
        if code is not None and self._closed.code != code:
            raise AssertionError(f"closed with {self._closed.code}, not {code}. {self}")

    def assert_state(self, state: State, *, within: float = WITHIN_S) -> None:
        """Wait for a state of the connection.

        Raises:
            AssertionError: it has another one.
        """
        if not self._wait(lambda: self.state is state, within):
            raise AssertionError(f"{state.value} was not reached within {within} s. {self}")

    def close(self) -> None:
        """Close the tab."""
        self._connection.close()

    def __str__(self) -> str:
        """Describe what has arrived, for the message of a failed assertion."""
        why = f" ({self._closed})" if self._closed else ""
        lines = [f"The tab is {self.state.value}{why}."]
        lines += [f"  unread: {it.channel} {it.event} {it.data!r}" for it in self._unread]
        lines += [f"  gap: {channel}" for channel in self._gaps]
        return "\n".join(lines if len(lines) > 1 else [*lines, "  Nothing is unread."])

    def _wait_until_connected(self) -> None:
        self._wait(lambda: self.state is State.CONNECTED, WITHIN_S * 4)
        if self.state is not State.CONNECTED:
            state = self.states[-1] if self.states else None
            self.close()
            raise self._closed or AssertionError(f"The tab does not connect: {state}")

    def _wait(self, is_there: Callable[[], bool], within_s: float) -> bool:
        """Handle events, and requests of the page, until something is there."""
        deadline = monotonic() + within_s
        self._commits.run()
        while not is_there():
            self._page.serve()
            left_s = deadline - monotonic()
            is_news = self._take(max(min(left_s, _POLL_S), 0.0))
            if not is_news and (left_s <= 0 or self._closed is not None):
                return is_there()
        return True

    def _take(self, timeout_s: float) -> bool:
        """Handle the next event; False: there was none in time, or none will come."""
        try:
            self._note(self._connection.receive(timeout_s))
        except TimeoutError:
            return False
        except ConnectionClosed as closed:
            is_news, self._closed = self._closed is None, closed
            return is_news
        return True

    def _note(self, event: Event) -> None:
        if isinstance(event, Message):
            self.messages.append(event)
            self._unread.append(event)
        elif isinstance(event, Gap):
            self._gaps.append(event.channel)
        elif isinstance(event, Subscribed | Unsubscribed):
            self._channels[event.channel] = event
        elif isinstance(event, StateChanged):
            self.states.append(event)


def _matches(message: Message, event: str, data: Any, channel: str | None) -> bool:
    is_on_channel = channel is None or message.channel == channel
    return is_on_channel and message.event == event and is_same_data(data, message.data)
