"""One client's connection: its phase, its socket and its deadlines.

Strategy: ``TRANSITIONS`` has an action for each change that a phase handles. A change that a phase
does not name is stale, and is ignored. Every phase but ``CLOSED`` has a deadline, after which the
change ``TIMEOUT`` occurs, so that no phase lasts for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sockgate_gateway.wire.closecodes import (
    COME_BACK_SPREAD,
    CloseCode,
    may_reconnect,
    needs_fresh_token,
    read_come_back_s,
)

from ..errors import CredentialsError
from ..events import StateChanged
from .actions import CloseSocket, OpenSocket, Outputs, SendText
from .backoff import Backoff, pace_of
from .close import TIMED_OUT, Close
from .credentials import Tokens
from .frames import (
    Frame,
    automatic_channels_of,
    connect_frame,
    heartbeat_of,
    ping_frame,
    refresh_frame,
)
from .positions import Positions
from .states import (
    DEADLINES_S,
    DEFAULT_HEARTBEAT_S,
    LONGEST_REFRESH_WAIT_S,
    PUBLIC_STATES,
    SILENT_HEARTBEATS,
    Change,
    Phase,
)
from .subscriptions import Subscriptions
from .timers import Timers

Action = Callable[["Connection", Any], None]


def _nothing() -> None:
    """Cancel nothing."""


@dataclass(kw_only=True)
class ConnectionParts:
    """What a connection works with."""

    tokens: Tokens
    positions: Positions
    subscriptions: Subscriptions
    backoff: Backoff
    timers: Timers
    outputs: Outputs
    random: Callable[[], float]


class Connection:
    """The connection of a client."""

    def __init__(self, parts: ConnectionParts) -> None:
        self.phase = Phase.CLOSED
        self._parts = parts
        self._was_refused = False
        self._token = ""
        self._has_socket = False
        self._heartbeat_s = DEFAULT_HEARTBEAT_S
        self._received_at = 0.0
        self._cancel_deadline = _nothing
        self._cancel_drain = _nothing
        self._cancel_refresh = _nothing

    @property
    def is_live(self) -> bool:
        """Whether requests can be sent."""
        return self.phase in (Phase.CONNECTED, Phase.INTERRUPTED)

    def dispatch(self, change: Change, detail: Any = None) -> None:
        """Do what the table says for a change in the current phase."""
        action = TRANSITIONS[self.phase].get(change)
        if action is not None:
            action(self, detail)

    def note_received(self) -> None:
        """Record a sign of life."""
        self._received_at = self._parts.timers.now()

    def drain(self, within_s: float) -> None:
        """Connect again at a random moment."""
        self._cancel_drain()
        wait_s = self._parts.random() * within_s
        self._cancel_drain = self._after(wait_s, Change.DRAINED)

    # Actions of the table.

    def start(self, _: Any) -> None:
        """Begin with the first attempt."""
        self._was_refused = False
        self._parts.backoff.reset()
        self.fetch_token(None)

    def fetch_token(self, _: Any) -> None:
        """Begin an attempt."""
        self._release()
        self._enter(Phase.FETCHING)
        self._get_token()

    def token_failed(self, error: CredentialsError) -> None:
        """End, or wait for the next attempt."""
        close = Close(error.status, error.reason)
        (self.end if error.is_final else self.wait)(close)

    def open_socket(self, token: str) -> None:
        """Open the socket for a token."""
        self._token = token
        self._enter(Phase.OPENING)
        self._has_socket = True
        self._parts.outputs.put(OpenSocket(self._parts.tokens.url))

    def send_connect(self, _: Any) -> None:
        """Send the first frame."""
        self._enter(Phase.GREETING)
        recover = self._parts.positions.recover(self._parts.subscriptions.is_requested)
        self._send(connect_frame(self._token, recover))

    def accept(self, frame: Frame) -> None:
        """Handle the welcome."""
        self._was_refused = False
        self._parts.backoff.reset()
        self._heartbeat_s = heartbeat_of(frame)
        self.resume(None)
        self._parts.subscriptions.attach(automatic_channels_of(frame), frame.get("rights"))

    def interrupt(self, _: Any) -> None:
        """Record that the gateway has lost Redis."""
        self._enter(Phase.INTERRUPTED, deadline_s=self._heartbeat_s)

    def resume(self, _: Any) -> None:
        """Record that the gateway delivers."""
        self._enter(Phase.CONNECTED, deadline_s=self._heartbeat_s)

    def fetch_fresh_token(self, _: Any) -> None:
        """Fetch the token that the gateway requests; the user may be another one."""
        self._parts.tokens.drop()
        self._get_token()

    def send_refresh(self, token: str) -> None:
        """Show a fresh token."""
        self._parts.backoff.reset()
        self._send(refresh_frame(token))

    def retry_refresh(self, error: CredentialsError) -> None:
        """Fetch the token again a little later, unless that is useless."""
        if not error.is_final:
            wait_s = min(self._parts.backoff.next_s(), LONGEST_REFRESH_WAIT_S)
            self._cancel_refresh()
            self._cancel_refresh = self._after(wait_s, Change.REFRESH)

    def handle_close(self, close: Close) -> None:
        """Decide after a close code: a fresh token, another attempt, or the end."""
        if needs_fresh_token(close.code):
            self._replace_token(close)
        elif close.is_attempt or may_reconnect(close.code):
            self.wait(close)
        else:
            self.end(close)

    def wait(self, close: Close) -> None:
        """Wait for the next attempt."""
        self._release()
        named_s = read_come_back_s(close.reason)
        if named_s is None:
            wait_s = self._parts.backoff.next_s(pace_of(close.code))
        else:
            wait_s = named_s * (1 + COME_BACK_SPREAD * self._parts.random())
        self._enter(Phase.WAITING, close, deadline_s=wait_s)

    def hold(self, close: Close) -> None:
        """Wait until ``CONNECT``."""
        self._release()
        self._enter(Phase.WAITING, close)

    def check_silence(self, _: Any) -> None:
        """Send a ping after a silent heartbeat; give the connection up after two and a half."""
        silent_s = self._parts.timers.now() - self._received_at
        left_s = self._heartbeat_s * SILENT_HEARTBEATS - silent_s
        if left_s <= 0:
            self.wait(Close(CloseCode.HEARTBEAT_TIMEOUT, CloseCode.HEARTBEAT_TIMEOUT.reason))
            return
        if silent_s >= self._heartbeat_s:
            self._send(ping_frame())
        next_s = self._heartbeat_s - silent_s
        self._set_deadline(min(left_s, next_s if next_s > 0 else self._heartbeat_s))

    def end(self, close: Close) -> None:
        """End without another attempt."""
        self._release()
        self._enter(Phase.CLOSED, close)

    # Parts of actions.

    def _replace_token(self, close: Close) -> None:
        is_final, self._was_refused = self._was_refused, True
        self._parts.tokens.drop()
        (self.end if is_final else self.wait)(close)

    def _get_token(self) -> None:
        self._parts.tokens.get(self._token_fetched)

    def _token_fetched(self, token: str | None, error: CredentialsError | None) -> None:
        if error is None:
            self.dispatch(Change.TOKEN, token)
        else:
            self.dispatch(Change.FAILED, error)

    def _enter(
        self, phase: Phase, close: Close | None = None, deadline_s: float | None = None
    ) -> None:
        is_change = PUBLIC_STATES[phase] is not PUBLIC_STATES[self.phase]
        self.phase = phase
        self._set_deadline(DEADLINES_S.get(phase) if deadline_s is None else deadline_s)
        if is_change:
            code, reason = (close.code, close.reason) if close else (0, "")
            wait_s = deadline_s or 0.0 if phase is Phase.WAITING else 0.0
            self._parts.outputs.put(StateChanged(PUBLIC_STATES[phase], code, reason, wait_s))

    def _set_deadline(self, after_s: float | None) -> None:
        self._cancel_deadline()
        self._cancel_deadline = _nothing
        if after_s is not None:
            self._cancel_deadline = self._after(after_s, Change.TIMEOUT, TIMED_OUT)

    def _release(self) -> None:
        """Close the socket, and cancel a token request and timers."""
        self._cancel_drain()
        self._cancel_refresh()
        self._cancel_drain = self._cancel_refresh = _nothing
        self._parts.tokens.cancel()
        if self._has_socket:
            self._has_socket = False
            self._parts.outputs.put(CloseSocket())
            self._parts.subscriptions.detach()

    def _send(self, text: str) -> None:
        self._parts.outputs.put(SendText(text))

    def _after(self, delay_s: float, change: Change, detail: Any = None) -> Callable[[], None]:
        return self._parts.timers.after(delay_s, lambda: self.dispatch(change, detail))


_TRYING: dict[Change, Action] = {Change.TIMEOUT: Connection.wait, Change.CLOSE: Connection.end}
_LIVE: dict[Change, Action] = {
    Change.FLOODED: Connection.hold,
    Change.REFRESH: Connection.fetch_fresh_token,
    Change.TOKEN: Connection.send_refresh,
    Change.FAILED: Connection.retry_refresh,
    Change.LOST: Connection.handle_close,
    Change.TIMEOUT: Connection.check_silence,
    Change.DRAINED: Connection.fetch_token,
    Change.CLOSE: Connection.end,
}

TRANSITIONS: dict[Phase, dict[Change, Action]] = {
    Phase.CLOSED: {Change.CONNECT: Connection.start},
    Phase.FETCHING: {
        **_TRYING,
        Change.TOKEN: Connection.open_socket,
        Change.FAILED: Connection.token_failed,
    },
    Phase.OPENING: {
        **_TRYING,
        Change.OPENED: Connection.send_connect,
        Change.LOST: Connection.handle_close,
    },
    Phase.GREETING: {
        **_TRYING,
        Change.FLOODED: Connection.hold,
        Change.ACCEPTED: Connection.accept,
        Change.LOST: Connection.handle_close,
    },
    Phase.CONNECTED: {**_LIVE, Change.INTERRUPTED: Connection.interrupt},
    Phase.INTERRUPTED: {**_LIVE, Change.RESUMED: Connection.resume},
    Phase.WAITING: {
        Change.TIMEOUT: Connection.fetch_token,
        Change.CONNECT: Connection.fetch_token,
        Change.CLOSE: Connection.end,
    },
}
