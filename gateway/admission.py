"""From a verified token to the moment of the welcome, for many connections at once.

Strategy: connects come in storms, and a task and futures for each would cost more than what they
wait for. Whoever shows a token while sessions are being read waits for the next reading, which then
reads those of all who wait. Each joins his channels; whoever hears the last of them is ready, and
all who are ready are told of together, in a turn of their own, for the hub is still at work.
"""

import asyncio
from collections.abc import Callable, Mapping

from .authenticator import Authenticator
from .connection import Connection, Identity, State
from .errors import Refused
from .hub import Hub
from .newcomers import Arrival
from .wire.closecodes import CloseCode
from .wire.publication import Position
from .wire.tokens import Token

MAX_BATCH = 128

Recover = Mapping[str, Position]
"""Up to where a browser has heard its channels."""


class Admission:
    """Check connections, and let them join their channels.

    Args:
        authenticator: reads sessions.
        hub: where channels are joined.
        room_bytes: how much of what it missed a connection may be given.
        on_ready: is told who may be welcomed.
        on_failed: is told who may not, and why.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        hub: Hub,
        room_bytes: int,
        on_ready: Callable[[Arrival], None],
        on_failed: Callable[[Connection, Exception], None],
    ) -> None:
        self._authenticator = authenticator
        self._hub = hub
        self._room_bytes = room_bytes
        self._on_ready = on_ready
        self._on_failed = on_failed
        self._waiting: list[tuple[Connection, Token, Recover]] = []
        self._checking: asyncio.Task[None] | None = None
        self._settled: list[Arrival] = []

    def check(self, connection: Connection, token: Token, recover: Recover) -> None:
        """Check a connection, together with whoever else waits."""
        self._waiting.append((connection, token, recover))
        if self._checking is None:
            self._checking = asyncio.create_task(self._check_waiting())

    async def _check_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._check(batch)
        finally:
            self._checking = None

    async def _check(self, batch: "list[tuple[Connection, Token, Recover]]") -> None:
        try:
            claims = [(token.sid, token.uid) for _, token, _ in batch]
            identities = await self._authenticator.identify_many(claims)
        except Exception as error:  # noqa: BLE001 -- all who wait must hear of it
            for connection, _, _ in batch:
                self._on_failed(connection, error)
            return
        for (connection, _, recover), identity in zip(batch, identities, strict=True):
            try:
                self._join(connection, identity, recover)
            except Exception as error:  # noqa: BLE001 -- the next ones shall not suffer
                self._on_failed(connection, error)

    def _join(self, connection: Connection, identity: Identity | None, recover: Recover) -> None:
        if connection.state is not State.CHECKING:
            return
        if identity is None:
            raise Refused(CloseCode.SESSION_UNKNOWN)
        arrival = Arrival(connection, identity, recover, self._room_bytes, self._settle)
        for channel, newcomer in arrival.newcomers.items():
            self._hub.join(connection, channel, newcomer)

    def _settle(self, arrival: Arrival) -> None:
        if not self._settled:
            asyncio.get_running_loop().call_soon(self._tell)
        self._settled.append(arrival)

    def _tell(self) -> None:
        settled, self._settled = self._settled, []
        for arrival in settled:
            if arrival.connection.state is not State.CHECKING:
                continue
            if arrival.error is None:
                self._on_ready(arrival)
            else:
                self._on_failed(arrival.connection, arrival.error)
