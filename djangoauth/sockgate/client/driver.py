"""Runs a ``ClientProtocol`` on an asyncio loop: performs its actions, and runs its timers."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from .errors import CredentialsError
from .events import Event
from .protocol.actions import (
    Action,
    Answer,
    CloseSocket,
    FetchGrant,
    FetchToken,
    OpenSocket,
    Output,
    SendText,
)
from .protocol.client_protocol import ClientProtocol
from .protocol.credentials import CredentialSource
from .sockets import Socket, SocketListener, SocketOptions

_FETCH_TIMEOUT_S = 20.0
_MAX_GRANT_FETCHES = 16
"""So many at a time: each may need a thread."""

log = logging.getLogger("sockgate.client")


class Driver:
    """Connects a protocol with the network.

    Args:
        protocol: decides.
        source: fetches tokens and grants.
        options: how WebSockets are opened.
        on_event: receives events, each with the characters of its frame.
        on_answer: receives the answers to requests.
    """

    def __init__(
        self,
        protocol: ClientProtocol,
        source: CredentialSource,
        options: SocketOptions,
        on_event: Callable[[Event, int], None],
        on_answer: Callable[[Answer], None],
    ) -> None:
        self._protocol = protocol
        self._source = source
        self._options = options
        self._on_event = on_event
        self._on_answer = on_answer
        self._socket: Socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._grant_slots = asyncio.Semaphore(_MAX_GRANT_FETCHES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._actions: dict[type[Any], Callable[[Any], None]] = {
            FetchToken: lambda action: self._start(self._fetch_token(action.number)),
            FetchGrant: lambda action: self._start(self._fetch_grant(action)),
            OpenSocket: self._open,
            SendText: self._send,
            CloseSocket: lambda _: self._close_socket(),
            Answer: on_answer,
        }

    def perform(self, characters: int = 0) -> None:
        """Do what the protocol asks for. Called after every call of the protocol.

        Args:
            characters: of the frame that was received; its first event has them.
        """
        while outputs := self._protocol.take_outputs():
            for output in outputs:
                characters = self._perform(output, characters)
        self._schedule()

    async def aclose(self) -> None:
        """End all tasks; the protocol is closed already."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _perform(self, output: Output, characters: int) -> int:
        """Perform one output; return the characters that no event has yet."""
        action = self._actions.get(type(output))
        if action is None:
            self._on_event(_event(output), characters)
            return 0
        action(output)
        return characters

    def _open(self, action: OpenSocket) -> None:
        listener = SocketListener(
            opened=self._passing(self._protocol.opened),
            received=self._receive,
            lost=self._passing(self._protocol.lost),
        )
        self._socket = Socket(action.url, self._options, listener)

    def _receive(self, text: str) -> None:
        self._protocol.received(text)
        self.perform(len(text))

    def _send(self, action: SendText) -> None:
        if self._socket is not None:
            self._socket.send(action.text)

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._keep(self._socket.close())
        self._socket = None

    def _passing(self, call: Callable[..., None]) -> Callable[..., None]:
        def pass_on(*arguments: Any) -> None:
            call(*arguments)
            self.perform()

        return pass_on

    async def _fetch_token(self, number: int) -> None:
        try:
            issued = await self._fetched("token", self._source.fetch_token())
        except CredentialsError as error:
            self._protocol.token_failed(number, error)
        else:
            self._protocol.token_fetched(number, issued)
        self.perform()

    async def _fetch_grant(self, action: FetchGrant) -> None:
        try:
            async with self._grant_slots:
                issued = await self._fetched("grant", self._source.fetch_grant(action.channel))
        except CredentialsError as error:
            self._protocol.grant_failed(action.number, error)
        else:
            self._protocol.grant_fetched(action.number, issued)
        self.perform()

    async def _fetched(self, what: str, fetching: Coroutine[Any, Any, Any]) -> Any:
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT_S):
                return await fetching
        except TimeoutError:
            raise CredentialsError("no answer in time") from None
        except CredentialsError:
            raise
        except Exception as error:
            log.exception("The source of credentials failed to return a %s", what)
            raise CredentialsError(f"no {what} now: {type(error).__name__}") from error

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = self._protocol.next_timer_at()
        self._timer = None
        if at is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(at, self._passing(self._protocol.run_timers))

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._keep(asyncio.get_running_loop().create_task(coroutine))

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _event(output: Output) -> Event:
    assert not isinstance(output, Action)  # noqa: S101
    return output
