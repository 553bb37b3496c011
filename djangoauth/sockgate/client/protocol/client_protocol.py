"""The protocol of a client, without input and output.

Strategy: an adapter passes on what happens (``received``, ``lost``, ``token_fetched``, …), then
performs what ``take_outputs`` returns. It calls ``run_timers`` when ``next_timer_at`` has come. All
calls come from one thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import random
from time import monotonic
from typing import Any

from sockgate_gateway.wire.closecodes import CloseCode

from ..errors import CredentialsError, NotConnected
from ..events import Gap, State
from .actions import Answer, Output, Outputs, SendText
from .backoff import Backoff
from .close import Close
from .connection import Connection, ConnectionParts
from .credentials import Grants, IssuedGrant, IssuedToken, Tokens
from .frames import Recover, presence_frame, publish_frame, set_presence_frame
from .positions import Positions
from .receiver import Receiver
from .requests import Requests
from .states import PUBLIC_STATES, Change
from .subscriptions import Subscriptions
from .timers import Timers


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """Limits of the back-off, in seconds: of the first wait, and of every wait."""

    min_s: float = 0.5
    max_s: float = 30.0


class _Parts:
    """What the parts of a client share."""

    def __init__(self, clock: Callable[[], float], make_backoff: Callable[[], Backoff]) -> None:
        self.outputs = Outputs()
        self.timers = Timers(clock)
        self.grants = Grants(self.timers, self.outputs)
        self.positions = Positions(lambda channel: self.outputs.put(Gap(channel)))
        self.requests = Requests()
        self.make_backoff = make_backoff


class ClientProtocol:
    """A client of the gateway.

    Args:
        url: of the gateway; empty: as the site names it.
        reconnect: limits of the back-off.
        clock: returns seconds that never run back.
        random: returns a number in [0, 1).
    """

    def __init__(
        self,
        *,
        url: str = "",
        reconnect: Reconnect | None = None,
        clock: Callable[[], float] = monotonic,
        random: Callable[[], float] = random,
    ) -> None:
        limits = reconnect or Reconnect()

        def make_backoff() -> Backoff:
            return Backoff(min_s=limits.min_s, max_s=limits.max_s, random=random)

        self._parts = _Parts(clock, make_backoff)
        self._subscriptions = Subscriptions(self._parts)
        self._tokens = Tokens(self._parts.timers, self._parts.outputs, url)
        self._connection = Connection(
            ConnectionParts(
                tokens=self._tokens,
                positions=self._parts.positions,
                subscriptions=self._subscriptions,
                backoff=make_backoff(),
                timers=self._parts.timers,
                outputs=self._parts.outputs,
                random=random,
            )
        )
        self._receiver = Receiver(self._parts, self._connection, self._subscriptions)

    # For the caller.

    @property
    def state(self) -> State:
        """The state of the client."""
        return PUBLIC_STATES[self._connection.phase]

    @property
    def user(self) -> str | None:
        """The user of the connection; None: a visitor, or not connected yet."""
        return self._receiver.user

    def connect(self) -> None:
        """Connect, or end the wait for the next attempt."""
        self._connection.dispatch(Change.CONNECT)

    def close(self) -> None:
        """Close, until ``connect`` is called."""
        self._connection.dispatch(Change.CLOSE, Close(1000, "closed by the client"))

    def subscribe(
        self,
        channel: str,
        *,
        grant: IssuedGrant | None = None,
        recover: Recover | bool = True,
    ) -> bool:
        """Subscribe to a channel; see ``Subscriptions.add``."""
        return self._subscriptions.add(channel, grant=grant, recover=recover)

    def unsubscribe(self, channel: str) -> bool:
        """Unsubscribe from a channel; False: the caller had not subscribed to it."""
        return self._subscriptions.remove(channel)

    def publish(self, channel: str, event: str, data: Any) -> int:
        """Publish on a channel, and return the number of the ``Answer`` that follows.

        Raises:
            NotConnected: there is no connection.
            TypeError, ValueError: the data has no JSON form.
        """
        return self._request(lambda number: publish_frame(channel, event, data, number))

    def presence(self, channel: str) -> int:
        """Request the presence of a channel, as ``publish`` does."""
        return self._request(lambda number: presence_frame(channel, number))

    def set_presence(self, channel: str, data: dict[str, Any] | None) -> int:
        """Set what presence shows of this client, as ``publish`` does."""
        return self._request(lambda number: set_presence_frame(channel, data, number))

    def forget(self, request: int) -> None:
        """Ignore the answer to a request."""
        self._parts.requests.forget(request)

    # For the adapter.

    def take_outputs(self) -> list[Output]:
        """Return what to do, and what has happened, oldest first."""
        return self._parts.outputs.take()

    def next_timer_at(self) -> float | None:
        """Return when ``run_timers`` must be called; None: there is no timer."""
        return self._parts.timers.next_at()

    def run_timers(self) -> None:
        """Run the timers that are due."""
        self._parts.timers.run_due()

    def token_fetched(self, number: int, issued: IssuedToken) -> None:
        """Answer ``FetchToken``."""
        self._tokens.fetched(number, issued)

    def token_failed(self, number: int, error: CredentialsError) -> None:
        """Answer ``FetchToken``."""
        self._tokens.failed(number, error)

    def grant_fetched(self, number: int, issued: IssuedGrant) -> None:
        """Answer ``FetchGrant``."""
        self._parts.grants.fetched(number, issued)

    def grant_failed(self, number: int, error: CredentialsError) -> None:
        """Answer ``FetchGrant``."""
        self._parts.grants.failed(number, error)

    def opened(self) -> None:
        """Record that the socket is open."""
        self._connection.dispatch(Change.OPENED)

    def lost(self, close: Close) -> None:
        """Record that the socket has ended, or could not be opened."""
        self._connection.dispatch(Change.LOST, close)

    def hold(self, reason: str) -> None:
        """Close the socket until ``connect``: the caller does not read the events in time."""
        self._connection.dispatch(Change.FLOODED, Close(CloseCode.SLOW_CONSUMER, reason))

    def received(self, text: str) -> None:
        """Handle a text of the gateway."""
        self._receiver.receive(text)

    def _request(self, write: Callable[[int], str]) -> int:
        if not self._connection.is_live:
            raise NotConnected("there is no connection")
        number = self._parts.requests.open(
            lambda frame, error: self._parts.outputs.put(Answer(number, frame, error))
        )
        try:
            self._parts.outputs.put(SendText(write(number)))
        except BaseException:
            self._parts.requests.forget(number)
            raise
        return number
