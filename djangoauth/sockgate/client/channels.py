"""All channels of a client: those that the caller wants, and those that the gateway subscribes.

Strategy: a wanted channel is subscribed again on every connection, until the caller unsubscribes or
the gateway rejects it. A rejected channel is requested again when the name of the user's rights
changes: the right may have been granted, or the user may be another one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sockgate_gateway.wire import contract
from sockgate_gateway.wire.names import is_automatic
from sockgate_gateway.wire.recover import newest_count

from .backoff import Backoff, pace_of
from .credentials import Credentials, IssuedGrant
from .errors import CredentialsError, NotConnected, RequestRejected
from .events import Event, Subscribed, Unsubscribed
from .frames import Frame, Recover, gap_of
from .positions import Positions
from .requests import Requests

_UNAVAILABLE = 503
"""A gateway that answers ``unavailable`` needs as much time as one that refuses connections."""


@dataclass(eq=False)
class _Wanted:
    """A channel that the caller wants."""

    channel: str
    backoff: Backoff
    never_recovers: bool = False
    is_subscribed: bool = False
    is_rejected: bool = False
    is_automatic: bool = False
    """The gateway has subscribed the connection without a request."""
    is_requested: bool = False
    """It is subscribed on this connection, or that is under way."""
    request: int = 0
    """The id of the ``subscribe`` frame that has no answer yet."""
    task: "asyncio.Task[None] | None" = None

    def stop(self) -> None:
        """End the request under way, whose answer counts no more."""
        self.request = 0
        if self.task is not None:
            self.task.cancel()
            self.task = None


@dataclass(kw_only=True)
class Channels:
    """The channels of a client."""

    credentials: Credentials
    positions: Positions
    requests: Requests
    make_backoff: Callable[[], Backoff]
    put: Callable[[Event], None]

    def __post_init__(self) -> None:
        self._wanted: dict[str, _Wanted] = {}
        self._is_attached = False
        self._rights: Any = None

    def add(self, channel: str, grant: IssuedGrant | None, recover: Recover | bool) -> bool:
        """Subscribe to a channel, now and on every later connection; see ``AsyncClient``.

        Returns:
            Whether it is subscribed already.
        """
        _check_recover(recover)
        wanted = self._wanted.get(channel)
        if wanted is None or wanted.is_rejected:
            wanted = self._wanted[channel] = wanted or _Wanted(channel, self.make_backoff())
            wanted.never_recovers = recover is False
            wanted.is_rejected = False
            if not isinstance(recover, bool):
                self.positions.want(channel, recover)
        if grant is not None:
            self.credentials.keep(channel, grant)
        self._subscribe(wanted)
        return wanted.is_subscribed

    def remove(self, channel: str) -> None:
        """Unsubscribe from a channel."""
        wanted = self._wanted.pop(channel, None)
        if wanted is None:
            return
        self.credentials.drop(channel)
        if not wanted.is_automatic:
            self.positions.forget(channel)
            was_requested = wanted.is_requested
            self._detach(wanted)
            if was_requested:
                self.requests.send(lambda number: contract.Unsubscribe(channel, id=number))

    def is_requested(self, channel: str) -> bool:
        """Return whether the caller wants a channel that the gateway does not subscribe itself."""
        wanted = self._wanted.get(channel)
        if wanted is None or is_automatic(channel):
            return False
        return not (wanted.is_rejected or wanted.is_automatic)

    def attach(self, channels: dict[str, Any], rights: Any) -> None:
        """Subscribe on a new connection.

        Args:
            channels: subscribed by the gateway, each with its position.
            rights: the name of the user's rights.
        """
        self._is_attached = True
        for channel, info in channels.items():
            self.confirm(channel, info if isinstance(info, dict) else {})
        self.refresh(rights)

    def refresh(self, rights: Any) -> None:
        """Subscribe to each wanted channel; to rejected ones too when the rights have changed."""
        have_changed, self._rights = rights != self._rights, rights
        for wanted in list(self._wanted.values()):
            if have_changed:
                wanted.is_rejected = False
            if not wanted.is_rejected:
                self._subscribe(wanted)

    def detach(self) -> None:
        """Record that the connection is lost."""
        self._is_attached = False
        for wanted in self._wanted.values():
            self._detach(wanted)

    def answer(self, frame: Frame) -> None:
        """Handle ``subscribed`` as the answer to a request."""
        wanted = self._wanted.get(frame["channel"])
        if wanted is not None and wanted.request == frame["reply_to"]:
            self._confirm(wanted, frame)

    def confirm(self, channel: str, info: Frame) -> None:
        """Record that the gateway has subscribed the connection without a request.

        Args:
            channel: its name.
            info: a frame, or the channel's entry in the ``connected`` frame.
        """
        wanted = self._wanted.get(channel)
        if wanted is not None and self._is_attached:
            wanted.is_rejected = False
            wanted.is_automatic = wanted.is_requested = True
            self._confirm(wanted, info)
        else:
            self._begin(channel, info, is_reported="type" in info)

    def renew(self, channel: str) -> None:
        """Request a channel again that was taken away because the user's rights have changed."""
        wanted = self._wanted.get(channel)
        if wanted is None or not self._is_attached:
            self.end(channel)
            return
        self.credentials.drop(channel)
        self._detach(wanted)
        self._subscribe(wanted)

    def end(self, channel: str, rejection: RequestRejected | None = None) -> None:
        """Record that a channel was rejected or taken away."""
        self.positions.forget(channel)
        self.credentials.drop(channel)
        if channel in self._wanted:
            self._wanted[channel].is_rejected = True
            self._detach(self._wanted[channel])
        code, message = (rejection.code, rejection.message) if rejection else ("", "")
        self.put(Unsubscribed(channel, code, message))

    def _detach(self, wanted: _Wanted) -> None:
        wanted.stop()
        wanted.is_requested = wanted.is_subscribed = False
        if wanted.never_recovers:
            self.positions.forget(wanted.channel)

    def _confirm(self, wanted: _Wanted, info: Frame) -> None:
        wanted.stop()
        wanted.backoff.reset()
        wanted.is_subscribed = True
        self._begin(wanted.channel, info, is_reported=True)

    def _begin(self, channel: str, info: Frame, *, is_reported: bool) -> None:
        is_complete = self.positions.start(channel, info)
        if is_reported:
            self.put(Subscribed(channel, info.get("recovered")))
        if not is_complete:
            self.put(gap_of(channel, info))

    def _subscribe(self, wanted: _Wanted) -> None:
        """Subscribe on this connection, unless that is under way or done."""
        if wanted.is_requested or not self._is_attached:
            return
        wanted.is_requested = True
        wanted.is_automatic = False
        # With a grant, the frame is sent before whatever the caller sends next.
        grant = self.credentials.kept(wanted.channel)
        if grant is not None:
            self._request(wanted, grant)
        wanted.task = asyncio.create_task(self._run(wanted))

    async def _run(self, wanted: _Wanted) -> None:
        """Fetch a grant and request the channel, again where that may help."""
        was_rejected = False
        while True:
            try:
                if not wanted.request:
                    self._request(wanted, await self.credentials.grant(wanted.channel))
                await self.requests.wait(wanted.request)
            except CredentialsError as error:
                if error.is_final:
                    self.end(wanted.channel, RequestRejected("not_allowed", error.reason))
                    return
                wait_s = wanted.backoff.next_s(pace_of(error.status))
            except RequestRejected as rejection:
                if rejection.code == "unavailable":
                    wait_s = wanted.backoff.next_s(pace_of(_UNAVAILABLE))
                elif rejection.code == "not_allowed" and not was_rejected:
                    was_rejected, wait_s = True, 0
                    self.credentials.drop(wanted.channel)
                else:
                    self.end(wanted.channel, rejection)
                    return
            except NotConnected:
                return  # The next connection requests the channel again.
            wanted.request = 0
            await asyncio.sleep(wait_s)

    def _request(self, wanted: _Wanted, grant: IssuedGrant) -> None:
        channel, recover = wanted.channel, self.positions.wanted(wanted.channel)
        wanted.request = self.requests.send(
            lambda number: contract.Subscribe(channel, grant.grant or None, recover, id=number)
        )


def _check_recover(recover: Any) -> None:
    if isinstance(recover, bool | tuple | list):
        return
    if not isinstance(recover, int | str) or newest_count(recover) <= 0:
        raise ValueError(f'recover is a position, a number from 1, "all" or False, not {recover!r}')
