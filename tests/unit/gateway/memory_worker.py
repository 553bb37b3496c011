"""A worker without sockets: ``Parts``, as the product composes them, and clients for it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from sockgate_gateway.config.config import Config
from sockgate_gateway.connections.connection import Claim
from sockgate_gateway.server.parts import Parts
from sockgate_gateway.sessions.authenticator import Login
from sockgate_gateway.sessions.lifecycle import Lifecycle
from sockgate_gateway.wire.inspection import WorkerName, WorkerState
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.records import SessionRecord, UserRecord
from sockgate_gateway.wire.tokens import Token, TokenSigner

from tests.unit.gateway.fakes import Clock, FakeTransport, ImmediateHistory, without_history
from tests.unit.gateway.memory_broker import MemoryBroker
from tests.waiting import turn_loop

KEY = "a signing key of these tests that is long enough"
NAMES = Names()
CONNECT_TIMEOUT_S = 10.0
HELD_LIMIT_BYTES = 1000
HEARTBEAT_S = 25.0
WELL = WorkerState([], [], 0, 0, 0.001, 1.0, 0.001, "1", (), [])
ENOUGH = {
    "max_connections": 99,
    "max_unauthenticated": 99,
    "max_per_user": 99,
    "max_per_address": 99,
}


class FakeClient:
    """A client, with its transport and its connection."""

    def __init__(self, lifecycle: Lifecycle, address: str) -> None:
        self._lifecycle = lifecycle
        self.transport = FakeTransport()
        self.connection = lifecycle.open(self.transport, address)

    @property
    def code(self) -> int | None:
        """The code with which it was closed, if it was."""
        return self.transport.codes[-1] if self.transport.codes else None

    def send(self, frame: dict[str, Any] | str) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self._lifecycle.receive(self.connection, text)

    def send_token(self, token: str) -> None:
        self.send({"type": "connect", "token": token})

    def disconnect(self) -> None:
        self._lifecycle.transport_closed(self.connection, 1006, "the connection was lost")

    def frames(self) -> list[dict[str, Any]]:
        """Return the frames that were received since the last call."""
        frames = [json.loads(frame) for frame in self.transport.frames]
        self.transport.batches.clear()
        return frames


class LateReply:
    """A reply of Redis that has not arrived yet."""

    def __init__(self) -> None:
        self.is_read = asyncio.Event()
        self.may_arrive = asyncio.Event()


class MemoryWorker(Parts):
    """The product's own parts, with a broker in memory, fake transports and a clock of the test."""

    def __init__(
        self,
        clock: Clock,
        *,
        max_frames_per_second: float = 1000,
        audit_interval_s: float = 30,
        **limits: int,
    ) -> None:
        self.clock = clock
        self.broker = MemoryBroker(NAMES, clock.read)
        config = Config(
            signing_keys=(KEY,),
            connect_timeout=CONNECT_TIMEOUT_S,
            max_outbox=HELD_LIMIT_BYTES,
            max_publication=HELD_LIMIT_BYTES,
            max_frames_per_second=max_frames_per_second,
            audit_interval=audit_interval_s,
            password_grace=0,
            heartbeat=HEARTBEAT_S,
            **{**ENOUGH, **limits},
        )
        name = WorkerName("worker")
        super().__init__(config, self.broker, clock.wheel, name, lambda: WELL, clock.read)
        self.signer = TokenSigner([KEY], clock.read)
        self.immediate_history = ImmediateHistory()
        self.immediate_history.hub = self.hub
        # ``HistoryReader.run`` is not started here: channels have no history, and are live at once.
        self.hub._queue, self.hub._policy_of = self.immediate_history, without_history
        self.broker.attach(self.hub, self.control_messages)
        self.revalidator.link_restored()  # Policies are not read: no loop runs in a fixture.

    def log_in(self, sid: str = "sid", uid: str = "7", *groups: str, ttl_s: float = 10_000) -> str:
        """Write the records of a login, and return a token for it."""
        self.broker.write_session(sid, SessionRecord(uid, "digest"), ttl_s)
        if uid:
            self.broker.write_user(uid, UserRecord("digest", tuple(map("group:{}".format, groups))))
        return self.signer.issue(Token(sid, uid or None))

    def delay_next_reply(self) -> "LateReply":
        """Delay the next reply about sessions; later ones overtake it."""
        read_many, late = self.broker.read_many, LateReply()

        async def read_late(claims: Sequence[Claim]) -> list[Login]:
            self.broker.read_many = read_many  # type: ignore[method-assign]
            logins = await read_many(claims)
            late.is_read.set()
            await late.may_arrive.wait()
            return logins

        self.broker.read_many = read_late  # type: ignore[method-assign]
        return late

    def hold_channels(self) -> Callable[[], None]:
        """Keep joins pending until the returned function is called, as when Redis is slow."""
        self.immediate_history.is_held = True

        def release() -> None:
            self.immediate_history.is_held = False
            self.immediate_history.release()

        return release

    def open_client(self, address: str = "192.0.2.1") -> FakeClient:
        return FakeClient(self.lifecycle, address)

    async def connect_client(
        self, sid: str = "sid", uid: str = "7", *groups: str, **options: Any
    ) -> FakeClient:
        """Return a client that is connected and has read its `connected` frame."""
        client = self.open_client()
        client.send_token(self.log_in(sid, uid, *groups, **options))
        await turn_loop()
        (frame,) = client.frames()
        assert frame["type"] == "connected", frame
        return client
