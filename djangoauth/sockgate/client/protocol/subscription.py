"""The subscription to one channel: fetches the grant, requests it, retries where that may help.

Strategy: each step has the number of an attempt. A callback of an earlier attempt is ignored, so
that no step needs to be cancelled.
"""

from collections.abc import Callable
from typing import Any, Protocol

from ..errors import ClientError, CredentialsError, RequestRejected
from .actions import Outputs, SendText
from .backoff import Backoff, pace_of
from .credentials import Grants
from .frames import Frame, subscribe_frame, unsubscribe_frame
from .positions import Positions
from .requests import Requests
from .timers import Timers

_UNAVAILABLE = 503
"""A gateway that answers ``unavailable`` needs as much time as one that refuses connections."""


class SubscriptionParts(Protocol):
    """What subscriptions share."""

    grants: Grants
    positions: Positions
    requests: Requests
    timers: Timers
    outputs: Outputs

    def make_backoff(self) -> Backoff:
        """Return a back-off of its own for each channel."""


class Subscription:
    """One channel that the caller wants.

    Args:
        channel: its name.
        parts: shared with others.
        on_subscribed: receives the subscription and the frame.
        on_rejected: receives the subscription and a final rejection.
    """

    def __init__(
        self,
        channel: str,
        parts: SubscriptionParts,
        on_subscribed: Callable[["Subscription", Frame], None],
        on_rejected: Callable[["Subscription", RequestRejected], None],
    ) -> None:
        self.channel = channel
        self.is_subscribed = False
        self.is_rejected = False
        self.is_automatic = False
        """The gateway has subscribed the connection without a request."""
        self.never_recovers = False
        self._parts = parts
        self._on_subscribed = on_subscribed
        self._on_rejected = on_rejected
        self._backoff = parts.make_backoff()
        self._is_requested = False
        self._was_rejected = False
        self._attempt = 0

    def subscribe(self) -> None:
        """Subscribe on this connection, unless that is under way or done."""
        if not self._is_requested:
            self._is_requested = True
            self.is_automatic = self._was_rejected = False
            self._fetch_grant()

    def confirm(self, info: Frame) -> None:
        """Record that the gateway has subscribed the connection without a request."""
        self._is_requested = self.is_automatic = True
        self._succeed(info)

    def detach(self) -> None:
        """Record that the channel is not subscribed, until the next request."""
        self._attempt += 1
        self._is_requested = self.is_subscribed = False
        if self.never_recovers:
            self._parts.positions.forget(self.channel)

    def reject(self) -> None:
        """Record that the channel was rejected or taken away."""
        self.is_rejected = True
        self.detach()

    def unsubscribe(self) -> None:
        """Unsubscribe, or cancel the request under way."""
        was_requested = self._is_requested
        self.detach()
        if was_requested:
            request = self._parts.requests.open(lambda *_: None)
            self._send(unsubscribe_frame(self.channel, request))

    def _succeed(self, info: Frame) -> None:
        self._attempt += 1
        self._backoff.reset()
        self.is_subscribed = True
        self._on_subscribed(self, info)

    def _fetch_grant(self) -> None:
        self._parts.grants.get(self.channel, self._of_this_attempt(self._grant_fetched))

    def _grant_fetched(self, grant: str | None, error: CredentialsError | None) -> None:
        if error is None:
            self._request(grant)
        elif error.is_final:
            self._fail(RequestRejected("not_allowed", error.reason))
        else:
            self._retry_later(error.status)

    def _request(self, grant: str | None) -> None:
        request = self._parts.requests.open(self._of_this_attempt(self._answered))
        recover = self._parts.positions.wanted(self.channel)
        self._send(subscribe_frame(self.channel, grant, recover, request))

    def _answered(self, frame: Frame | None, error: ClientError | None) -> None:
        if frame is not None:
            self._succeed(frame)
        elif not isinstance(error, RequestRejected):
            return  # The connection is lost; the next one requests the channel again.
        elif error.code == "unavailable":
            self._retry_later(_UNAVAILABLE)
        elif error.code != "not_allowed" or self._was_rejected:
            self._fail(error)
        else:
            self._replace_grant()

    def _replace_grant(self) -> None:
        self._was_rejected = True
        self._parts.grants.drop(self.channel)
        self._fetch_grant()

    def _retry_later(self, code: int) -> None:
        wait_s = self._backoff.next_s(pace_of(code))
        self._parts.timers.after(wait_s, self._of_this_attempt(self._fetch_grant))

    def _fail(self, rejection: RequestRejected) -> None:
        self._on_rejected(self, rejection)

    def _send(self, text: str) -> None:
        self._parts.outputs.put(SendText(text))

    def _of_this_attempt(self, callback: Callable[..., None]) -> Callable[..., None]:
        """Start an attempt; the callback does nothing after a later one."""
        self._attempt += 1
        attempt = self._attempt

        def call(*arguments: Any) -> None:
            if attempt == self._attempt:
                callback(*arguments)

        return call
