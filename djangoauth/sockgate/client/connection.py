"""One client's connection: its state, its socket and its deadlines.

Strategy: each attempt is a task, which fetches a token, opens a socket and reads it. Whatever ends
the attempt (a close code, silence, the caller) calls ``_end`` at once: from then on the task is not
the current one, passes nothing on, and only closes its socket. No state lasts for ever: fetching,
opening and the welcome have limits, silence ends a connection, and a wait ends with an attempt.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from sockgate_gateway.wire import contract
from sockgate_gateway.wire.closecodes import (
    COME_BACK_SPREAD,
    CloseCode,
    may_reconnect,
    needs_fresh_token,
    read_come_back_s,
)

from .backoff import Backoff, pace_of
from .credentials import Credentials
from .errors import CredentialsError
from .events import State, StateChanged
from .frames import Frame, Recover, seconds_of, write_frame
from .sockets import TIMED_OUT, ClientConnection, Close, close_of, send_all

_OPEN_TIMEOUT_S = 20.0
_WELCOME_TIMEOUT_S = 15.0

_SILENT_HEARTBEATS = 2.5
"""Heartbeats may be late: the number of intervals after which a connection counts as dead."""

_DEFAULT_HEARTBEAT_S = 25.0
"""Default of SOCKGATE_HEARTBEAT, for a gateway whose ``connected`` frame has no ``heartbeat``."""

_LONGEST_REFRESH_WAIT_S = 1.0
"""The gateway waits 10 s for the token that it has requested."""


class Listener(Protocol):
    """What a connection needs of its client."""

    def recover(self) -> dict[str, Recover]:
        """Return what to recover with the ``connect`` frame."""

    def received(self, text: str) -> None:
        """Handle what the gateway sends."""

    def detached(self) -> None:
        """Record that there is no socket any more."""

    def put(self, event: StateChanged) -> None:
        """Pass an event on."""


class Connection:
    """The connection of a client.

    Args:
        url: of the gateway; empty: as the site names it.
        credentials: have its token.
        backoff: for its attempts.
        open_socket: opens a WebSocket at a URL.
        listener: its client.
        random: returns a number in [0, 1).
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        backoff: Backoff,
        open_socket: Callable[[str], Awaitable[ClientConnection]],
        listener: Listener,
        random: Callable[[], float],
    ) -> None:
        self.state = State.CLOSED
        self._url = url
        self._is_url_fixed = bool(url)
        self._credentials = credentials
        self._backoff = backoff
        self._open_socket = open_socket
        self._listener = listener
        self._random = random
        self._tasks: set[asyncio.Task[None]] = set()
        self._attempt: asyncio.Task[None] | None = None
        self._refresh: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._texts: asyncio.Queue[str] | None = None
        self._hold: Close | None = None
        self._was_refused = False
        self._heartbeat_s = _DEFAULT_HEARTBEAT_S
        self._received_at = 0.0

    @property
    def is_live(self) -> bool:
        """Whether requests can be sent."""
        return self.state in (State.CONNECTED, State.INTERRUPTED)

    def connect(self) -> None:
        """Connect, or end the wait for the next attempt, or a hold that has had no effect yet."""
        self._hold = None
        if self.state is State.CLOSED:
            self._was_refused = False
            self._backoff.reset()
        if self.state in (State.CLOSED, State.WAITING):
            self._start()

    def close(self) -> None:
        """Close, until ``connect`` is called."""
        if self.state is not State.CLOSED:
            self._end(State.CLOSED, Close(1000, "closed by the client"))

    def hold(self, reason: str) -> None:
        """Close the socket until ``connect``: the caller does not read the events in time.

        It takes effect when the frame is handled whose event was one too many.
        """
        self._hold = Close(CloseCode.SLOW_CONSUMER, reason)
        asyncio.get_running_loop().call_soon(self._check_hold)

    async def aclose(self) -> None:
        """Wait until the sockets are closed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def send(self, frame: contract.ClientFrame) -> None:
        """Send a frame, after those before."""
        if self._texts is not None:
            self._texts.put_nowait(write_frame(frame))

    # What the gateway says.

    def accept(self, welcome: Frame) -> bool:
        """Handle the welcome; False: there was one before."""
        if self.state is not State.CONNECTING:
            return False
        self._was_refused = False
        self._backoff.reset()
        self._heartbeat_s = seconds_of(welcome, "heartbeat", _DEFAULT_HEARTBEAT_S)
        self._enter(State.CONNECTED)
        self._after("deadline", self._heartbeat_s, self._check_silence)
        return True

    def interrupt(self) -> None:
        """Record that the gateway has lost Redis."""
        if self.state is State.CONNECTED:
            self._enter(State.INTERRUPTED)

    def resume(self) -> None:
        """Record that the gateway has Redis again."""
        if self.state is State.INTERRUPTED:
            self._enter(State.CONNECTED)

    def drain(self, within_s: float) -> None:
        """Connect again at a random moment."""
        if self.is_live:
            self._after("drain", self._random() * within_s, self._start)

    def refresh(self) -> None:
        """Show a fresh token; the user may be another one."""
        if not self.is_live:
            return
        if self._refresh is not None:
            self._refresh.cancel()
        self._credentials.drop()
        self._refresh = self._spawn(self._show_fresh_token())

    async def _show_fresh_token(self) -> None:
        while True:
            try:
                issued = await self._credentials.token()
            except CredentialsError as error:
                if error.is_final:
                    return
                await asyncio.sleep(min(self._backoff.next_s(), _LONGEST_REFRESH_WAIT_S))
            else:
                self._backoff.reset()
                self.send(contract.Refresh(issued.token))
                return

    # An attempt.

    def _start(self) -> None:
        self._release()
        self._enter(State.CONNECTING)
        self._attempt = self._spawn(self._run())

    async def _run(self) -> None:
        try:
            await self._serve()
        except CredentialsError as error:
            close = Close(error.status, error.reason, is_attempt=not error.is_final)
        except Exception as error:  # noqa: BLE001  # close_of logs what is unknown.
            close = close_of(error)
        else:
            return
        if self._is_current():
            self._lost(close)

    async def _serve(self) -> None:
        issued = await self._credentials.token()
        if not self._is_url_fixed:
            self._url = issued.url or self._url
        async with asyncio.timeout(_OPEN_TIMEOUT_S):
            socket = await self._open_socket(self._url)
        self._texts = asyncio.Queue()
        sender = asyncio.create_task(send_all(socket, self._texts))
        try:
            self._after("deadline", _WELCOME_TIMEOUT_S, lambda: self._wait(TIMED_OUT))
            self.send(contract.Connect(issued.token, self._listener.recover()))
            while self._is_current():
                message = await socket.recv()
                if isinstance(message, str):
                    self._received_at = _now()
                    self._listener.received(message)
                    self._check_hold()
        finally:
            sender.cancel()
            await socket.close()

    def _check_hold(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None and self._texts is not None:
            self._end(State.WAITING, hold)

    def _is_current(self) -> bool:
        return self._attempt is asyncio.current_task()

    def _check_silence(self) -> None:
        """Send a ping after a silent heartbeat; give the connection up after two and a half."""
        silent_s = _now() - self._received_at
        left_s = self._heartbeat_s * _SILENT_HEARTBEATS - silent_s
        if left_s <= 0:
            self._wait(Close(CloseCode.HEARTBEAT_TIMEOUT, CloseCode.HEARTBEAT_TIMEOUT.reason))
            return
        if silent_s >= self._heartbeat_s:
            self.send(contract.Ping())
        next_s = self._heartbeat_s - silent_s
        next_s = min(left_s, next_s if next_s > 0 else self._heartbeat_s)
        self._after("deadline", next_s, self._check_silence)

    # The end of an attempt.

    def _lost(self, close: Close) -> None:
        """Decide after a close code: a fresh token, another attempt, or the end."""
        goes_on = close.is_attempt or may_reconnect(close.code)
        if needs_fresh_token(close.code):
            names_time = read_come_back_s(close.reason) is not None
            goes_on, self._was_refused = names_time or not self._was_refused, True
            self._credentials.drop()
        if goes_on:
            self._wait(close)
        else:
            self._end(State.CLOSED, close)

    def _wait(self, close: Close) -> None:
        named_s = read_come_back_s(close.reason)
        if named_s is None:
            wait_s = self._backoff.next_s(pace_of(close.code))
        else:
            wait_s = named_s * (1 + COME_BACK_SPREAD * self._random())
        self._end(State.WAITING, close, wait_s)
        self._after("deadline", wait_s, self._start)

    def _end(self, state: State, close: Close, wait_s: float = 0.0) -> None:
        self._release()
        self._enter(state, close, wait_s)

    def _enter(self, state: State, close: Close | None = None, wait_s: float = 0.0) -> None:
        if state is not self.state:
            self.state = state
            code, reason = (close.code, close.reason) if close else (0, "")
            self._listener.put(StateChanged(state, code, reason, wait_s))

    def _release(self) -> None:
        """End the attempt, its timers and its requests for a token."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in (self._attempt, self._refresh):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        self._attempt = self._refresh = None
        if self._texts is not None:
            self._texts = None
            self._listener.detached()

    def _after(self, name: str, delay_s: float, callback: Callable[[], None]) -> None:
        """Call a function later, in place of what this timer would have called."""
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, callback)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _now() -> float:
    return asyncio.get_running_loop().time()
